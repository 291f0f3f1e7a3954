"""The list as eyes meet it: where it begins, how many rows are in view, and that nothing in it moves (R19)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from tests.browser.house import Desks, House
from tests.browser.monitor_page import filter_by, open_filter, row, rows, shows
from tests.nightly import at_night
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Test

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((seen) => {
    for (const one of seen.getEntries()) {
      const told = (from) => [from.node?.nodeName, from.previousRect.toJSON(), from.currentRect.toJSON()];
      const moved = one.sources.map(told);
      window.shifts.push([one.value, ...moved]);
    }
  }).observe({ type: "layout-shift", buffered: false });
}"""
BOXES = """() => [...document.querySelectorAll("tr[data-candidacy]")].map((row) => {
  const box = row.getBoundingClientRect();
  return [box.top, box.bottom];
})"""


@pytest.fixture
def exam(house: House) -> Test:
    """60 in one room: three offline, one idle, some who write, wait, are paused, have submitted or are not there."""
    exam, now = house.exam(), utcnow()
    shared = {"room": "Sal A115", "entered_at": now}
    with_state = [
        (3, {"last_seen": now - timedelta(minutes=12), "saved_at": now}),
        (1, {"last_seen": now + timedelta(hours=1), "saved_at": now - timedelta(minutes=28)}),
        (1, {"paused_at": now}),
        (30, {"last_seen": now + timedelta(hours=1), "saved_at": now, "extra_minutes": 15}),
        (5, {"started_at": None}),
        (8, {"submitted_at": now}),
        (12, {"started_at": None, "entered_at": None}),
    ]
    for size, fields in with_state:
        house.hall.candidacies(exam, size, **{**shared, **fields})
    with writing(house.session):
        house.session.execute(update(Candidacy).where(Candidacy.test_id == exam.id).values(seat="40A"))
    return exam


@pytest.mark.parametrize(
    ("width", "height", "touch", "begins", "in_view", "row_heights"),
    [(1440, 900, False, 180, 15, (40, 40)), (390, 844, True, 240, 8, (56, 60)),
     *at_night((820, 1180, True, 230, 12, (56, 60)), (360, 740, True, 240, 6, (56, 60)))],
)  # fmt: skip
def test_the_list_begins_high_and_shows_many_rows(
    house: House, desks: Desks, exam: Test, width: int, height: int, touch: bool, begins: int, in_view: int,
    row_heights: tuple[int, int],
) -> None:  # fmt: skip
    """State, last save and time left need no scrolling sideways."""
    desk = desks.desk(house, viewport={"width": width, "height": height}, has_touch=touch)
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor?room=Sal+A115")
    shows(page, 60)
    top = page.locator("#rows").evaluate("rows => rows.getBoundingClientRect().top")
    assert top <= begins
    boxes: list[list[float]] = page.evaluate(BOXES)
    assert sum(bottom <= height for _, bottom in boxes) >= in_view
    heights = {round(bottom - top) for top, bottom in boxes}
    assert row_heights[0] <= min(heights) <= max(heights) <= row_heights[1]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    first = rows(page).first
    for key in ("state", "saved", "remaining"):
        box = first.locator(f'[data-column="{key}"]').bounding_box()
        assert box is not None, key
        assert box["x"] >= 0, key
        assert box["x"] + box["width"] <= width, key
    right = "getBoundingClientRect().right"
    ends = (
        rows(page).locator(".more").evaluate_all(f"all => all.map((td) => td.firstElementChild.{right} - td.{right})")
    )
    assert max(ends) <= 0
    clipped = first.locator(".pill, time").evaluate_all(
        "all => all.filter((one) => one.scrollWidth > one.clientWidth + 1)"
    )
    assert not [one for one in clipped if one]


def no_shift(page: Page) -> None:
    """Nothing has moved since `SHIFTS` has run."""
    page.wait_for_timeout(200)
    assert page.evaluate("shifts") == []


def test_r19_nothing_moves_when_a_refresh_or_a_filter_comes(house: House, desks: Desks, exam: Test) -> None:
    """Rows may stand elsewhere and cells say something else: columns, heads and what is around them stay."""
    page = desks.desk(house, viewport={"width": 1440, "height": 900}).sign_in_unseen(
        house.invigilator(exam), "/monitor?sort=name"
    )
    shows(page, 60)
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(300)
    before = page.locator("thead th").evaluate_all("all => all.map((one) => one.getBoundingClientRect().x)")
    page.evaluate(SHIFTS)
    with writing(house.session):
        changes = {"flagged": True, "note": "A note", "submitted_at": utcnow()}
        house.session.execute(update(Candidacy).where(Candidacy.test_id == exam.id).values(changes))
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#tile-submitted .tile-count")).to_have_text("60")
    no_shift(page)
    page.locator("#tile-offline").click(no_wait_after=True)
    shows(page, 0)
    no_shift(page)
    page.locator("#tile-submitted").click()
    shows(page, 60)
    assert page.locator("thead th").evaluate_all("all => all.map((one) => one.getBoundingClientRect().x)") == before


