"""The tools above the list: menu of filters, order, rows and columns, saved views (R18, R20, R23)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response, Route, expect

from tests.browser.house import CUT, Desk, Desks, House
from tests.browser.monitor_page import filter_by, open_filter, rows, shows
from tests.nightly import at_night
from tests.until import until
from webapp.models import Role, Test

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


@pytest.fixture
def exam(house: House) -> Test:
    exam = house.exam()
    for number in range(1, 11):
        house.hall.candidacies(exam, number, room=f"Room {number}", flagged=number == 2)
    house.hall.candidacies(exam, 3, room="Åbo")
    return exam


@pytest.fixture
def desk(house: House, desks: Desks, exam: Test) -> Desk:
    desk = desks.desk(house, viewport={"width": 1440, "height": 900})
    desk.expects(*CUT)
    desk.sign_in_unseen(house.invigilator(exam, role=Role.PLANNER), "/monitor")
    return desk


def top_of_list(page: Page) -> float:
    box = page.locator("#rows").bounding_box()
    assert box
    return box["y"]


def test_by_keyboard_from_field_to_value(desk: Desk) -> None:
    """Arrows move, typing narrows with accents folded, Enter ticks, Escape leads back to the button."""
    page, menu = desk.page, desk.page.locator("#filter-menu")
    before = top_of_list(page)
    menu.locator("summary").press("Enter")

    def is_next_at_rooms() -> bool:
        page.keyboard.press("ArrowDown")  # means nothing until the menu's script has come
        return bool(page.evaluate("document.activeElement.dataset.field") == "room")

    until(is_next_at_rooms)
    page.keyboard.press("Enter")
    find = menu.get_by_label("Find in Room")
    expect(find).to_be_focused()
    find.press_sequentially("abo")
    expect(menu.locator(".tick:visible")).to_have_count(1)
    expect(menu.locator(".tick:visible")).to_have_text(re.compile(r"Åbo\s+3"))
    page.keyboard.press("Enter")
    shows(page, 3)
    expect(page.locator(".chips li.chip")).to_have_text(re.compile("Room: Åbo"))
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    assert top_of_list(page) == before
    page.get_by_role("link", name="Remove filter Room: Åbo").click()
    shows(page, 58)
    assert top_of_list(page) == before


def test_counts_are_those_within_the_other_filters(desk: Desk) -> None:
    """R17: also those that are only just chosen; the fields say how many of their values are set."""
    page, menu = desk.page, desk.page.locator("#filter-menu")
    filter_by(page, "flag", "yes")
    values = open_filter(page, "room")
    expect(values.locator(".tick")).to_have_text(re.compile(r"Room 2\s+2"))
    values.locator("input").check()
    menu.locator("[data-back]").click()
    expect(menu.locator('[data-field="room"]')).to_be_focused()
    expect(menu.locator('[data-field="room"] [data-active-count]')).to_have_text("1")
    expect(menu.locator("> summary [data-active-count]")).to_have_text("2")
    menu.locator('[data-field="ends_within"]').click()
    expect(menu.locator("legend")).to_have_text("Own end within")
    menu.locator('input[name="ends_within"][value="2h"]').check()
    expect(page).to_have_url(re.compile("ends_within=2h"))
    menu.locator('input[name="ends_within"][value=""]').check()
    expect(page).not_to_have_url(re.compile("ends_within"))


@pytest.mark.nightly
def test_without_a_network_it_says_so_and_works_again(desk: Desk) -> None:
    open_filter(desk.page, "room")
    desk.page.keyboard.press("Escape")
    menu = desk.page.locator("#filter-menu")
    desk.context.set_offline(True)
    menu.locator("summary").click()
    menu.locator('[data-field="room"]').click()
    expect(menu.get_by_role("alert")).to_have_text("The server does not answer. Try again in a moment.")
    desk.context.set_offline(False)
    menu.locator("[data-back]").click()
    menu.locator('[data-field="room"]').click()
    expect(menu.locator(".tick")).to_have_count(11)
    expect(menu.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(390, 844), *at_night((820, 1180))])
def test_on_small_screens_filters_are_a_sheet_with_the_count(house: House, desks: Desks, exam: Test, width: int,
                                                             height: int) -> None:  # fmt: skip
    desk = desks.desk(house, viewport={"width": width, "height": height}, has_touch=True)
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    before = top_of_list(page)
    values = open_filter(page, "room")
    box = page.locator("#filter-menu .filter-panel").bounding_box()
    assert box
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, width, height)
    values.locator('input[value="Room 9"]').tap()
    button = page.get_by_role("button", name="Show 9", exact=True)
    expect(button).to_be_visible()
    values.locator('input[value="Room 10"]').tap()
    page.get_by_role("button", name="Show 19", exact=True).tap()
    expect(page.locator("#filter-menu .filter-panel")).to_be_hidden()
    shows(page, 19)
    expect(page.locator("#filter-menu > summary")).to_contain_text("2")
    assert top_of_list(page) == before
    page.locator("#filter-menu > summary").tap()
    page.locator("#filter-menu").get_by_role("link", name="Remove all filters").tap()
    shows(page, 58)


def remembers(words: str) -> Callable[[Response], bool]:
    """The answer to the request that keeps this choice: one before it may come late."""
    return lambda answer: answer.url.endswith("/monitor/settings") and words in (answer.request.post_data or "")


@pytest.mark.nightly
def test_order_rows_and_columns_are_remembered(desk: Desk) -> None:
    page = desk.page
    with page.expect_response(remembers("sort=seat")):
        page.locator("#sort-menu > summary").click()
        page.locator("#sort-menu").get_by_role("button", name="Seat").click()
    with page.expect_response(remembers("density=32")):
        page.locator("#columns-menu > summary").click()
        page.locator("#columns-menu").get_by_role("radio", name="Compact").check()
    with page.expect_response(remembers("group")):
        page.locator("#columns-menu").get_by_role("checkbox", name="Group").check()
    page.keyboard.press("Escape")
    desk.goto("/monitor")
    expect(page.locator("#sort-menu > summary")).to_contain_text("Seat")
    expect(page.locator('th[data-column="group"]')).to_be_visible()
    expect(page.locator("#candidates")).to_have_attribute("data-density", "32")
    box = rows(page).first.bounding_box()
    assert box
    assert box["height"] <= 34
    with page.expect_response("**/monitor/settings"):
        page.locator('thead th[data-column="name"] a').click()
    desk.goto("/monitor?flag=yes")
    expect(page.locator("#sort-menu > summary")).to_contain_text("Name")
    shows(page, 2)


def test_a_view_is_saved_and_opened(desk: Desk) -> None:
    """A refused name is kept; the view brings filter and order back."""
    page, menu = desk.page, desk.page.locator("#views-menu")
    desk.expects("422")
    filter_by(page, "room", "Room 4")
    shows(page, 4)
    menu.locator("summary").click()
    menu.get_by_label("Name of the view").fill("x" * 61)
    menu.get_by_role("button", name="Save view").click()
    expect(menu.get_by_role("alert").first).to_contain_text("1 to 60 characters")
    expect(menu.get_by_label("Name of the view")).to_have_value("x" * 61)
    menu.get_by_label("Name of the view").fill("My <b>room</b>")
    page.keyboard.press("Enter")
    expect(menu.get_by_role("status")).to_have_text("Saved.")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Remove filter Room: Room 4").click()
    shows(page, 58)
    held: list[Route] = []
    page.route("**/monitor/views?*", lambda route: held.append(route), times=1)  # noqa: PLW0108 Playwright marks it
    with page.expect_request("**/monitor/views?*"):
        menu.locator("summary").click()
    assert not menu.locator("[data-fetched-part]").inner_html()  # what the answer replaces would lose a press
    held[0].continue_()
    menu.get_by_role("link", name="My <b>room</b>").click()
    shows(page, 4)
    expect(menu).not_to_have_attribute("open", "")
    expect(page).to_have_url(re.compile("room=Room\\+4"))
    menu.locator("summary").click()
    menu.get_by_role("link", name="Rename, share, delete").click()
    page.get_by_role("button", name="Make default").click()
    desk.goto("/monitor")
    shows(page, 4)
    expect(page).to_have_url(re.compile("room=Room\\+4"))
    page.get_by_role("link", name="Remove all filters").first.click()
    shows(page, 58)
    expect(page).to_have_url(re.compile(r"view=all|sort="))
    page.reload()
    shows(page, 58)
