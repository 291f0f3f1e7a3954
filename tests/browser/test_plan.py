"""The room plan as people use it: seats that are ticked and walked through, and that change by themselves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from tests.browser.house import Desks, House
from tests.browser.monitor_page import dialog, shows, tick
from tests.nightly import at_night
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Test

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def room_of(house: House, seats: str = "1A 1B 1D 2A 2D") -> Test:
    """A test in Sal A, with an aisle at C."""
    exam = house.exam()
    for name in seats.split():
        house.candidate(exam, f"Person {name}", room="Sal A", seat=name)
    return exam


def seat(page: Page, name: str) -> Locator:
    """The link in a seat."""
    return page.locator(".seat a").filter(has=page.get_by_text(name, exact=True))


def focused(page: Page) -> str:
    """The seat that has the focus."""
    name: str = page.evaluate("document.activeElement.querySelector('b').textContent")
    return name


def refresh(page: Page) -> None:
    """Have the plan ask now."""
    with page.expect_response("**/monitor/plan*"):
        page.evaluate("dispatchEvent(new Event('online'))")


def test_list_and_plan_share_filter_and_selection(house: House, desks: Desks) -> None:
    """Whoever is ticked in one is ticked in the other; filters stay on the plan."""
    exam = room_of(house)
    house.candidate(exam, "Elsewhere", room="Sal B", seat="1A")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor?room=Sal+A")
    tick(page, "Person 1B").check()
    page.get_by_role("link", name="Plan").click()
    shows(page, 5)
    expect(tick(page, "Person 1B")).to_be_checked()
    tick(page, "Person 2D").check()
    with page.expect_response("**/monitor/plan?q=2d&room=Sal+A*"):
        page.get_by_role("searchbox", name="Search candidates").fill("2d")
    shows(page, 1)
    expect(page.locator(".seat-other")).to_have_count(4)
    page.get_by_role("searchbox", name="Search candidates").fill("")
    shows(page, 5)
    page.get_by_role("link", name="List").click()
    expect(page).to_have_url(re.compile(r"/monitor\?room=Sal\+A$"))


def test_a_seat_changes_by_itself_and_the_others_stay(house: House, desks: Desks) -> None:
    """Only the row that has changed is sent; focus and ticks stay."""
    exam = room_of(house)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor/plan")
    tick(page, "Person 1A").check()
    seat(page, "2D").focus()
    unchanged = page.locator("#row-1-1").evaluate_handle("row => row.cells[1]")
    changed, *_ = [one for one in house.candidacies_of(exam) if one.seat == "2A"]
    with page.expect_response(lambda answer: "/monitor/plan" in answer.url and answer.status == 200) as answered:
        with writing(house.session):
            house.session.execute(update(Candidacy).where(Candidacy.id == changed.id).values(paused_at=utcnow()))
        page.evaluate("dispatchEvent(new Event('online'))")
    expect(seat(page, "2A")).to_contain_text("Paused")
    assert re.findall(r'<tr id="(row-1-\d)"([^>]*)>(?!</tr>)', answered.value.text()) == [("row-1-2", "")]
    assert unchanged.evaluate("cell => cell.isConnected && cell.textContent.includes('Person 1A')")
    expect(tick(page, "Person 1A")).to_be_checked()
    assert focused(page) == "2D"


def test_arrow_keys_walk_over_aisles(house: House, desks: Desks) -> None:
    exam = room_of(house)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor/plan")
    seat(page, "1B").focus()
    for key, name in (
        ("ArrowRight", "1D"),
        ("ArrowRight", "1D"),
        ("ArrowDown", "2D"),
        ("ArrowLeft", "2A"),
        ("ArrowUp", "1A"),
    ):
        page.keyboard.press(key)
        assert focused(page) == name
    expect(seat(page, "1A").locator(".seat-who")).to_have_css("clip-path", "none")  # the name is shown


@pytest.mark.parametrize(("width", "height"), [(390, 844), *at_night((820, 1180), (1440, 900))])
def test_the_room_scrolls_and_not_the_page(house: House, desks: Desks, width: int, height: int) -> None:
    """Wide rooms scroll by themselves; two fingers make the seats smaller, and so does a button."""
    exam = room_of(house, " ".join(f"{row}{letter}" for row in range(1, 31) for letter in "ABCDEFGHIJKLMNOPQRST"[::19]))
    house.candidate(exam, "In between", room="Sal A", seat="15K")
    desk = desks.desk(house, viewport={"width": width, "height": height}, has_touch=width < 1000)
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor/plan")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    room = page.locator(".plan-scroll")
    before = page.evaluate("scrollX")
    room.evaluate("room => room.scrollBy(500, 0)")
    assert page.evaluate("scrollX") == before
    assert room.evaluate("room => getComputedStyle(room).overscrollBehaviorX") == "contain"
    wide = seat(page, "1A").bounding_box()
    page.get_by_role("button", name="Larger").click()
    larger = seat(page, "1A").bounding_box()
    assert wide is not None
    assert larger is not None
    assert larger["width"] > wide["width"]
    page.reload()
    assert seat(page, "1A").bounding_box() == larger or page.evaluate("scrollY") > 0


def test_a_seat_opens_its_candidate_beside_the_plan(house: House, desks: Desks) -> None:
    exam = room_of(house)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor/plan")
    seat(page, "1D").press("Enter")
    expect(page.locator("#candidate-title")).to_contain_text("Person 1D")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    seat(page, "2A").click()
    expect(page.locator("#candidate-title")).to_contain_text("Person 2A")
    page.go_back()
    expect(page.locator("#drawer")).to_be_hidden()
    expect(page).to_have_url(re.compile("/monitor/plan$"))


@pytest.mark.nightly
def test_j_and_k_walk_from_seat_to_seat_and_x_and_m_are_for_it(house: House, desks: Desks) -> None:
    """The same keys as in the list; the menu of an open candidate has the same actions."""
    exam = room_of(house)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor/plan")
    for key, name in (("j", "1A"), ("j", "1B"), ("j", "1D"), ("j", "2A"), ("k", "1D")):
        page.keyboard.press(key)
        assert focused(page) == name
    page.keyboard.press("x")
    expect(tick(page, "Person 1D")).to_be_checked()
    page.keyboard.press("m")
    expect(dialog(page)).to_contain_text("Person 1D")
    page.keyboard.press("Escape")
    seat(page, "2A").click()
    page.locator("#drawer").get_by_role("button", name="More").click()
    page.locator(".menu:popover-open").get_by_role("button", name="Present").click()
    expect(page.locator("[data-quiet-bar]")).to_contain_text("Person 2A: present")


def test_without_javascript_seats_are_links(house: House, scriptless: Desks) -> None:
    """R20."""
    exam = room_of(house)
    page = scriptless.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    page.get_by_role("link", name="Plan").click()
    one = next(one for one in house.candidacies_of(exam) if one.seat == "1D")
    expect(seat(page, "1D")).to_have_attribute("href", f"/monitor/candidates/{one.id}")
    tick(page, "Person 1A").check()
    page.get_by_role("button", name="Message…").click()
    expect(page.get_by_text("Person 1A").last).to_be_visible()


@pytest.mark.nightly
def test_on_a_phone_no_box_lies_over_a_seat_s_name(house: House, desks: Desks) -> None:
    """Nor over the sign of its state, even where there is a flag."""
    exam = room_of(house, "12A 12B")
    with writing(house.session):
        house.session.execute(update(Candidacy).where(Candidacy.seat == "12A").values(flagged=True))
    desk = desks.desk(house, viewport={"width": 390, "height": 844}, has_touch=True)
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor/plan?room=Sal+A")
    shows(page, 2)
    covered = page.locator(".seat").evaluate_all(
        """seats => seats.flatMap((seat) => {
             const box = seat.querySelector("input").getBoundingClientRect();
             const text = document.createRange();
             text.selectNodeContents(seat.querySelector("b"));
             const over = (part) => part.left < box.right && box.left < part.right
               && part.top < box.bottom && box.top < part.bottom;
             const parts = [text, ...seat.querySelectorAll("a > svg")];
             return parts.map((part) => part.getBoundingClientRect()).filter(over);
           }).length"""
    )
    assert covered == 0
