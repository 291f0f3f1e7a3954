"""R19: the list refreshes itself, and takes nothing away from who works in it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.house import Desks, House
from tests.browser.monitor_page import compose_for_one, row, rows, tick
from tests.nightly import at_night
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Incident, IncidentCandidacy, Role, Test

pytestmark = [pytest.mark.browser, pytest.mark.one_database]


def changed(house: House, shown: Locator, **changes: str) -> None:
    """Change the candidacy of a row behind the page's back."""
    candidacy_id = int(shown.get_attribute("data-candidacy") or 0)
    with writing(house.session):
        candidacy = house.session.get_one(Candidacy, candidacy_id)
        for name, value in changes.items():
            setattr(candidacy, name, value)


def refresh(page: Page) -> None:
    """Have the page refresh now, as it does when the network is back, instead of after up to five seconds."""
    page.evaluate("dispatchEvent(new Event('online'))")


def ids(page: Page) -> list[str]:
    """The rows as they stand."""
    return rows(page).evaluate_all("rows => rows.map(row => row.dataset.candidacy)")  # type: ignore[no-any-return]


@pytest.fixture
def exam(house: House) -> Test:
    """60 candidates."""
    exam = house.exam()
    house.hall.candidacies(exam, 60)
    return exam


def test_r19_selection_focus_scroll_and_half_typed_text_stay(house: House, desks: Desks, exam: Test) -> None:
    """Cells change in place and are marked."""
    page = desks.desk(house, viewport={"width": 1280, "height": 500}).sign_in_unseen(
        house.invigilator(exam), "/monitor?sort=name"
    )
    rows(page).nth(19).scroll_into_view_if_needed()
    box = rows(page).nth(20).get_by_role("checkbox")
    box.check()
    box.focus()
    scrolled = page.evaluate("scrollY")
    assert scrolled > 0
    box.evaluate("box => { window.held = box; }")
    changed(house, rows(page).nth(20), seat="99Z")
    cell = rows(page).nth(20).locator("[data-column=seat]")
    expect(cell).to_have_text("99Z Room 1")
    expect(cell).to_have_attribute("data-changed", "")
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    assert box.evaluate("box => box === window.held")
    assert page.evaluate("scrollY") == scrolled
    field = page.get_by_role("searchbox", name="Search candidates")
    field.focus()
    field.evaluate("field => { field.value = 'half ty'; field.setSelectionRange(4, 4); }")
    changed(house, rows(page).nth(21), seat="98Z")
    refresh(page)
    expect(rows(page).nth(21).locator("[data-column=seat]")).to_have_text("98Z Room 1")
    expect(field).to_have_value("half ty")
    expect(field).to_be_focused()
    assert field.evaluate("field => field.selectionStart") == 4
    expect(rows(page).nth(21).get_by_role("checkbox")).not_to_be_checked()
    expect(box).to_be_checked()


def test_r19_an_open_dialog_keeps_its_text(house: House, desks: Desks, exam: Test) -> None:
    house.candidate(exam, "Ada")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor?q=ada")
    form = compose_for_one(page, "Ada")
    form.get_by_label("Subject").fill("Half a sub")
    form.get_by_label("Message", exact=True).press_sequentially("Half a ")
    changed(house, row(page, "Ada"), seat="99Z")
    refresh(page)
    expect(row(page, "Ada").locator("[data-column=seat]")).to_have_text("99Z Room 1")
    expect(form).to_be_visible()
    expect(form.get_by_label("Subject")).to_have_value("Half a sub")
    expect(form.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.type("message")
    expect(form.get_by_label("Message", exact=True)).to_have_value("Half a message")


def test_r19_rows_do_not_jump_under_the_pointer(house: House, desks: Desks, exam: Test) -> None:
    """Who joins waits while the pointer is over the rows: the page says so, and shows it when the pointer has left."""
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor?sort=name")
    before = ids(page)
    rows(page).nth(3).hover()
    place = rows(page).nth(3).bounding_box()
    house.candidate(exam, "Aaron", number="A00000")
    refresh(page)
    expect(page.locator("[data-list-changed]")).to_be_visible()
    assert ids(page) == before
    assert rows(page).nth(3).bounding_box() == place
    expect(page.locator("#candidate-count")).to_have_attribute("data-count", "61")
    page.mouse.move(5, 5)
    expect(row(page, "Aaron")).to_be_visible()
    expect(page.locator("[data-list-changed]")).to_be_hidden()
    assert len(ids(page)) == 50
    rows(page).nth(3).hover()
    house.candidate(exam, "Aaron Two", number="A00001")
    refresh(page)
    expect(page.locator("[data-list-changed]")).to_be_visible()
    # by key, so that the pointer stays where it is: the way to the button would show the list too, and hide the button
    page.get_by_role("button", name="Show", exact=True).press("Enter")
    expect(row(page, "Aaron Two")).to_be_visible()


@pytest.mark.nightly
def test_the_menu_goes_over_to_the_row_whose_button_is_pressed(house: House, desks: Desks, exam: Test) -> None:
    """And rows do not move while somebody is in it."""
    house.candidate(exam, "Zoe", number="Z00001")
    house.candidate(exam, "Zoe Two", number="Z00002")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor?q=zoe&sort=name")
    menu = page.locator("#row-menu:popover-open")
    for name in ("Zoe Two", "Zoe"):
        row(page, name).get_by_role("button", name=f"More for {name} (").click()
        expect(menu).to_be_visible()
    link = menu.get_by_role("link", name="Message…")
    assert link.get_attribute("href") == f"/messages/new?candidate={ids(page)[0]}"
    page.mouse.move(2, 2)
    link.focus()
    house.candidate(exam, "Ada Zoe", number="A00000")
    refresh(page)
    expect(page.locator("[data-list-changed]")).to_be_visible()
    expect(rows(page).first).to_contain_text("Z00001")
    row(page, "Zoe").get_by_role("button", name="More for Zoe (").click()
    expect(menu).to_be_hidden()


def test_an_open_menu_of_a_row_and_its_target_stay(house: House, desks: Desks, exam: Test) -> None:
    """What opens is for the row on which it was pressed, whatever came meanwhile."""
    house.candidate(exam, "Zoe")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor?q=zoe")
    row(page, "Zoe").get_by_role("button", name="More for Zoe").click()
    menu = page.locator(".menu:popover-open")
    expect(menu).to_be_visible()
    house.candidate(exam, "Ada Zoe", number="A00000")
    refresh(page)
    expect(page.locator("#candidate-count")).to_have_attribute("data-count", "2")
    expect(menu).to_be_visible()
    menu.get_by_role("link", name="Message…").click()
    expect(page.locator("dialog#compose")).to_contain_text(re.compile("To 1 person.*Zoe", re.DOTALL))
    expect(page.locator("dialog#compose .audience-names")).to_have_text(re.compile(r"^Zoe \(N\d+\)$"))
    page.keyboard.press("Escape")
    page.mouse.move(2, 2)
    page.locator("#main").focus()  # pointer and focus have left the rows: what was held back is shown
    expect(tick(page, "Ada Zoe")).to_be_visible()


@pytest.mark.parametrize(
    ("address", "kept"),
    [("/monitor?room=Room+1", ["tools-filter", "list-or-plan", "sort-menu", "columns-menu", "list-menu", "list-head"]),
     *at_night(("/monitor/plan", ["tools-filter", "list-or-plan", "list-menu"]))],
)  # fmt: skip
def test_what_comes_empty_stays_as_it_was(
    house: House, desks: Desks, exam: Test, address: str, kept: list[str]
) -> None:
    """No candidate changes menus, chips and head."""
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), address)
    parts = page.locator(", ".join(f"#{name}" for name in kept))
    size_of_each = "parts => parts.map(part => part.querySelectorAll('*').length)"
    before = parts.evaluate_all(size_of_each)
    assert len(before) == len(kept)
    assert min(before) > 0
    shown = page.locator("[data-candidacy]")
    changed(house, shown.nth(3), seat="99Z")
    refresh(page)
    expect(shown.filter(has_text="99Z")).to_be_visible()
    assert parts.evaluate_all(size_of_each) == before


