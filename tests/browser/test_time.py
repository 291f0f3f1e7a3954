"""R25: time left, start and end are told by the server's clock, and what was typed before the end counts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import CUT, Desk, Desks, House, is_live
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Answer, Candidacy
from webapp.models import Test as Exam

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

THREE_DAYS_OFF = """
const real = Date;
window.Date = class extends real {
  constructor(...given) { given.length ? super(...given) : super(real.now() + 3 * 24 * 3600e3); }
  static now() { return real.now() + 3 * 24 * 3600e3; }
};
"""

COUNTING_TIMERS = """
window.timers = 0;
const realTimeout = setTimeout;
window.setTimeout = (...given) => ((window.timers += 1), realTimeout(...given));
"""


def ending_in(house: House, seconds: float) -> Exam:
    """A running exam with so much time left."""
    return house.exam(starts_at=utcnow() - timedelta(hours=1), ends_at=utcnow() + timedelta(seconds=seconds))


def end_in(house: House, page: Page, exam_id: int, seconds: float) -> datetime:
    """Move the end of an exam that is open on a page, which counts down to it afterwards: gives the end."""
    with writing(house.session):
        ends_at = house.session.get_one(Exam, exam_id).ends_at = utcnow() + timedelta(seconds=seconds)
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^0:\d\d min$"))
    return ends_at


def change(house: House, exam: Exam, **fields: object) -> None:
    """Change the only candidacy of a test, as an action on it does."""
    number = house.candidacies_of(exam)[0].id
    with writing(house.session):
        candidacy = house.session.get_one(Candidacy, number)
        for name, value in fields.items():
            setattr(candidacy, name, value)


def no_streams_for(desk: Desk) -> None:
    """Have its pages poll, as where the server has no room for more streams."""
    desk.expects("503")
    desk.context.route("**/stream", lambda route: route.fulfill(status=503, headers={"X-Examhall": "1"}))


def stored(house: House) -> str | None:
    """The newest answer in the database."""
    found = house.fresh().query(Answer).order_by(Answer.id.desc()).first()
    return found.text if found else None


def test_r25_the_end_is_told_and_what_was_typed_before_it_counts(house: House, desks: Desks) -> None:
    """By a computer whose date is three days off; extra time opens the field again."""
    exam = ending_in(house, 16)
    test_id, ends_at = exam.id, exam.ends_at
    desk = desks.desk(house)
    desk.context.add_init_script(THREE_DAYS_OFF)
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{test_id}")
    is_live(page)
    answer = page.get_by_role("textbox", name="Answer to question 1")
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^0:\d\d min$"))
    answer.fill("Early.")
    page.wait_for_timeout(max(0, (ends_at - utcnow()).total_seconds() - 3) * 1_000)
    while utcnow() < ends_at - timedelta(seconds=0.6):
        answer.press_sequentially("x")
    expect(answer).to_have_attribute("readonly", "", timeout=2_600)
    assert timedelta(0) <= utcnow() - ends_at < timedelta(seconds=2)
    typed = answer.input_value()
    expect(page.locator("[data-save-state]")).to_contain_text("This text counts")
    assert stored(house) == typed
    expect(page.get_by_role("timer")).to_have_text("Time is up")
    expect(page.get_by_role("status").filter(has_text="Your time is up. You can still submit.")).to_be_visible()
    expect(page.get_by_text("Your time is up. What was saved counts.")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_hidden()
    expect(page.get_by_role("link", name="Submit the test…")).to_be_visible()
    change(house, house.session.get_one(Exam, test_id), extra_minutes=20)
    expect(answer).to_be_editable(timeout=3_000)
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^0:(19|20) h$"))
    expect(page.get_by_role("status").filter(has_text="Your end has changed. Time left: 0:")).to_be_visible()
    answer.press_sequentially(" More.")
    expect(page.locator("[data-save-state]")).to_contain_text("Saved")
    page.wait_for_timeout(1_500)
    assert stored(house) == f"{typed} More."


def test_r25_text_that_cannot_be_sent_in_time_is_said_not_to_count(house: House, desks: Desks) -> None:
    """Offline over the end: the page tries, then says which text the server has, and keeps the other to copy."""
    exam = house.exam()
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{exam.id}")
    answer = page.get_by_role("textbox", name="Answer to question 1")
    answer.fill("Saved.")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    end_in(house, page, exam.id, 7)
    desk.context.set_offline(True)
    answer.press_sequentially(" Not sent.")
    expect(answer).to_have_attribute("readonly", "", timeout=10_000)
    expect(page.locator("[data-save-state]")).to_contain_text("Saving what you typed before the end")
    expect(page.locator("[data-save-state]")).to_contain_text("Not saved in time", timeout=25_000)
    box = page.get_by_role("status").filter(has_text="The end came before this text")
    expect(box).to_contain_text("could not be reached")
    expect(answer).to_have_value("Saved. Not sent.")
    desk.context.set_offline(False)
    expect(box).not_to_contain_text("could not be reached", timeout=15_000)
    expect(box.get_by_label("The text that counts")).to_have_value("Saved.")
    assert stored(house) == "Saved."
    page.get_by_role("link", name="Submit the test…").click()
    page.get_by_role("button", name="Submit now").click()
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()
    expect(page.get_by_text("Your answers are stored and can no longer be changed.")).to_be_visible()
    assert stored(house) == "Saved."


@pytest.mark.nightly
def test_r25_text_from_before_the_end_comes_through_within_the_grace(house: House, desks: Desks) -> None:
    """Offline at the end and back seconds later; the other tab closes too."""
    exam = house.exam()
    test_id = exam.id
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{test_id}")
    other = desk.tab(f"/tests/{test_id}")
    page.bring_to_front()
    answer = page.get_by_role("textbox", name="Answer to question 1")
    ends_at = end_in(house, page, test_id, 7)
    expect(other.get_by_role("timer")).to_have_text(re.compile(r"^0:\d\d min$"))
    desk.context.set_offline(True)
    answer.press_sequentially("Before the end.")
    expect(answer).to_have_attribute("readonly", "", timeout=10_000)
    page.wait_for_timeout(4_000)
    desk.context.set_offline(False)
    expect(page.locator("[data-save-state]")).to_contain_text("This text counts", timeout=8_000)
    assert stored(house) == "Before the end."
    assert utcnow() - ends_at < timedelta(seconds=15)
    expect(other.get_by_role("textbox", name="Answer to question 1")).to_have_attribute("readonly", "")
    expect(other.get_by_role("textbox", name="Answer to question 1")).to_have_value("Before the end.")


def timers(page: Page) -> int:
    """How many are set in a second, where they are counted."""
    before = page.evaluate("timers")
    page.wait_for_timeout(1_000)
    count: int = page.evaluate("timers") - before
    return count


@pytest.mark.nightly
def test_r25_a_minute_is_said_once_and_nothing_false(house: House, desks: Desks) -> None:
    """And quietly: one timer, however often it is hidden and shown, and after the end too: a tablet's battery lasts."""
    exam = ending_in(house, 5 * 60 + 6)
    test_id = exam.id
    desk = desks.desk(house)
    desk.context.add_init_script(COUNTING_TIMERS)
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{exam.id}")
    word = page.locator("[data-countdown-word]")
    expect(word).to_be_empty()
    expect(page.get_by_role("timer")).to_have_text("0:05 h")
    expect(word).to_have_text("5 minutes left")
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^(5:00|4:5\d) min$"))
    page.reload()
    page.wait_for_timeout(1_500)
    expect(page.locator("[data-countdown-word]")).to_be_empty()
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_role("timer")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("button", name="Show time")).to_be_visible()
    expect(page.get_by_role("timer")).to_be_hidden()
    page.get_by_role("button", name="Show time").click()
    expect(page.get_by_role("timer")).to_be_visible()
    for _ in range(10):
        page.get_by_role("button", name="Hide").click()
        page.get_by_role("button", name="Show time").click()
    end_in(house, page, test_id, 5)
    assert timers(page) < 15
    expect(page.get_by_role("timer")).to_have_text("Time is up", timeout=9_000)
    page.wait_for_timeout(1_000)
    assert timers(page) < 15


