"""What the monitor fetches when it is first used: a press before it is there counts, and a failure is told."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.house import CUT, Desk, Desks, House
from tests.browser.monitor_page import compose_for_one, dialog, message_all, row, shows, tick
from tests.browser.test_drawer import drawer, title
from webapp.models import Test

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

AWAY = "This could not be opened: the server does not answer."


@pytest.fixture
def exam(house: House) -> Test:
    """Ada and Bob."""
    exam = house.exam()
    for name in ("Ada", "Bob"):
        house.candidate(exam, name)
    return exam


@pytest.fixture
def desk(house: House, desks: Desks, exam: Test) -> Desk:
    desk = desks.desk(house)
    desk.keep_cookie(house.invigilator(exam))
    return desk


def held_scripts(page: Page, scripts: str = "**/static/**/*.js*") -> Callable[[], None]:
    """None of these comes until what this returns is called."""
    held: list[Route] | None = []

    def answer(route: Route) -> None:
        if held is None:
            route.continue_()
        else:
            held.append(route)

    def let_through() -> None:
        nonlocal held
        waiting, held = held or [], None
        for route in waiting:
            route.continue_()

    page.route(scripts, answer)
    return let_through


def test_a_tick_and_a_rows_menu_count_before_the_scripts(house: House, desk: Desk) -> None:
    """The menu offers nothing until it is known for whom, and then opens for the row that was pressed."""
    page = desk.page
    let_through = held_scripts(page)
    page.goto(f"{house.url}/monitor?sort=name", wait_until="commit")
    tick(page, "Bob").check()
    row(page, "Ada").get_by_role("button", name="More for Ada").click()
    menu = page.locator("#row-menu")
    expect(menu).to_have_text(re.compile(r"^\s*One moment…"))
    expect(menu.locator("a, button").filter(visible=True)).to_have_count(0)
    let_through()
    link = menu.get_by_role("link", name="Message…")
    expect(link).to_be_visible()
    expect(page.get_by_role("region", name="For the selected candidates")).to_contain_text("1 selected")
    link.click()
    expect(dialog(page)).to_contain_text("Ada")
    assert re.search(r"/monitor\?sort=name$", page.url)


def ticked(page: Page) -> list[str]:
    """Whose boxes are ticked, by the first letters of their names."""
    boxes = page.locator('tr[data-candidacy]:has(input[name="candidate"]:checked) th .name')
    return [name[:3] for name in boxes.all_inner_texts()]


@pytest.fixture
def hall(house: House, exam: Test) -> None:
    """Three more."""
    for name in ("Cyd", "Dan", "Eve"):
        house.candidate(exam, name)


@pytest.mark.nightly
@pytest.mark.usefixtures("hall")
def test_keys_in_the_boxes_count_before_the_selection_is_there(desk: Desk) -> None:
    page = desk.goto("/monitor?sort=name")
    let_through = held_scripts(page, "**/monitor-selection.js")
    bar = page.get_by_role("region", name="For the selected candidates")
    tick(page, "Ada").press("Space")
    for key in ("Shift+ArrowDown", "ArrowDown", "ArrowDown", "Space", "Shift+ArrowDown", "Shift+ArrowUp"):
        page.keyboard.press(key)
    expect(tick(page, "Dan")).to_be_focused()
    assert ticked(page) == ["Ada", "Bob", "Dan", "Eve"]
    let_through()
    expect(bar).to_contain_text("4 selected")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowUp")
    expect(bar).to_contain_text("3 selected")
    assert ticked(page) == ["Ada", "Dan", "Eve"]


@pytest.mark.nightly
@pytest.mark.usefixtures("hall")
def test_a_press_with_shift_counts_before_the_selection_is_there(desk: Desk) -> None:
    page = desk.goto("/monitor?sort=name")
    let_through = held_scripts(page, "**/monitor-selection.js")
    tick(page, "Ada").click()
    tick(page, "Dan").click(modifiers=["Shift"])
    let_through()
    expect(page.get_by_role("region", name="For the selected candidates")).to_contain_text("4 selected")
    assert ticked(page) == ["Ada", "Bob", "Cyd", "Dan"]


def test_a_press_in_a_rows_menu_waits_until_it_is_known_for_whom(desk: Desk) -> None:
    """By a script or a tool: to the eye the menu offers nothing until then."""
    page = desk.goto("/monitor?sort=name")
    let_through = held_scripts(page, "**/monitor-row-menu.js")
    row(page, "Bob").get_by_role("button", name="More for Bob").click()
    page.locator("#row-menu a").first.dispatch_event("click")
    page.wait_for_timeout(300)
    let_through()
    expect(dialog(page)).to_contain_text("Bob")


@pytest.mark.nightly
def test_what_does_not_come_is_told_and_comes_by_the_next_press(house: House, desk: Desk) -> None:
    desk.expects(*CUT)
    page = desk.goto("/monitor?sort=name")
    part = re.compile("monitor-drawer|candidate.css|monitor-row-menu")
    page.route(part, lambda route: route.abort())
    row(page, "Ada").locator("[data-column=state]").click()
    expect(page.get_by_text(AWAY)).to_be_visible()
    expect(drawer(page)).to_be_hidden()
    row(page, "Ada").get_by_role("button", name="More for Ada").click()
    expect(page.get_by_text(AWAY)).to_be_visible()
    expect(page.locator("#row-menu")).to_be_hidden()
    page.unroute(part)
    row(page, "Ada").locator("[data-column=state]").click()
    expect(title(page)).to_have_text("Ada")
    expect(compose_for_one(page, "Bob")).to_contain_text("Bob")


@pytest.mark.nightly
def test_without_the_sheets_script_a_link_leads_to_its_page(house: House, desk: Desk) -> None:
    desk.expects(*CUT)
    page = desk.goto("/monitor")
    shows(page, 2)
    page.route("**/monitor-sheet.js", lambda route: route.abort())
    message_all(page).click()
    expect(page).to_have_url(re.compile("/messages/new"))
    expect(page.get_by_role("button", name="Send to 2 people")).to_be_visible()


def test_the_first_look_fetches_none_of_it(house: House, desk: Desk) -> None:
    """And what is used is fetched once: a script that has two addresses would run twice."""
    page = desk.goto("/monitor")
    shows(page, 2)
    page.wait_for_load_state("networkidle")
    named = "performance.getEntriesByType('resource').map((each) => new URL(each.name).pathname.split('/').at(-1))"
    first = page.evaluate(named)
    later = {"compose.css", "candidate.css", "compose.js", "monitor-drawer.js", "monitor-filter-menu.js"}
    assert later.isdisjoint(first)
    row(page, "Ada").locator("[data-column=state]").click()
    expect(title(page)).to_have_text("Ada")
    page.locator("#filter-menu summary").click()
    expect(page.locator("#filter-menu [data-close-menu]")).to_have_text("Show 2")
    page.keyboard.press("Escape")
    expect(compose_for_one(page, "Bob")).to_contain_text("Bob")
    scripts = [name for name in page.evaluate(named) if name.endswith(".js")]
    assert later - {"compose.css", "candidate.css"} <= set(scripts)
    assert [name for name in set(scripts) if scripts.count(name) > 1] == []