@pytest.mark.parametrize("address", ["/monitor?room=Room+1", *at_night("/monitor/plan")])
def test_the_first_refresh_tells_what_the_page_shows_however_late_that_script_came(
    house: House, desks: Desks, exam: Test, address: str
) -> None:
    """htmx has been over the page before the script that knows of tags is there."""
    desk, late = desks.desk(house), list[Route]()
    desk.keep_cookie(house.invigilator(exam))
    page = desk.page
    page.route("**/hx-ptag.min.js*", lambda route: late.append(route))  # noqa: PLW0108 Playwright marks what it is given
    page.goto(f"{house.url}{address}", wait_until="commit")
    loader = page.locator("#refresher")
    expect(loader).to_have_attribute("data-htmx-powered", "true")
    late[0].continue_()
    page.wait_for_load_state()
    with page.expect_request(lambda request: "hx-request" in request.headers) as asked:
        refresh(page)
    assert asked.value.headers["hx-ptag"] == loader.get_attribute("hx-ptag")


def test_the_refresh_of_an_unchanged_list_weighs_next_to_nothing(house: House, desks: Desks) -> None:
    exam = house.exam()
    house.hall.candidacies(exam, 60, started_at=None, entered_at=utcnow())
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    expect(page.locator("#candidate-count")).to_have_attribute("data-count", "60")
    with page.expect_response(lambda answer: "/monitor" in answer.url and answer.status == 304) as unchanged:
        page.evaluate("dispatchEvent(new Event('online'))")
    sizes = unchanged.value.request.sizes()
    assert sizes["responseBodySize"] == 0
    assert sizes["responseHeadersSize"] <= 1024


def test_a_colleagues_incident_moves_no_row_under_the_pointer(house: House, desks: Desks) -> None:
    """Its line stands above the list: it waits like a row that comes."""
    exam = house.exam()
    for name in ("Ada", "Bo"):
        house.candidate(exam, name)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam, role=Role.CHIEF_INVIGILATOR), "/monitor?sort=name")
    ada, incident = row(page, "Ada"), page.locator(".incident")
    ada.hover()
    stood = ada.bounding_box()
    colleague = house.invigilator(exam, name="Vera", role=Role.CHIEF_INVIGILATOR).id
    concerned = [candidacy.id for candidacy in house.candidacies_of(exam)]
    with writing(house.session):
        started = Incident(started_by=colleague, started_at=utcnow(), reason="Fire alarm", audience="{}")
        house.session.add(started)
        house.session.flush()
        house.session.add_all(IncidentCandidacy(incident_id=started.id, candidacy_id=each) for each in concerned)
    refresh(page)
    expect(page.locator("[data-list-changed]")).to_be_visible()
    expect(incident).to_have_count(0)
    assert ada.bounding_box() == stood
    page.get_by_role("button", name="Show", exact=True).press("Enter")  # the pointer stays where it is
    expect(incident).to_contain_text("Fire alarm")
