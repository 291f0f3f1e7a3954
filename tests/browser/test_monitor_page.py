"""The monitor's page around the list: panels stay in the window, and the navigation leads back to the last view."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.sync_api import expect

from tests.browser.house import CUT, Desks, House
from tests.browser.monitor_page import message_all, shows
from tests.nightly import at_night
from tests.until import until

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


INSIDE = """([panel, width]) => {
  const { left, right } = panel.getBoundingClientRect();
  return innerWidth === width && 0 <= left && left < right && right <= document.documentElement.clientWidth;
}"""


@pytest.mark.parametrize("width", [360, *at_night(390, 820, 1180, 1440)])
def test_every_panel_opens_inside_the_window(house: House, desks: Desks, width: int) -> None:
    """Also after a refresh, and when the window has become narrower."""
    exam = house.exam()
    for number in range(9):
        house.candidate(exam, f"Candidate {number}", room=f"Room {number} in a building with a name of its own")
    page = desks.desk(house, viewport={"width": width, "height": 800}).sign_in_unseen(
        house.invigilator(exam), "/monitor"
    )
    menus = page.locator("#monitor details[data-menu]")
    assert menus.count() >= 4
    for number in range(menus.count()):
        menus.nth(number).locator("summary").click()
        panel = menus.nth(number).locator(".filter-panel")
        expect(panel).to_be_visible()
        house.candidate(exam, f"Newcomer {number}")
        with page.expect_response("**/monitor*"):
            page.evaluate("dispatchEvent(new Event('online'))")
        page.wait_for_timeout(50)
        for window in (width, width - 40):
            page.set_viewport_size({"width": window, "height": 800})
            until(partial(page.evaluate, INSIDE, [panel.element_handle(), window]), seconds=3)
        page.set_viewport_size({"width": width, "height": 800})
        page.keyboard.press("Escape")


@pytest.mark.nightly
def test_the_navigation_keeps_the_last_view(house: House, desks: Desks) -> None:
    exam = house.exam()
    house.candidate(exam, "Ada", room="Room 1")
    house.candidate(exam, "Bob", room="Room 2")
    desk = desks.desk(house)
    desk.expects("400")
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor?room=Room+1&sort=-name")
    monitor = page.get_by_role("link", name="Monitor", exact=True)
    page.get_by_role("searchbox").fill("ada")
    expect(page).to_have_url(re.compile("q=ada"))
    shows(page, 1)
    address = page.url
    page.get_by_role("link", name="Log", exact=True).click()
    expect(page).to_have_url(re.compile("/log$"))
    expect(monitor).to_have_attribute("href", re.compile("q=ada"))
    monitor.click()
    expect(page).to_have_url(address)
    shows(page, 1)
    expect(page.get_by_role("searchbox")).to_have_value("ada")
    page.goto(f"{house.url}/monitor?room=Nowhere")  # refused: not kept, and its page leads on
    page.get_by_role("link", name="Go to the start page").click()
    expect(page).to_have_url(re.compile("/monitor$"))
    shows(page, 2)


@pytest.mark.nightly
def test_menus_and_answers_beside_each_other(house: House, desks: Desks) -> None:
    """The account's menu has no panel, and an answer at a button no button of its own: neither is an error."""
    exam = house.exam()
    house.candidate(exam, "Ada")
    desk = desks.desk(house, viewport={"width": 1280, "height": 300})
    desk.expects(*CUT)
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    for menu in page.locator("details[data-menu]").all():
        menu.locator("summary").click()
        expect(menu).to_have_attribute("open", "")
        page.keyboard.press("Escape")
        expect(menu).not_to_have_attribute("open", "")
    desk.context.set_offline(True)
    message_all(page).click()
    expect(page.get_by_text("This could not be opened")).to_be_visible()
    page.mouse.wheel(0, 200)
    page.wait_for_timeout(200)
    expect(page.locator("dialog#compose")).to_be_hidden()