@pytest.mark.nightly
def test_r25_pause_and_withdrawal_are_told(house: House, desks: Desks) -> None:
    exam = house.exam()
    desk = desks.desk(house)
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{exam.id}")
    is_live(page)
    answer = page.get_by_role("textbox", name="Answer to question 1")
    answer.fill("So far.")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    change(house, exam, paused_at=utcnow())
    expect(answer).to_have_attribute("readonly", "", timeout=3_000)
    expect(page.get_by_text("An invigilator has paused your test")).to_be_visible()
    change(house, exam, paused_at=None)
    expect(answer).to_be_editable(timeout=3_000)
    change(house, exam, withdrawn_at=utcnow())
    expect(page.get_by_text("You have been withdrawn from this test")).to_be_visible(timeout=6_000)
    expect(answer).to_have_count(0)
    expect(page.get_by_text("Why do the leaves fall?")).to_have_count(0)


def test_r25_the_start_is_told_without_a_request(house: House, desks: Desks) -> None:
    """On the dashboard and on the start page; a moved start comes by the event."""
    exam = house.exam(starts_at=utcnow() + timedelta(hours=1))
    test_id, exam_title = exam.id, exam.title
    ada = house.candidate(exam, started_at=None)
    desk = desks.desk(house)
    desk.context.add_init_script(THREE_DAYS_OFF)
    page = desk.sign_in_unseen(ada)
    is_live(page)
    start_page = desk.tab(f"/tests/{test_id}")
    is_live(start_page)
    for each in (page, start_page):
        expect(each.get_by_role("button", name="Start the test")).to_be_disabled()
    page.bring_to_front()
    starts_at = utcnow() + timedelta(seconds=9)
    with writing(house.session):
        house.session.get_one(Exam, test_id).starts_at = starts_at
    page.wait_for_timeout((starts_at - utcnow()).total_seconds() * 1_000 - 300)
    asked: list[str] = []  # what a page asks when its stream has opened is over by now
    page.on("request", lambda request: asked.append(request.url) if "/ping" not in request.url else None)
    expect(page.get_by_role("button", name="Start the test")).to_be_disabled()
    expect(page.get_by_role("button", name="Start the test")).to_be_enabled(timeout=8_000)
    assert timedelta(0) <= utcnow() - starts_at < timedelta(seconds=2)
    assert asked == []
    expect(page.get_by_text("Open: you can start.", exact=True)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text=f"{exam_title} is open: you can start.")).to_be_attached()
    expect(start_page.get_by_role("button", name="Start the test")).to_be_enabled(timeout=2_000)
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_role("textbox", name="Answer to question 1")).to_be_editable()
    expect(start_page.get_by_role("textbox", name="Answer to question 1")).to_be_editable()


@pytest.mark.nightly
def test_r25_a_page_that_polls_learns_of_more_time(house: House, desks: Desks) -> None:
    """Without streams, and with a date that is set to another year during the exam."""
    exam = ending_in(house, 12)
    desk = desks.desk(house)
    no_streams_for(desk)
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{exam.id}")
    page.evaluate("const real = Date.now; Date.now = () => real() - 400 * 24 * 3600e3")
    answer = page.get_by_role("textbox", name="Answer to question 1")
    answer.fill("In time.")
    expect(answer).to_have_attribute("readonly", "", timeout=15_000)
    expect(page.locator("[data-save-state]")).to_contain_text("This text counts")
    change(house, exam, extra_minutes=3)
    expect(answer).to_be_editable(timeout=9_000)
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^[23]:\d\d min$"))