@pytest.mark.nightly
def test_a_sheet_of_filters_moves_nothing(house: House, desks: Desks, exam: Test) -> None:
    desk = desks.desk(house, viewport={"width": 390, "height": 844}, has_touch=True)
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    shows(page, 60)
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(300)
    page.evaluate(SHIFTS)
    open_filter(page, "state").locator('[value="offline"]').tap()
    shows(page, 3)
    no_shift(page)
    page.locator("[data-close-menu]").tap()
    no_shift(page)


def test_groups_in_order_of_need_and_the_head_in_view(house: House, desks: Desks, exam: Test) -> None:
    page = desks.desk(house, viewport={"width": 1440, "height": 900}).sign_in_unseen(
        house.invigilator(exam), "/monitor"
    )
    heads = page.locator("tr.group")
    expect(heads).to_have_text(
        ["Needs attention · 4", "Paused · 1", "Writing · 30", "Waiting · 5", "Submitted · 8", "Not arrived · 12"]
    )
    expect(rows(page).nth(0)).to_contain_text("Offline 12 min")
    expect(rows(page).nth(3)).to_contain_text("Idle 28 min")
    page.mouse.wheel(0, 900)
    expect(heads.first).not_to_be_in_viewport()
    bar = page.locator(".site-header").bounding_box()
    head = page.locator("thead th").nth(1).bounding_box()
    assert bar is not None
    assert head is not None
    assert head["y"] == pytest.approx(bar["y"] + bar["height"], abs=1.5)
    page.locator('thead th[data-column="name"] a').click()
    expect(heads).to_have_count(0)


@pytest.mark.nightly
def test_r19_groups_wait_with_their_rows_under_the_pointer(house: House, desks: Desks, exam: Test) -> None:
    """While the pointer is over the rows, nobody changes the group."""
    ada = house.candidate(exam, "Ada", room="Sal A115", saved_at=utcnow())
    house.hall.seen(ada.id, -timedelta(hours=1))
    page = desks.desk(house, viewport={"width": 1440, "height": 900}).sign_in_unseen(
        house.invigilator(exam), "/monitor"
    )
    lines = page.locator("[data-rows] > tr")
    row(page, "Ada").hover()
    before = lines.evaluate_all("all => all.map((one) => one.id)")
    with writing(house.session):
        house.session.execute(update(Candidacy).where(Candidacy.user_id == ada.id).values(submitted_at=utcnow()))
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(row(page, "Ada").locator(".pill")).to_contain_text("Submitted")
    assert lines.evaluate_all("all => all.map((one) => one.id)") == before
    expect(page.locator("[data-list-changed]")).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.locator("[data-list-changed]")).to_be_hidden()
    expect(page.locator("#group-submitted")).to_contain_text("Submitted · 9")
    assert lines.evaluate_all("all => all.map((one) => one.id)") != before


