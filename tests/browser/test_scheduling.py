"""A message that goes out later: chosen in the sheet, seen on its page, changed, cancelled, and sent in time (R29)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from tests.browser.axe import Clean
from tests.browser.house import Desks, House, is_live, notice
from tests.browser.monitor_page import compose_for_all, quiet_bar, write
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Message, Role, Schedule, Test

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


@pytest.fixture
def exam(house: House) -> Test:
    """Two who end in two hours, one with extra time, and Ada."""
    exam = house.exam()
    house.hall.candidacies(exam, 2)
    house.candidate(exam, "Longer", extra_minutes=30)
    return exam


def overflows(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_r29_a_later_message_is_chosen_changed_and_cancelled(
    house: House, desks: Desks, exam: Test, clean: Clean
) -> None:
    """By keyboard: the times come as the choice is made, one press schedules, and the page tells."""
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam, role=Role.CHIEF_INVIGILATOR), "/monitor")
    form = compose_for_all(page)
    write(form, "Fifteen minutes")
    when = form.get_by_role("group", name="When")
    now = when.get_by_role("radio", name="Now")
    expect(now).to_be_checked()
    expect(form.get_by_role("button", name="Send to 3 people")).to_be_visible()
    expect(when.get_by_label("Minutes before the end")).to_be_hidden()
    now.focus()
    page.keyboard.press("ArrowUp")
    expect(when.get_by_role("radio", name="Before each one’s own end")).to_be_focused()
    expect(when.get_by_role("status")).to_contain_text("for 2, ")
    expect(when.get_by_role("status")).to_contain_text("for 1 with extra time")
    when.get_by_label("Minutes before the end").fill("500")
    expect(when.get_by_role("status")).to_contain_text("Choose 1 to 240 minutes.")
    when.get_by_label("Minutes before the end").fill("20")
    expect(when.get_by_role("status")).to_contain_text("for 2, ")
    clean(page, "the sheet with a later time", "#compose-form")
    for width in (390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert not overflows(page)
    expect(form.get_by_role("button", name="Send to")).to_have_count(0)
    form.get_by_role("button", name="Schedule").click()
    expect(quiet_bar(page)).to_contain_text("Scheduled for 20 minutes before each one’s own end")
    expect(form).to_be_hidden()
    quiet_bar(page).get_by_role("link", name="Open").click()
    schedule = page.locator("#schedule")
    expect(schedule).to_have_attribute("data-state", "waiting")
    page.get_by_text("Change this message").click()
    page.get_by_label("Minutes before the end").fill("10")
    clean(page, "the page of a later message", "main")
    for width in (390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert not overflows(page)
    page.get_by_role("button", name="Save changes").click()
    expect(schedule).to_contain_text("10 minutes before each one’s own end")
    page.get_by_role("button", name="Cancel this message").click()
    expect(schedule).to_have_attribute("data-state", "cancelled")


@pytest.mark.nightly
def test_r29_it_is_on_the_screen_within_two_seconds(house: House, desks: Desks, exam: Test) -> None:
    """Without a script too: the press that shows the times keeps the choice."""
    ada = house.candidate(exam, "Ada")
    paper = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(paper)
    page = desks.desk(house, java_script_enabled=False).sign_in_unseen(
        house.invigilator(exam), f"/messages/new?scope=filtered&test={exam.id}"
    )
    page.get_by_label("Subject").fill("In time")
    page.get_by_label("Message", exact=True).fill("Ten minutes left.")
    page.get_by_role("radio", name="At a time").check()
    page.get_by_role("button", name="Show the times").click()
    expect(page.get_by_role("radio", name="At a time")).to_be_checked()
    expect(page.get_by_role("status").filter(has_text="As things stand")).to_contain_text("4 people")
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator("#schedule")).to_have_attribute("data-state", "waiting")
    number = int(page.url.rpartition("/")[2])
    session = house.fresh()
    due = utcnow() + timedelta(seconds=2)
    with writing(session):
        session.execute(update(Schedule).where(Schedule.id == number).values(at=due))
    assert notice(paper, "In time").count() == 0
    expect(notice(paper, "In time")).to_be_visible()
    assert time.time() - due.timestamp() < 2
    sent = house.fresh().scalars(select(Message).filter_by(schedule_id=number)).one()
    assert timedelta(0) <= sent.sent_at - due < timedelta(seconds=2)
    page.reload()
    expect(page.locator("#schedule")).to_have_attribute("data-state", "sent")
