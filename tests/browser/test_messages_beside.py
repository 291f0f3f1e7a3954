"""R11, R12: the message center beside the text, which goes on being written."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.house import Desks, House, is_live, notice
from tests.browser.test_writing import TYPED, WATCH, open_long_answer
from tests.nightly import at_night

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


@pytest.mark.parametrize(("width", "height"), [(390, 844), *at_night((820, 1180), (1440, 900))])
def test_r11_the_message_center_opens_beside_the_text(house: House, desks: Desks, width: int, height: int) -> None:
    """Without a reload, with the caret and the unsaved text where they were; live while it is open."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    ines.send("Before", scope="filtered")
    page = desks.desk(house, viewport={"width": width, "height": height}).sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    field = page.get_by_role("textbox", name="Answer to question 1")
    wanted = open_long_answer(house, page)
    page.evaluate("window.same = true")
    page.evaluate(WATCH, ["Meanwhile", 40])
    button = page.get_by_role("button", name=re.compile("Messages.* 1"))
    page.keyboard.type(TYPED[:5])
    button.click()
    panel = page.get_by_role("complementary", name="Message center")
    expect(panel.get_by_role("heading", name="Before")).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(field).to_be_focused()
    page.keyboard.type(TYPED[5:10])
    ines.send("Meanwhile", scope="filtered")
    expect(panel.get_by_role("heading", name="Meanwhile")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Messages.* 2"))).to_be_visible()
    page.keyboard.type(TYPED[10:])
    page.wait_for_timeout(300)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(field).to_be_focused()
    assert field.input_value() == wanted
    seen = page.evaluate("window.seen")
    assert (seen["focusLost"], seen["covered"], seen["modal"]) == (0, 0, 0)
    assert max(abs(place - seen["places"][0]) for place in seen["places"]) <= 3
    assert page.evaluate("window.same") is True


def test_r12_the_way_to_the_messages_is_on_every_page_by_keyboard(house: House, desks: Desks) -> None:
    exam = house.exam()
    ada, ines = house.candidate(exam, started_at=None), house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    page = desk.sign_in_unseen(ada)
    is_live(page)
    ines.send("Look here", scope="filtered")
    expect(notice(page, "Look here")).to_be_visible()
    page.get_by_role("button", name=re.compile("Messages.* 1")).press("Enter")
    expect(page.locator("main #inbox")).to_be_focused()
    ines.send("And here", scope="filtered")
    expect(page.locator("main #inbox").get_by_role("heading", name="And here")).to_be_visible()
    expect(page.locator("main #inbox")).to_be_focused()
    for path in (f"/tests/{exam.id}", "/nowhere"):
        desk.expects("404")
        page = desk.goto(path)
        button = page.get_by_role("button", name=re.compile("Messages.* 2"))
        button.press("Enter")
        panel = page.get_by_role("complementary", name="Message center")
        expect(panel.get_by_role("heading", name="Look here")).to_be_visible()
        panel.get_by_role("button", name="Close messages").press("Enter")
        expect(panel).to_be_hidden()
        expect(button).to_be_focused()


def test_r20_without_javascript_it_is_a_link_to_a_new_tab(house: House, scriptless: Desks) -> None:
    """And signing out in mid-exam is asked first."""
    exam = house.exam()
    page = scriptless.desk(house).sign_in_unseen(house.candidate(exam), f"/tests/{exam.id}")
    link = page.get_by_role("link", name=re.compile("Messages"))
    expect(link).to_have_attribute("href", "/inbox")
    expect(link).to_have_attribute("target", "_blank")
    expect(page.get_by_role("complementary", name="Message center")).to_have_count(0)
    page.locator("summary").filter(has_text="Ada").click()
    page.get_by_text("Sign out…").click()
    page.get_by_role("button", name="Sign out now").click()
    expect(page).to_have_url(re.compile("/login"))


def test_signing_out_in_mid_exam_is_asked_first_within_the_page(house: House, desks: Desks) -> None:
    """It stands in a menu, without a dialog; elsewhere one press in the menu does it."""
    exam = house.exam()
    ada = house.candidate(exam)
    desk = desks.desk(house)
    desk.expects("401")  # a ping that is under way when the session ends
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    expect(page.get_by_role("button", name="Sign out now")).to_be_hidden()
    menu = page.locator("summary").filter(has_text="Ada")
    menu.press("Enter")
    page.get_by_text("Sign out…").press("Enter")
    question = page.locator(".sign-out-question")
    expect(question).to_contain_text(exam.title)
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(menu).to_be_focused()
    menu.click()
    question.get_by_role("button", name="Sign out now").click()
    expect(page).to_have_url(re.compile("/login"))
    waiting = house.candidate(exam, "Bob", started_at=None)
    page = desks.desk(house).sign_in_unseen(waiting)
    page.locator("summary").filter(has_text="Bob").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login"))
