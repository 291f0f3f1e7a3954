"""A portal, a sign-on proxy or a maintenance page answers in the server's place: for every page that is no answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.house import CUT, Desks, House, is_live, notice
from tests.browser.monitor_page import compose_for_one, press_send, row, rows, was_sent, write
from tests.nightly import at_night

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

PORTAL = '<!doctype html><html><body><h1>Guest network</h1><form id="candidates">Accept the terms</form></body></html>'
EVERYWHERE = re.compile(r"/(monitor|messages|stream|ping|inbox|tests)\b")
STATUSES = pytest.mark.parametrize("status", [200, *at_night(401, 500)])


@contextmanager
def portal(page: Page, status: int = 200, headers: dict[str, str] | None = None) -> Iterator[None]:
    """Somebody else answers whatever the page's scripts ask."""

    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type="text/html", headers=headers or {}, body=PORTAL)

    page.route(EVERYWHERE, answer)
    yield
    page.unroute(EVERYWHERE, answer)


def nothing_foreign(page: Page) -> None:
    """Nothing of the portal's page is shown."""
    expect(page.get_by_text("Guest network")).to_have_count(0)


def no_dialog_opens_with_what_a_portal_says(page: Page) -> None:
    """It is said that it could not be opened."""
    row(page, "Ada").get_by_role("button", name="More for Ada").click()
    message = page.locator(".menu:popover-open").get_by_role("link", name="Message…")
    expect(message).to_be_visible()
    with portal(page):
        message.click()
        expect(page.get_by_text("This could not be opened")).to_be_visible()
        expect(page.locator("dialog#compose")).to_be_hidden()
        nothing_foreign(page)
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("Escape")


def a_message_that_is_being_written_stays_and_is_sent_once(page: Page, status: int) -> None:
    """Nothing typed is lost, whatever was pressed meanwhile."""
    form = compose_for_one(page, "Ada")
    write(form, "Half a message")
    with portal(page, status, {"HX-Redirect": "/log", "HX-Refresh": "true", "HX-Push-Url": "/portal"}):
        press_send(form)
        expect(form.get_by_role("alert")).to_contain_text("Nothing is lost")
        expect(form.get_by_label("Subject")).to_have_value("Half a message")
        nothing_foreign(page)
    expect(page).to_have_url(re.compile("/monitor$"))
    press_send(form)
    was_sent(form, 1)


@pytest.mark.nightly
@STATUSES
def test_the_monitor_stays_and_recovers(house: House, desks: Desks, status: int) -> None:
    """Its list, its dialogs and what is written in them."""
    exam = house.exam()
    house.candidate(exam, "Ada")
    desk = desks.desk(house)
    desk.expects(*CUT, "401", "500", "Failed to load module script")
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    with portal(page, status):
        expect(page.get_by_text("No connection to the server")).to_be_visible()
        expect(row(page, "Ada")).to_be_visible()
        nothing_foreign(page)
        house.candidate(exam, "Bob")
    expect(row(page, "Bob")).to_be_visible()
    expect(page.locator("[data-connection-box]")).to_be_hidden()
    no_dialog_opens_with_what_a_portal_says(page)
    a_message_that_is_being_written_stays_and_is_sent_once(page, status)


@STATUSES
def test_a_candidate_keeps_writing_and_is_reached_afterwards(house: House, desks: Desks, status: int) -> None:
    """Neither strip nor answer takes the portal's page; both go on by themselves."""
    exam = house.exam()
    ada, ines = house.candidate(exam, "Ada"), house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    desk.expects(*CUT, "401", "500")
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    with portal(page, status):
        page.evaluate("dispatchEvent(new Event('online'))")  # the stream is opened anew
        expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", "lost")
        page.get_by_role("textbox", name="Answer to question 1").press_sequentially("still mine")
        expect(page.locator("[data-save-state]")).to_contain_text("Not saved yet")
        nothing_foreign(page)
    ines.send("After the portal", scope="filtered", q=exam.title)
    expect(notice(page, "After the portal")).to_have_count(1)
    is_live(page)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved", timeout=40_000)
