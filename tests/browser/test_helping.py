"""A candidate has lost the password: the chief invigilator makes a new one from the row's menu, and it signs in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.house import Desks, House
from tests.browser.monitor_page import row, tick
from webapp.models import Role

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def test_a_new_password_is_shown_once_and_signs_in(house: House, desks: Desks) -> None:
    exam = house.exam()
    ada = house.candidate(exam, "Ada Lind")
    page = desks.desk(house).sign_in_unseen(
        house.invigilator(exam, name="Vera", role=Role.CHIEF_INVIGILATOR), "/monitor"
    )
    more = row(page, "Ada Lind").get_by_role("button", name=re.compile("More"))
    more.focus()
    page.keyboard.press("Enter")
    page.locator(".menu:popover-open").get_by_role("link", name="New password").press("Enter")
    dialog = page.locator("dialog#compose")
    expect(dialog.get_by_role("heading", name="New password")).to_be_focused()
    expect(dialog).to_contain_text("Ada Lind")
    dialog.get_by_role("button", name="Make a new password").press("Enter")
    password = dialog.locator("[data-once]").inner_text()
    assert re.fullmatch(r"[a-z]+(-[a-z]+){3}", password)
    dialog.get_by_role("button", name="Done").press("Enter")
    expect(dialog).to_be_hidden()
    assert password not in page.content()
    other = desks.desk(house).goto("/login")
    other.get_by_label("Username").fill(ada.username)
    other.get_by_label("Password", exact=True).fill(password)
    other.get_by_role("button", name="Sign in").click()
    expect(other.locator(".signed-in-name")).to_have_text("Ada Lind")


@pytest.mark.nightly
def test_without_javascript_it_takes_two_pages(house: House, desks: Desks) -> None:
    """R20."""
    exam = house.exam()
    ada = house.candidate(exam, "Ada Lind")
    page = desks.desk(house, java_script_enabled=False).sign_in_unseen(
        house.invigilator(exam, name="Vera", role=Role.CHIEF_INVIGILATOR), "/monitor"
    )
    bar = page.get_by_role("region", name="For the selected candidates")
    tick(page, "Ada Lind").check()
    bar.get_by_role("button", name="More").click()
    bar.get_by_role("button", name="Unlock sign-in").click()
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("The sign-in is unlocked")).to_be_visible()
    page.get_by_role("link", name="Back to the monitor").click()
    tick(page, "Ada Lind").check()
    bar.get_by_role("button", name="More").click()
    bar.get_by_role("button", name="New password").click()
    page.get_by_role("button", name="Make a new password").click()
    expect(page.locator("[data-once]")).to_have_text(re.compile(r"^[a-z]+(-[a-z]+){3}$"))
    expect(page.get_by_text(ada.username)).to_be_visible()


def test_why_somebody_is_not_helped_is_said_at_the_button(house: House, desks: Desks) -> None:
    """A candidate who works in a test too: their password would open more than an exam."""
    exam = house.exam()
    bo = house.candidate(exam, "Bo Staff")
    house.hall.contributor(exam, user=bo)
    desk = desks.desk(house)
    desk.expects("403")
    page = desk.sign_in_unseen(house.invigilator(exam, name="Vera", role=Role.CHIEF_INVIGILATOR), "/monitor")
    row(page, "Bo Staff").get_by_role("button", name=re.compile("More")).click()
    page.locator(".menu:popover-open").get_by_role("link", name="New password").click()
    expect(page.locator("#dialog-answer")).to_contain_text("operator of the server can set the password")
    expect(page.locator("dialog#compose")).to_be_hidden()
