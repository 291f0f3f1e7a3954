"""The page on which everybody begins: a password that can be looked at, and a wait that can be seen to end."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import Desks, House

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def tried(page: Page, username: str) -> None:
    """A wrong password."""
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_the_password_is_shown_while_it_is_wanted_and_never_sent_so(house: House, desks: Desks) -> None:
    """The eye says whether it is pressed; what is sent goes from a field of passwords."""
    desk = desks.desk(house)
    desk.expects("422")
    page = desk.goto("/login")
    field, eye = page.get_by_label("Password", exact=True), page.get_by_role("button", name="Show password")
    expect(field).to_have_attribute("type", "password")
    place = field.bounding_box()
    eye.click()
    expect(eye).to_have_attribute("aria-pressed", "true")
    expect(field).to_have_attribute("type", "text")
    assert field.bounding_box() == place
    page.evaluate("document.forms[0].addEventListener('submit', () => { sessionStorage.sent = password.type; })")
    tried(page, "nobody")
    assert page.evaluate("sessionStorage.sent") == "password"
    expect(field).to_have_attribute("type", "password")


@pytest.mark.nightly
def test_after_too_many_tries_the_wait_is_counted_down(house: House, desks: Desks) -> None:
    """By the server's clock, and at its end the page says so."""
    ada = house.candidate(house.exam())
    desk = desks.desk(house)
    desk.expects("42[29]")
    page = desk.goto("/login")
    page.clock.install()
    wait = page.locator("[data-wait]")
    for _ in range(30):
        tried(page, ada.username)
        if wait.count():
            break
    expect(wait).to_have_text(re.compile(r"^\s*\d+:\d\d\s*$"))
    before = wait.inner_text()
    page.clock.run_for(2_000)
    expect(wait).not_to_have_text(before)
    over = page.get_by_text("You can try again now.")
    expect(over).to_be_hidden()
    page.clock.run_for(20 * 60_000)
    expect(over).to_be_visible()
    expect(wait).to_be_hidden()
