"""R9, R11: three notices and more are closed by one button, and only those that could be seen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.house import CUT, Desks, House, is_live, notice
from tests.browser.test_keyboard import FOCUSED, tab_to
from tests.server import Person

# milliseconds, more than the script's own: a notice that came later before the press has not been seen, and stays
UNSEEN = 300

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def shows(page: Page, count: int) -> None:
    """Wait until so many notices are open here."""
    expect(page.locator("[data-notice]")).to_have_count(count)


def send(ines: Person, *subjects: str) -> None:
    """One message each, to everybody."""
    for subject in subjects:
        assert ines.send(subject, scope="filtered").status_code == 201


def test_r9_three_are_closed_at_once_in_every_tab(house: House, desks: Desks) -> None:
    """Offered from the third on; while the server cannot be reached, closing shows at once and is sent later."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    other = desk.tab("/inbox")
    is_live(page)
    send(ines, "One", "Two")
    shows(page, 2)
    button = page.get_by_role("button", name="Close all")
    expect(button).to_be_hidden()
    send(ines, "Three")
    shows(other, 3)
    page.bring_to_front()
    shows(page, 3)
    field = page.get_by_role("textbox", name="Answer to question 1")
    field.press_sequentially("An ans")
    page.route("**/inbox/close", lambda route: route.abort(), times=1)
    page.wait_for_timeout(UNSEEN)
    button.click()
    shows(page, 0)
    page.keyboard.type("wer")
    expect(field).to_have_value("An answer")
    expect(field).to_be_focused()
    expect(button).to_be_hidden()
    expect(page).not_to_have_title(re.compile(r"\("))
    shows(other, 0)
    page.reload()
    is_live(page)
    shows(page, 0)
    expect(other.locator("[data-open-mark]")).to_have_count(0)
    expect(other.locator("[data-message]")).to_have_count(3)


def test_what_arrives_meanwhile_stays(house: House, desks: Desks) -> None:
    """Between pressing and releasing, and while the closing is on its way."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    send(ines, "One", "Two", "Three")
    page = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    page.get_by_role("button", name="Close all").hover()
    page.mouse.down()
    send(ines, "While it is pressed")
    expect(notice(page, "While it is pressed")).to_be_visible()

    def close_late(route: Route) -> None:
        send(ines, "On the way")
        route.continue_()

    page.route("**/inbox/close", close_late, times=1)
    page.mouse.up()
    shows(page, 2)
    page.reload()
    is_live(page)
    shows(page, 2)
    expect(notice(page, "While it is pressed")).to_have_count(1)
    expect(notice(page, "On the way")).to_have_count(1)


def test_by_keyboard_the_focus_goes_back_to_the_text(house: House, desks: Desks) -> None:
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    send(ines, "One", "Two", "Three")
    page = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    page.get_by_role("textbox", name="Answer to question 1").press_sequentially("Text")
    page.keyboard.press("F6")
    assert page.evaluate(FOCUSED) == "Got it"
    tab_to(page, "Close all", within=4)
    page.keyboard.press("Enter")
    shows(page, 0)
    expect(page.get_by_role("textbox", name="Answer to question 1")).to_be_focused()


def test_r20_without_javascript(house: House, scriptless: Desks) -> None:
    """The button closes what the page showed; what came since is there after it."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    send(ines, "One", "Two")
    page = scriptless.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    shows(page, 2)
    expect(page.get_by_role("button", name="Close all")).to_be_hidden()
    send(ines, "Three")
    page.reload()
    send(ines, "Four")
    page.get_by_role("button", name="Close all").click()
    shows(page, 1)
    expect(notice(page, "Four")).to_be_visible()
    expect(page).to_have_url(re.compile(f"/tests/{exam.id}"))


def test_r11_what_a_notice_says_is_announced(house: House, desks: Desks) -> None:
    """Sender, subject and body, in the live region that was there before."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    page = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    send(ines, "Room change")
    region = page.locator("[data-notices-announcer]")
    expect(region).to_have_text("Message from an invigilator: Room change. Body of Room change")
    expect(region).to_have_attribute("aria-live", "polite")
