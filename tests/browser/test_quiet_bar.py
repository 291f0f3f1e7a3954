"""Before and after the sheet: the dock of a small screen, and the bar that tells of a sending."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.house import Desk, Desks, House
from tests.browser.monitor_page import (
    compose_for_all,
    compose_for_one,
    message_all,
    press_send,
    quiet_bar,
    row,
    tick,
    was_sent,
    write,
)
from tests.browser.test_sheet import in_view
from webapp.models import Test

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


@pytest.fixture
def exam(house: House) -> Test:
    """Three candidates, Ada among them."""
    exam = house.exam()
    for name in ("Ada", "Bob", "Cy"):
        house.candidate(exam, name)
    return exam


@pytest.fixture
def desk(house: House, desks: Desks) -> Desk:
    return desks.desk(house)


def test_after_sending_the_bar_stays_while_it_is_used_and_then_goes(house: House, desk: Desk, exam: Test) -> None:
    """20 seconds, not counted while the pointer or the focus is in it; it takes no focus by itself."""
    desk.page.clock.install()
    desk.expects("htmx:error: timeout")  # of the list, in the minutes that pass in a moment
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    bar = quiet_bar(page)
    form = compose_for_all(page)
    write(form, "Bar")
    page.keyboard.press("Control+Enter")
    was_sent(form, 3)
    expect(bar).to_contain_text(re.compile(r"Sent to 3 people\s+· 0 online\s+· Open"))
    expect(page.locator("[data-announce]")).to_contain_text("Sent to 3 people")
    assert bar.get_by_role("link", name="Open").evaluate("(link) => link.offsetHeight") >= 24
    expect(message_all(page)).to_be_focused()
    page.keyboard.press("F6")
    expect(bar.get_by_role("link", name="Open")).to_be_focused()
    page.clock.run_for(60_000)
    expect(bar).to_be_visible()
    message_all(page).focus()
    bar.hover()
    page.clock.run_for(60_000)
    expect(bar).to_be_visible()
    page.mouse.move(0, 0)
    page.clock.run_for(10_000)
    expect(bar).to_be_visible()
    page.clock.run_for(11_000)
    expect(bar).to_be_hidden()


def test_a_phone_has_it_in_the_dock(house: House, desks: Desks, exam: Test) -> None:
    """48 px high, at the bottom; with rows ticked the bar for these takes its place."""
    desk = desks.desk(house, viewport={"width": 390, "height": 844}, has_touch=True)
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    button = message_all(page)
    box = button.bounding_box()
    assert box
    assert box["height"] >= 48
    assert box["y"] + box["height"] > 844 - 24
    assert in_view(button)
    tick(page, "Ada").tap()
    expect(button).to_be_hidden()
    bar = page.get_by_role("region", name="For the selected candidates")
    assert in_view(bar.get_by_role("button", name="Message…"))


@pytest.mark.nightly
def test_the_row_tells_when_the_last_message_went(house: House, desk: Desk, exam: Test) -> None:
    """At once after the sending, and for those whom it went to."""
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    expect(row(page, "Ada")).to_be_visible()
    expect(page.locator("[data-last-message]")).to_have_count(0)
    form = compose_for_one(page, "Ada")
    write(form, "Marked")
    press_send(form)
    was_sent(form, 1)
    expect(row(page, "Ada").locator("[data-last-message] time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    expect(page.locator("[data-last-message]")).to_have_count(1)
