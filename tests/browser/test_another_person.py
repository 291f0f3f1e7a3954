"""R13: a colleague signs in in a second tab. The first tab does nothing in their name, says so, and keeps its text."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from tests.browser.house import PASSWORD, Desks, House
from tests.browser.monitor_page import compose_for_one, write
from webapp.models import Message

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def signs_in(page: Page, username: str) -> None:
    """By the form of the page that is open."""
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".signed-in-name")).to_be_attached()


def test_the_first_tab_sends_nothing_as_the_colleague(house: House, desks: Desks) -> None:
    exam = house.exam()
    house.candidate(exam, "Ada")
    ines, ilse = house.invigilator(exam, name="Ines"), house.invigilator(exam, name="Ilse Colleague")
    desk = desks.desk(house)
    desk.expects("409", "40[01]")
    page = desk.sign_in_unseen(ines, "/monitor")
    form = compose_for_one(page, "Ada")
    write(form, "From Ines", "Typed by Ines.")
    desk.context.clear_cookies()
    signs_in(desk.tab("/login"), ilse.username)
    for _ in range(2):
        form.locator("[data-send]").click()
        words = page.locator("dialog .another-person")
        expect(words).to_contain_text("Ilse Colleague")
        expect(words).to_have_count(1)
        expect(form.get_by_label("Message", exact=True)).to_have_value("Typed by Ines.")
    assert house.fresh().scalar(select(func.count()).where(Message.subject == "From Ines")) == 0
    page.keyboard.press("Escape")
    expect(page.locator("main .another-person")).to_contain_text("Ilse Colleague", timeout=10_000)
    page.get_by_role("link", name="Reload this page").click()
    expect(page.locator(".another-person")).to_have_count(0)


@pytest.mark.nightly
def test_the_second_of_two_sign_in_tabs_works(house: House, desks: Desks) -> None:
    exam = house.exam()
    ines = house.invigilator(exam, name="Ines")
    desk = desks.desk(house)
    first, second = desk.goto("/login"), desk.tab("/login?next=/log")
    signs_in(first, ines.username)
    signs_in(second, ines.username)
    expect(second).to_have_url(f"{house.url}/log")
    expect(first.locator(".signed-in-name")).to_have_text("Ines")
