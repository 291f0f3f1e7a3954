"""R25, R28: what staff change for a candidate is on the open page within a second, and true after a reload."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.house import CUT, Desks, House, is_live
from tests.browser.test_time import change, no_streams_for, stored
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Test as Exam

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

SOON = 1.0
IS_LOCKED = "document.querySelector('[data-answer-text]')?.readOnly"
IS_OPEN = "document.querySelector('[data-answer-text]')?.readOnly === false"


def shown_after(page: Page, condition: str, committed_at: float) -> float:
    """Wait until a condition holds in the page, or for 15 seconds; gives the seconds since a moment."""
    wait = f"""async () => {{
      const end = Date.now() + 15_000;
      while (!({condition}) && Date.now() < end) await new Promise(requestAnimationFrame);
      return Date.now();
    }}"""
    deadline = time.monotonic() + 15
    while True:
        try:
            shown_at: int = page.evaluate(wait)
        except Error:  # the page is reloading itself
            if time.monotonic() > deadline:
                raise
            page.wait_for_load_state("domcontentloaded")
        else:
            return shown_at / 1000 - committed_at


def says(text: str) -> str:
    """A condition: the page shows a text."""
    return f"document.body.innerText.includes({text!r})"


def opened(house: House, desks: Desks, exam: Exam, **fields: object) -> Page:
    """The exam page of a candidate, with its stream."""
    page = desks.desk(house).sign_in_unseen(house.candidate(exam, **fields), f"/tests/{exam.id}")
    is_live(page)
    return page


def test_r28_a_pause_saves_first_and_resuming_goes_on_where_it_was(house: House, desks: Desks) -> None:
    """In the middle of a word: the caret stays, the text is stored, and what is typed in the pause is not taken."""
    exam = house.exam()
    page = opened(house, desks, exam)
    answer = page.get_by_role("textbox", name="Answer to question 1")
    answer.fill("begin end")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    answer.focus()
    answer.evaluate("field => field.setSelectionRange(5, 5)")
    page.keyboard.type(", middle,")
    change(house, exam, paused_at=utcnow())
    assert shown_after(page, IS_LOCKED, time.time()) < SOON
    expect(page.locator("[data-save-state]")).to_contain_text("everything that you typed until then is saved")
    assert stored(house) == "begin, middle, end"
    expect(page.get_by_text("An invigilator has paused your test")).to_be_visible()
    expect(page.locator("[data-countdown-word]")).to_have_text("Your test is paused.")
    page.keyboard.type("lost")
    expect(answer).to_have_value("begin, middle, end")
    page.reload()
    is_live(page)
    expect(answer).to_have_attribute("readonly", "")
    expect(page.get_by_text("An invigilator has paused your test")).to_be_visible()
    answer.focus()
    answer.evaluate("field => field.setSelectionRange(14, 14)")
    change(house, exam, paused_at=None)
    assert shown_after(page, IS_OPEN, time.time()) < SOON
    expect(page.locator("[data-countdown-word]")).to_have_text("Your test continues.")
    expect(answer).to_be_focused()
    page.keyboard.type(" more,")
    expect(answer).to_have_value("begin, middle, more, end")


def test_r28_a_save_that_meets_the_pause_is_sent_again_at_once(house: House, desks: Desks) -> None:
    """The page hears of the pause by the refusal, before the stream tells it."""
    exam = house.exam()
    desk = desks.desk(house)
    desk.expects(*CUT, "409")
    desk.page.route(re.compile("/stream|/inbox/new"), lambda route: route.abort())
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{exam.id}")
    answer = page.get_by_role("textbox", name="Answer to question 1")
    with page.expect_response(lambda response: response.status == 409):
        answer.fill("typed at that moment")
        change(house, exam, paused_at=utcnow())
    expect(page.locator("[data-save-state]")).to_contain_text("everything that you typed until then is saved")
    expect(answer).to_have_attribute("readonly", "")
    assert stored(house) == "typed at that moment"


def test_r28_what_a_pause_cannot_save_is_saved_when_the_test_continues(house: House, desks: Desks) -> None:
    """Offline for longer than the server waits, and over a reload in the pause."""
    exam = house.exam()
    desk = desks.desk(house)
    desk.expects(*CUT, "409")
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{exam.id}")
    is_live(page)
    answer = page.get_by_role("textbox", name="Answer to question 1")
    page.route("**/answers/*", lambda route: route.abort())
    answer.fill("only on this page")
    change(house, exam, paused_at=utcnow() - timedelta(minutes=1))
    expect(answer).to_have_attribute("readonly", "")
    expect(page.locator("[data-save-state]")).to_contain_text("is saved when the test continues")
    page.unroute("**/answers/*")
    expect(page.locator("[data-save-state]")).to_contain_text("is saved when the test continues")
    page.reload()
    expect(answer).to_have_value("only on this page")
    expect(answer).to_have_attribute("readonly", "")
    assert stored(house) is None or stored(house) != "only on this page"
    change(house, exam, paused_at=None)
    expect(answer).to_be_editable()
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    assert stored(house) == "only on this page"


def test_r25_place_and_end_change_within_a_second(house: House, desks: Desks) -> None:
    exam = house.exam()
    page = opened(house, desks, exam, room="Sal A115", seat="1E")
    place = page.locator(".bar-place")
    expect(place).to_contain_text("Sal A115 · 1E")
    for fields, words in (({"seat": "24F"}, "Sal A115 · 24F"), ({"room": "Annex"}, "Annex · 24F")):
        change(house, exam, **fields)
        assert (
            shown_after(page, f"document.querySelector('.bar-place').innerText.includes({words!r})", time.time()) < SOON
        )
        expect(page.locator("[data-countdown-word]")).to_have_text(f"Your place is now: {words}")
        page.reload()
        is_live(page)
        expect(place).to_contain_text(words)
    change(house, exam, extra_minutes=15)
    assert shown_after(page, says("15 min extra time included"), time.time()) < SOON
    page.reload()
    expect(page.get_by_text("15 min extra time included")).to_be_visible()


@pytest.mark.nightly
def test_r25_withdrawal_readmission_and_reopening_within_a_second(house: House, desks: Desks) -> None:
    """The words come with the push; the page asks for the rest by itself, and shows the questions only while sat."""
    exam = house.exam()
    page = opened(house, desks, exam)
    prompt = page.get_by_text("Why do the leaves fall?")
    page.wait_for_timeout(3_000)  # a page that has just been opened waits before it reloads itself
    for field, words in (("withdrawn_at", "You have been withdrawn"), ("submitted_at", "Submitted")):
        change(house, exam, **{field: utcnow()})
        assert shown_after(page, says(words), time.time()) < SOON
        expect(prompt).to_have_count(0, timeout=3_000)
        page.reload()
        expect(page.get_by_role("main")).to_contain_text(words)
        is_live(page)
        page.wait_for_timeout(3_000)
        change(house, exam, **{field: None})
        assert shown_after(page, IS_OPEN, time.time()) < SOON
        expect(prompt).to_be_visible()
        is_live(page)
        page.wait_for_timeout(3_000)


@pytest.mark.nightly
def test_r25_a_page_that_polls_learns_of_pause_and_place(house: House, desks: Desks) -> None:
    exam = house.exam()
    desk = desks.desk(house)
    no_streams_for(desk)
    page = desk.sign_in_unseen(house.candidate(exam, seat="1E"), f"/tests/{exam.id}")
    answer = page.get_by_role("textbox", name="Answer to question 1")
    expect(answer).to_be_editable()
    change(house, exam, paused_at=utcnow(), seat="24F")
    expect(answer).to_have_attribute("readonly", "", timeout=9_000)
    expect(page.locator(".bar-place")).to_contain_text("24F")


@pytest.mark.nightly
def test_the_dashboard_counts_down_and_shows_a_new_place(house: House, desks: Desks) -> None:
    exam = house.exam(starts_at=utcnow() + timedelta(seconds=65))
    test_id = exam.id
    page = desks.desk(house, timezone_id="UTC").sign_in_unseen(house.candidate(exam, started_at=None, seat="1E"))
    is_live(page)
    expect(page.locator("[data-zone]")).to_be_hidden()  # the device is in the installation's
    counter = page.locator("[data-starts-in]")
    expect(counter).to_have_text("Starts in 00:59", timeout=9_000)
    expect(counter).to_have_text("Starts in 00:58", timeout=2_000)
    change(house, exam, seat="24F")
    assert shown_after(page, "document.querySelector('.place').innerText.includes('24F')", time.time()) < SOON
    with writing(house.session):
        house.session.get_one(Exam, test_id).starts_at = utcnow() + timedelta(seconds=3)
    expect(page.get_by_role("button", name="Start the test")).to_be_enabled(timeout=5_000)
    expect(counter).to_be_hidden()


def test_the_zone_is_shown_where_the_device_has_another_one(house: House, desks: Desks) -> None:
    """The installation's is UTC here."""
    page = desks.desk(house, timezone_id="Asia/Tokyo").sign_in_unseen(house.candidate(house.exam()))
    expect(page.locator(".times")).to_be_visible()
    expect(page.locator("[data-zone]")).to_be_visible()
