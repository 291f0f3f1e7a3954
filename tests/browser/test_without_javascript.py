"""R20: everything an invigilator does works without JavaScript too; candidates' pages say what they lack."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.browser.house import Desks, House, notice
from tests.browser.monitor_page import message_all, rows, shows, tick
from webapp.models import Message

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def write(page: Page, subject: str, body: str) -> None:
    """The form on its own page."""
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Message", exact=True).fill(body)


def send(page: Page) -> None:
    """The button that sends."""
    page.get_by_role("button", name="Send to").click()


def persons(house: House, subject: str) -> list[int]:
    """How many each sending with this subject reached."""
    return list(house.fresh().scalars(select(Message.persons).where(Message.subject == subject)))


def test_r20_filter_select_send_to_selected_and_to_all(house: House, scriptless: Desks) -> None:
    """The ways of 409 and 422 keep the text here as well."""
    exam = house.exam()
    house.hall.candidacies(exam, 4)
    house.hall.candidacies(exam, 3, room="Room 7")
    house.candidate(exam, "Ada", room="Room 7")
    desk = scriptless.desk(house)
    desk.expects("409", "422")
    page = desk.sign_in(house.invigilator(exam), "/monitor")
    page.get_by_role("searchbox", name="Search candidates").fill("room 7")
    page.get_by_role("button", name="Search").click()
    shows(page, 4)
    expect(page).to_have_url(re.compile("q=room"))
    page.locator("#filter-menu > summary").click()
    page.locator("#filter-menu").get_by_role("link", name="Connection").click()
    page.get_by_role("checkbox", name="Offline 4").check()
    page.get_by_role("button", name="Show the list").click()
    expect(page).to_have_url(re.compile("q=room.*status=offline"))
    shows(page, 4)
    page.get_by_role("link", name="Remove all filters").click()
    shows(page, 8)
    tick(page, "Ada").check()
    rows(page).nth(1).get_by_role("checkbox").check()
    page.get_by_role("region", name="For the selected candidates").get_by_role("button", name="Message…").click()
    expect(page.get_by_role("main")).to_contain_text("To 2 people")
    write(page, "", "Body first")
    send(page)
    expect(page.get_by_role("main")).to_contain_text("Please write a subject.")
    expect(page.get_by_label("Message", exact=True)).to_have_value("Body first")
    page.get_by_label("Subject").fill("To two, by hand")
    send(page)
    expect(page).to_have_url(re.compile(r"/messages/\d+"))
    expect(page.get_by_role("main")).to_contain_text("To two, by hand")
    assert persons(house, "To two, by hand") == [2]
    page.reload()
    assert persons(house, "To two, by hand") == [2]
    desk.goto("/monitor?q=room+7")
    message_all(page).click()
    expect(page.get_by_role("main")).to_contain_text("To 4 people")
    write(page, "To all, by hand", "Line one\nline two")
    house.candidate(exam, "Late", room="Room 7")
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("1 person joined")
    expect(page.get_by_label("Subject")).to_have_value("To all, by hand")
    expect(page.get_by_label("Message", exact=True)).to_have_value("Line one\nline two")
    assert persons(house, "To all, by hand") == []
    send(page)
    expect(page).to_have_url(re.compile(r"/messages/\d+"))
    assert persons(house, "To all, by hand") == [5]


def test_r20_a_candidates_page_says_that_notices_need_it(house: House, scriptless: Desks) -> None:
    """It still shows what was sent, keeps answers by a button, and can be submitted."""
    exam = house.exam()
    ada = house.candidate(exam)
    house.over_http(house.invigilator(exam)).send("Without script", scope="filtered")
    page = scriptless.desk(house).sign_in(ada, f"/tests/{exam.id}")
    expect(page.locator(".notices noscript p")).to_contain_text("JavaScript is off in this browser")
    expect(page.locator(".notices noscript p")).to_be_visible()
    expect(notice(page, "Without script")).to_be_visible()
    page.get_by_role("textbox", name="Answer to question 1").fill("By hand")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("textbox", name="Answer to question 1")).to_have_value("By hand")
    expect(page.locator("[data-save-state]")).to_contain_text("Saved")
    notice(page, "Without script").get_by_role("button", name="Got it").click()
    expect(notice(page, "Without script")).to_have_count(0)
    page.goto(f"{house.url}/tests/{exam.id}")
    page.get_by_role("link", name="Submit the test…").click()
    page.get_by_role("button", name="Submit now").click()
    expect(page.get_by_role("main")).to_contain_text("Submitted")
