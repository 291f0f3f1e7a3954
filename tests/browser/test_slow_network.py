"""R23: on a slow network, whatever is pressed at once and in whichever order, list, controls, address and the audience
of every dialog agree, and nothing that a control shows is dropped."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import permutations
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.house import Desks, House
from tests.browser.monitor_page import dialog, open_filter, row, shows, tick
from tests.nightly import at_night
from webapp.models import Test

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

LATENCIES = pytest.mark.parametrize("latency", [600, *at_night(3000)])
ROOMS = {"Room 1": 9, "Room 2": 7, "Room 3": 3}
ZELDA = re.compile(r"^Zelda \(A1\)$")


@pytest.fixture
def exam(house: House) -> Test:
    exam = house.exam()
    for room, size in ROOMS.items():
        house.hall.candidacies(exam, size, room=room)
    house.candidate(exam, "Zelda", room="Room 2", number="A1")
    return exam


def slow(page: Page, latency: int) -> None:
    """Each answer that a script asks for takes so many milliseconds more; in the page, so that the test can go on."""
    page.add_init_script(
        f"""const quick = window.fetch;
        window.fetch = async (address, options = {{}}) => {{
          await new Promise((done, failed) => {{
            setTimeout(done, {latency});
            options.signal?.addEventListener("abort", () => failed(options.signal.reason));
          }});
          return quick(address, options);
        }};"""
    )


@pytest.fixture
def monitor(house: House, desks: Desks, exam: Test) -> Callable[..., Page]:
    """The page of the monitor on a slow network, each time of another person; what is pressed is pressed at once."""
    desk = desks.desk(house)
    desk.expects("Failed to fetch: the selection was cleared")

    def opened(latency: int, query: str = "") -> Page:
        if desk.page.url == "about:blank":
            slow(desk.page, latency)
        desk.page.goto("about:blank")  # so that nothing of the one before is still asked for
        page = desk.sign_in_unseen(house.invigilator(exam), f"/monitor{query}")
        open_filter(page, "room")  # the boxes stay on the page when the menu is closed
        page.keyboard.press("Escape")
        return page

    return opened


def press(page: Page, selector: str) -> None:
    """Without waiting for anything, as somebody who knows the page."""
    page.locator(selector).first.evaluate("element => element.click()")


def tick_room(page: Page, room: str) -> None:
    press(page, f'[data-filter-values] input[name="room"][value="{room}"]')


def send_to_all(page: Page) -> None:
    press(page, '[data-compose-all][href*="/messages/new"]')


def open_a_rows_menu(page: Page) -> None:
    press(page, '[data-rows] [popovertarget="row-menu"]')


def send_to_the_row(page: Page) -> None:
    open_a_rows_menu(page)
    press(page, "#row-menu a")


def agrees(window: Page, count: int, **filters: list[str]) -> None:
    """Count, rows, controls, badges, chips and address say the same filter."""
    shows(window, count)
    expect(window.locator("#monitor-busy")).not_to_have_class(re.compile("htmx-request"))
    address = parse_qs(urlsplit(window.url).query)
    for name, values in filters.items():
        assert sorted(address.get(name, [])) == sorted(values), window.url
    rooms = filters.get("room", [])
    ticked = window.locator('[data-filter-values] input[name="room"]:checked')
    assert ticked.evaluate_all("boxes => boxes.map(box => box.value)") == rooms
    badge = window.locator('[data-field="room"] [data-active-count]')
    assert int(badge.text_content() or 0) == len(rooms)
    expect(window.locator(".chips li.chip")).to_have_count(len(rooms) + len(filters.get("q", [])))


@LATENCIES
def test_filter_then_send(monitor: Callable[..., Page], latency: int) -> None:
    page = monitor(latency)
    tick_room(page, "Room 2")
    send_to_all(page)
    expect(dialog(page)).to_contain_text("To 8 people")
    expect(dialog(page).locator(".audience-filter")).to_contain_text("Room 2")
    page.keyboard.press("Escape")
    agrees(page, 8, room=["Room 2"])
    page.get_by_role("searchbox").fill("zelda")
    send_to_all(page)
    expect(dialog(page)).to_contain_text("To 1 person")
    expect(dialog(page).locator(".audience-names")).to_have_text(ZELDA)
    agrees(page, 1, room=["Room 2"], q=["zelda"])


@pytest.mark.nightly
@LATENCIES
def test_a_filter_taken_away_then_send(monitor: Callable[..., Page], latency: int) -> None:
    page = monitor(latency, "?room=Room+2&room=Room+3")
    tick_room(page, "Room 3")
    send_to_all(page)
    expect(dialog(page)).to_contain_text("To 8 people")
    agrees(page, 8, room=["Room 2"])


@pytest.mark.nightly
@LATENCIES
def test_a_chip_or_all_filters_taken_away_while_another_comes(monitor: Callable[..., Page], latency: int) -> None:
    page = monitor(latency, "?room=Room+1&room=Room+3")
    tick_room(page, "Room 2")
    press(page, '.chip a[aria-label="Remove filter Room: Room 1"]')
    send_to_all(page)
    expect(dialog(page)).to_contain_text("To 11 people")
    agrees(page, 11, room=["Room 2", "Room 3"])
    page.keyboard.press("Escape")
    tick_room(page, "Room 1")
    press(page, ".chips a[data-whole]")
    send_to_all(page)
    expect(dialog(page)).to_contain_text("To 20 people")
    agrees(page, 20, room=[])


def audience(page: Page) -> Locator:
    """The names that the open sheet says."""
    return page.locator("dialog#compose[open] .audience-names")


@pytest.mark.nightly
@LATENCIES
def test_a_rows_menu_beside_a_filter_stays_its_rows(monitor: Callable[..., Page], latency: int) -> None:
    """Pressed after the filter or before it."""
    page = monitor(latency, "?q=zelda")
    page.get_by_role("searchbox").fill("")
    tick_room(page, "Room 2")
    send_to_the_row(page)
    expect(audience(page)).to_have_text(ZELDA)
    agrees(page, 8, room=["Room 2"], q=[])

    monitor(latency, "?q=zelda")
    send_to_the_row(page)
    tick_room(page, "Room 2")
    expect(audience(page)).to_have_text(ZELDA)
    agrees(page, 1, room=["Room 2"], q=["zelda"])


@pytest.mark.nightly
@LATENCIES
def test_a_rows_menu_stays_its_rows_when_another_list_comes(monitor: Callable[..., Page], latency: int) -> None:
    """While it is open; so do those who were ticked."""
    page = monitor(latency, "?q=zelda")
    open_a_rows_menu(page)
    page.get_by_role("searchbox").fill("")
    tick_room(page, "Room 2")
    agrees(page, 8, room=["Room 2"], q=[])
    press(page, "#row-menu:popover-open a")
    expect(audience(page)).to_have_text(ZELDA)

    monitor(latency, "?q=zelda")
    tick(page, "Zelda").check()
    tick_room(page, "Room 2")
    press(page, "[data-action-bar] button.button-primary")
    expect(audience(page)).to_have_text(ZELDA)
    agrees(page, 1, room=["Room 2"], q=["zelda"])


def fill_two_pages(house: House, exam: Test) -> None:
    """58 candidates in Room 1."""
    house.hall.candidacies(exam, 49, room="Room 1")


def test_everybody_of_a_filter_is_not_everybody_of_the_next(
    house: House, exam: Test, monitor: Callable[..., Page]
) -> None:
    fill_two_pages(house, exam)
    page = monitor(600, "?room=Room+1")
    press(page, "[data-select-page]")
    expect(page.locator("[data-select-all]")).to_be_visible()
    press(page, "[data-select-all]")
    tick_room(page, "Room 3")
    press(page, "[data-action-bar] button.button-primary")
    expect(page.get_by_text("The new filter has cleared your selection. Select")).to_be_visible()
    expect(page.locator("dialog#compose")).to_be_hidden()
    agrees(page, 61, room=["Room 1", "Room 3"])
    page.get_by_role("link", name="Undo").click()
    agrees(page, 58, room=["Room 1"])
    expect(page.locator("[data-action-bar]")).to_contain_text("All 58 of this filter are selected")


def sort(page: Page) -> None:
    press(page, 'th[data-column="name"] a')


def next_page(page: Page) -> None:
    press(page, "[rel=next]")


def tick_a_room(page: Page) -> None:
    tick_room(page, "Room 1")


def hide_a_column(page: Page) -> None:
    press(page, '[data-columns-form] input[value="seat"]')


STEPS = {"sort": sort, "tick": tick_a_room, "columns": hide_a_column}


@pytest.mark.nightly
@pytest.mark.parametrize("order", list(map(" ".join, permutations(STEPS))))
def test_sorting_columns_and_ticks_in_all_orders(monitor: Callable[..., Page], order: str) -> None:
    page = monitor(600)
    for step in order.split():
        STEPS[step](page)
    tick_room(page, "Room 3")
    send_to_all(page)
    expect(dialog(page)).to_contain_text("To 12 people")
    agrees(page, 12, room=["Room 1", "Room 3"], sort=["name"])
    assert "seat" not in parse_qs(urlsplit(page.url).query)["column"]


@pytest.mark.nightly
@pytest.mark.parametrize(("steps", "number"), [((next_page, tick_a_room), []), ((tick_a_room, next_page), ["2"])])
@LATENCIES
def test_page_and_tick(
    house: House,
    exam: Test,
    monitor: Callable[..., Page],
    latency: int,
    steps: tuple[Callable[[Page], None], ...],
    number: list[str],
) -> None:
    """In both orders: another filter begins with its first page."""
    fill_two_pages(house, exam)
    page = monitor(latency)
    for step in steps:
        step(page)
    send_to_all(page)
    expect(dialog(page)).to_contain_text("To 58 people")
    agrees(page, 58, room=["Room 1"], page=number)


@pytest.mark.nightly
def test_the_wait_is_told_at_the_button(monitor: Callable[..., Page]) -> None:
    """And the file that is asked for then is the list of the controls."""
    page = monitor(3000)
    tick_room(page, "Room 3")
    send_to_all(page)
    expect(page.get_by_text("the list is being filtered")).to_be_visible()
    expect(page.locator("dialog#compose")).to_be_hidden()
    expect(dialog(page)).to_contain_text("To 3 people")
    expect(page.get_by_text("the list is being filtered")).to_be_hidden()
    page.keyboard.press("Escape")
    with page.expect_download() as saved:
        tick_room(page, "Room 2")
        press(page, "[data-save-list]")
    assert len(saved.value.path().read_text().splitlines()) == 1 + 11


def test_what_was_typed_before_the_scripts_came_counts(house: House, desks: Desks, exam: Test) -> None:
    desk = desks.desk(house)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    desk.page.route("**/monitor-filter.js*", hold)
    desk.keep_cookie(house.invigilator(exam))
    desk.page.goto(f"{house.url}/monitor", wait_until="commit")
    expect(row(desk.page, "Zelda")).to_have_count(1)  # the list is there
    desk.page.get_by_role("searchbox", name="Search candidates").fill("room 3")
    for route in held:
        route.continue_()
    shows(desk.page, 3)
    expect(desk.page).to_have_url(re.compile("q=room"))