PLACES = """() => [...document.querySelectorAll("tr[data-candidacy]")].map((row) => {
  const box = (part) => row.querySelector(part).getBoundingClientRect();
  const [name, state, saved] = [".name", ".pill", '[data-column="saved"] time'].map(box);
  const link = row.querySelector("[data-open]").getBoundingClientRect();
  const marks = box('[data-column="marks"]');
  const cell = box('[data-column="saved"]');
  return { saved: saved.x, savedEnd: Math.min(saved.right, cell.right), isCut: saved.right > cell.right + 1,
           nameEnd: Math.min(name.right, link.right), stateEnd: state.right,
           left: box('[data-column="remaining"]').x, marks: marks.width ? marks.x : innerWidth };
})"""
"""Where the parts of each row are, in pixels."""


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "height"), [(390, 844), (820, 1180), (360, 740)])
def test_rows_of_two_lines_are_laid_out_alike(house: House, desks: Desks, width: int, height: int) -> None:
    """Neither a long name nor marks nor a day push what stands below them, or lie over it.

    On a phone the last save is cut where a blank submission of another day leaves no place for it.
    """
    exam, now = house.exam(), utcnow()
    shared = {
        "room": "Sal A115",
        "seat": "40A",
        "last_seen": now - timedelta(minutes=12),
        "saved_at": now - timedelta(minutes=12),
    }
    house.candidate(exam, "Bo", **shared)
    long = house.candidate(
        exam, "Margareta Khan-Andersson von Hohenzollern", **shared, flagged=True, note="A note", extra_minutes=30
    )
    house.hall.seen(long.id, -timedelta(minutes=12))
    old = {**shared, "saved_at": now - timedelta(days=2), "extra_minutes": 30}
    house.candidate(exam, "Cy", **old)
    house.candidate(exam, "Di", **{**old, "submitted_at": now - timedelta(days=2), "blank": True})
    desk = desks.desk(house, viewport={"width": width, "height": height}, has_touch=True)
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor?sort=name")
    shows(page, 4)
    page.evaluate("document.fonts.ready")
    all_places = page.evaluate(PLACES)
    if width == 820:
        assert all_places[0]["saved"] == pytest.approx(all_places[3]["saved"], abs=1)
    assert [places["isCut"] for places in all_places] == [False, False, width < 820, False]
    for places in all_places:
        assert places["savedEnd"] <= places["left"]
        assert places["nameEnd"] <= places["marks"]
        if width < 820:
            assert places["stateEnd"] <= places["saved"] <= places["stateEnd"] + 50


@pytest.mark.parametrize("width", [1280, *at_night(1440)])
def test_r19_no_row_moves_when_a_candidate_is_opened(house: House, desks: Desks, exam: Test, width: int) -> None:
    """The list becomes narrower, not higher: the next row is still under the pointer."""
    page = desks.desk(house, viewport={"width": width, "height": 900}).sign_in_unseen(
        house.invigilator(exam), "/monitor"
    )
    shows(page, 60)
    before = page.evaluate(BOXES)
    rows(page).first.locator("[data-open]").click()
    expect(page.locator("#drawer .candidate-card")).to_be_visible()
    assert page.evaluate(BOXES) == before


def test_no_state_is_cut_off(house: House, desks: Desks) -> None:
    exam, now = house.exam(), utcnow()
    house.candidate(exam, "Blank", room="Sal A115", seat="40A", submitted_at=now, blank=True)
    house.candidate(exam, "Away", room="Sal A115", seat="40B", saved_at=now - timedelta(minutes=119))
    page = desks.desk(house, viewport={"width": 1440, "height": 900}).sign_in_unseen(
        house.invigilator(exam), "/monitor"
    )
    expect(row(page, "Blank")).to_contain_text("Submitted blank")
    ends = page.locator("tr[data-candidacy]").evaluate_all(
        """all => all.map((row) => row.querySelector('[data-column="state"]').getBoundingClientRect().right
             - row.querySelector(".pill").getBoundingClientRect().right)"""
    )
    assert min(ends) >= 0


@pytest.mark.nightly
def test_r19_columns_stay_when_a_filter_leaves_one_room(house: House, desks: Desks) -> None:
    exam = house.exam()
    for name, room in (("Ada", "Sal A115"), ("Bo", "Sal A116")):
        house.candidate(exam, name, room=room, seat="40A")
    page = desks.desk(house, viewport={"width": 1440, "height": 900}).sign_in_unseen(
        house.invigilator(exam), "/monitor"
    )
    shows(page, 2)
    columns = "all => all.map((one) => one.getBoundingClientRect().x)"
    before = page.locator("thead th").evaluate_all(columns)
    expect(page.locator(".candidates.with-rooms")).to_have_count(1)
    filter_by(page, "room", "Sal A116")
    shows(page, 1)
    expect(page.locator(".candidates.with-rooms")).to_have_count(0)
    assert page.locator("thead th").evaluate_all(columns) == before


@pytest.mark.nightly
def test_only_the_button_of_a_row_s_menu_is_drawn_as_dots(house: House, desks: Desks) -> None:
    """What can be pressed in the menu has its words, and nothing before them."""
    exam = house.exam()
    house.candidate(exam, "Ada")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    dots = "all => all.map((one) => getComputedStyle(one, '::before').boxShadow)"
    button = row(page, "Ada").get_by_role("button", name="More for")
    [drawn] = button.evaluate_all(dots)
    assert drawn.count("px 0px") >= 2  # one beside the other two
    button.click()
    assert set(page.locator("[popover]:popover-open button").evaluate_all(dots)) == {"none"}
