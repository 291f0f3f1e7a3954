"""One candidate beside the list: the list stays usable, and nothing is lost (R18, R19, R20)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.house import CUT, Desks, House
from tests.browser.monitor_page import dialog, row, search, tick
from tests.browser.test_refreshing import changed, refresh
from tests.nightly import at_night
from webapp.models import Test

pytestmark = [pytest.mark.browser, pytest.mark.one_database]

NOT_LOADED_AGAIN = "() => { window.sameDocument = true; }"


@pytest.fixture
def exam(house: House) -> Test:
    """Ada, Bob and Cyd, and thirty more."""
    exam = house.exam()
    for name, seat in (("Ada", "1A"), ("Bob", "1B"), ("Cyd", "1C")):
        house.candidate(exam, name, seat=seat)
    house.hall.candidacies(exam, 30)
    return exam


def drawer(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Candidate")


def title(page: Page) -> Locator:
    """Whom the drawer shows."""
    return drawer(page).locator("#candidate-title")


def press(page: Page, name: str) -> None:
    """On the row, beside its controls."""
    row(page, name).locator("[data-column=state], [data-column=progress]").first.click()


def test_a_press_on_a_row_opens_it_and_back_closes_it(house: House, desks: Desks, exam: Test) -> None:
    """The address holds it: Forward and a reload open it again, and the list is not loaded anew for any of them."""
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&sort=name")
    page.evaluate(NOT_LOADED_AGAIN)
    expect(drawer(page)).to_be_hidden()
    press(page, "Ada")
    expect(title(page)).to_have_text("Ada")
    expect(row(page, "Ada")).to_have_attribute("aria-current", "true")
    tick(page, "Bob").check()
    expect(title(page)).to_have_text("Ada")
    press(page, "Bob")
    expect(title(page)).to_have_text("Bob")
    expect(page.locator("tr[aria-current]")).to_have_count(1)
    page.go_back()
    expect(drawer(page)).to_be_hidden()
    expect(page.locator("tr[aria-current]")).to_have_count(0)
    page.go_forward()
    expect(title(page)).to_have_text("Bob")
    expect(tick(page, "Bob")).to_be_checked()
    assert page.evaluate("window.sameDocument")
    page.reload()
    expect(title(page)).to_have_text("Bob")
    drawer(page).get_by_role("button", name="Close").click()
    expect(drawer(page)).to_be_hidden()
    assert "#" not in page.url


def test_by_keyboard_it_takes_the_focus_and_gives_it_back(house: House, desks: Desks, exam: Test) -> None:
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&sort=name")
    link = row(page, "Ada").get_by_role("link", name="Ada")
    link.focus()
    page.keyboard.press("Enter")
    expect(title(page)).to_be_focused()
    drawer(page).get_by_role("link", name="Message", exact=True).click()
    expect(dialog(page)).to_contain_text("Ada")
    page.keyboard.press("Escape")
    expect(page.locator("dialog#compose")).to_be_hidden()
    expect(title(page)).to_have_text("Ada")
    page.keyboard.press("Escape")
    expect(drawer(page)).to_be_hidden()
    expect(link).to_be_focused()


def test_r19_a_refresh_leaves_scroll_and_focus_and_shows_what_is_new(house: House, desks: Desks, exam: Test) -> None:
    desk = desks.desk(house, viewport={"width": 1280, "height": 420})
    page = desk.sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&sort=name")
    press(page, "Ada")
    expect(title(page)).to_have_text("Ada")
    message = drawer(page).get_by_role("link", name="Message", exact=True)
    message.focus()
    content = drawer(page).locator("[data-drawer-content]")
    content.evaluate("box => box.scrollTo(0, 40)")
    message.evaluate("link => { window.held = link; }")
    changed(house, row(page, "Ada"), note="Feels ill")
    refresh(page)
    expect(drawer(page)).to_contain_text("Feels ill")
    assert message.evaluate("link => link === window.held && link === document.activeElement")
    assert content.evaluate("box => box.scrollTop") == 40


@pytest.mark.nightly
def test_it_stays_when_its_row_leaves_the_page(house: House, desks: Desks, exam: Test) -> None:
    """Another filter is another address; Back leads to the list as it was before, and does not lose the candidate."""
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&sort=name")
    press(page, "Ada")
    expect(title(page)).to_have_text("Ada")
    search(page, "bob", 1)
    expect(row(page, "Ada")).to_have_count(0)
    expect(title(page)).to_have_text("Ada")
    expect(page).to_have_url(re.compile(r"q=bob.*#c\d+$"))
    page.get_by_role("searchbox", name="Search candidates").blur()
    page.keyboard.press("Escape")
    expect(drawer(page)).to_be_hidden()
    expect(page).to_have_url(re.compile(r"q=bob[^#]*$"))


@pytest.mark.nightly
def test_when_the_server_is_away_it_says_so_and_keeps_what_is_there(house: House, desks: Desks, exam: Test) -> None:
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&sort=name")
    press(page, "Ada")
    expect(title(page)).to_have_text("Ada")
    page.route(re.compile("/monitor/candidates/"), lambda route: route.abort())
    refresh(page)
    away = drawer(page).locator("[data-drawer-away]")
    expect(away).to_contain_text("Not up to date")
    expect(title(page)).to_have_text("Ada")
    page.unroute(re.compile("/monitor/candidates/"))
    refresh(page)
    expect(away).to_have_text("")


@pytest.mark.parametrize("width", [390, *at_night(820)])
def test_on_a_small_screen_it_covers_the_page_and_back_leads_to_the_list(
    house: House, desks: Desks, exam: Test, width: int
) -> None:
    desk = desks.desk(house, viewport={"width": width, "height": 844}, has_touch=True)
    page = desk.sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&sort=name")
    row(page, "Ada").get_by_role("link", name="Ada").tap()
    expect(title(page)).to_be_focused()
    box = drawer(page).bounding_box()
    assert box
    assert (box["x"], box["width"]) == (0, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("#candidates")).to_have_js_property("inert", True)
    page.go_back()
    expect(drawer(page)).to_be_hidden()
    expect(page.locator("#candidates")).to_have_js_property("inert", False)


@pytest.mark.only_on("sqlite")
def test_r20_without_javascript_the_name_leads_to_the_page(house: House, scriptless: Desks, exam: Test) -> None:
    page = scriptless.desk(house).sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&sort=name")
    row(page, "Ada").get_by_role("link", name="Ada").click()
    expect(page).to_have_url(re.compile(r"/monitor/candidates/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada")
    expect(page.get_by_role("link", name="Message", exact=True)).to_be_visible()
