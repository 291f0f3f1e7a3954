"""R28: a pause, and what else stops a test for a while, loses no text and leaves a page that goes on."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.house import CUT, Desk, Desks, House, is_live
from tests.browser.test_changed_sittings import IS_LOCKED, SOON, shown_after
from tests.browser.test_time import change, stored
from tests.nightly import at_night
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Answer, Question
from webapp.models import Test as Exam

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def at_the_desk(house: House, desks: Desks, **candidacy: Any) -> tuple[Desk, Page, Exam]:
    """A candidate's desk, with their exam page and its stream."""
    exam = house.exam()
    desk = desks.desk(house)
    page = desk.sign_in_unseen(house.candidate(exam, **candidacy), f"/tests/{exam.id}")
    is_live(page)
    return desk, page, exam


@pytest.mark.nightly
def test_a_page_opened_in_a_pause_leads_to_the_submission_when_it_is_over(house: House, desks: Desks) -> None:
    """In another language it closes at once too (R25): the event is in the installation's. Its facts hold at once, the
    words follow.
    """
    _, page, exam = at_the_desk(house, desks, paused_at=utcnow())
    submit = page.get_by_role("link", name="Submit the test…")
    expect(page.get_by_text("An invigilator has paused your test")).to_be_visible()
    expect(submit).to_be_hidden()
    expect(page.locator("[data-save-state]")).to_have_text("Nothing written yet")  # and nothing of it is "saved"
    change(house, exam, paused_at=None)
    expect(submit).to_be_visible()
    page.evaluate("document.documentElement.lang = 'sv'")
    change(house, exam, paused_at=utcnow())
    assert shown_after(page, IS_LOCKED, time.time()) < SOON
    expect(submit).to_be_hidden()
    expect(page.get_by_text("An invigilator has paused your test")).to_be_visible(timeout=10_000)


def test_r28_text_unsaved_at_a_withdrawal_is_saved_when_the_candidate_is_back(house: House, desks: Desks) -> None:
    """It stays in the page, which can be written in no more (R25)."""
    desk, page, exam = at_the_desk(house, desks)
    desk.expects(*CUT, "409")
    answer, told = page.get_by_role("textbox", name="Answer to question 1"), page.get_by_text("This test has changed")
    page.route("**/answers/*", lambda route: route.abort())
    answer.fill("typed before the withdrawal")
    change(house, exam, withdrawn_at=utcnow())
    expect(answer).to_have_attribute("readonly", "", timeout=3_000)
    expect(page.get_by_role("alert").filter(has=told)).to_contain_text("nothing more can be written here")
    expect(answer).to_have_value("typed before the withdrawal")
    with page.expect_response(lambda response: response.status == 409):
        page.unroute("**/answers/*")
    expect(page.locator("[data-answer-problem]")).to_contain_text("You have been withdrawn")
    change(house, exam, withdrawn_at=None)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    assert stored(house) == "typed before the withdrawal"
    expect(told).to_have_count(0)
    expect(page.locator("[data-answer-problem]")).to_be_empty()


def test_r28_a_choice_between_two_versions_outlives_the_pause(house: House, desks: Desks) -> None:
    """It cannot be saved before the person has chosen, and the page says that it is not."""
    desk, page, exam = at_the_desk(house, desks)
    desk.expects("409")
    answer, state = page.get_by_role("textbox", name="Answer to question 1"), page.locator("[data-save-state]")
    answer.fill("first")
    expect(state).to_have_attribute("data-state", "saved")
    with writing(house.session):
        elsewhere = house.session.query(Answer).order_by(Answer.id.desc()).first()
        assert elsewhere
        elsewhere.text, elsewhere.saved_at = "from elsewhere", utcnow()
    answer.fill("typed here")
    mine = page.get_by_role("button", name="Keep what I typed here")
    expect(mine).to_be_visible()
    change(house, exam, paused_at=utcnow() - timedelta(minutes=1))
    expect(answer).to_have_attribute("readonly", "")
    expect(state).to_contain_text("Not saved yet")
    change(house, exam, paused_at=None)
    expect(answer).to_be_editable()
    expect(state).to_have_attribute("data-state", "failed")
    mine.click()
    expect(state).to_have_attribute("data-state", "saved")
    assert stored(house) == "typed here"


@pytest.mark.nightly
def test_r28_text_of_a_closed_page_waits_for_the_end_of_the_pause(house: House, desks: Desks) -> None:
    _, page, exam = at_the_desk(house, desks)
    answer = page.get_by_role("textbox", name="Answer to question 1")
    answer.fill("newer")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    question = page.locator("[data-answer]").get_attribute("data-answer")
    page.evaluate(
        """([question, keptAt]) => {
          const person = document.querySelector("[data-answer]").elements.person.value;
          const draft = { text: "of a closed page", base: "1", tried: null, keptAt };
          localStorage.setItem(`examhall.unsaved.${person}.${question}.gone`, JSON.stringify(draft));
        }""",
        [question, int(time.time() * 1000)],
    )
    page.reload()
    use = page.get_by_role("button", name="Replace the text above")
    expect(use).to_be_enabled()
    change(house, exam, paused_at=utcnow())
    expect(use).to_be_disabled()
    expect(page.get_by_label("Unsaved text on this computer")).to_have_value("of a closed page")
    change(house, exam, paused_at=None)
    use.click()
    expect(answer).to_have_value("of a closed page")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    assert stored(house) == "of a closed page"


def test_r28_an_older_answer_does_not_undo_a_pause(house: House, desks: Desks) -> None:
    """The page has asked before the pause, and the response comes after the event (trap 2)."""
    _, page, exam = at_the_desk(house, desks)
    held: list[str] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
            return
        response = route.fetch()
        held.append(response.text())
        change(house, exam, paused_at=utcnow())
        assert shown_after(page, IS_LOCKED, time.time()) < SOON
        route.fulfill(response=response, body=held[0])

    page.evaluate(
        "document.addEventListener('examhall:sitting', ({ detail }) => (window.states ??= []).push(detail.now))"
    )
    page.route(f"{house.url}/", hold)
    with page.expect_response(lambda response: response.url == f"{house.url}/"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(500)
    page.wait_for_timeout(500)
    assert 'data-state="writing"' in held[0]
    assert page.evaluate(IS_LOCKED)
    assert set(page.evaluate("window.states")) == {"paused"}
    expect(page.get_by_text("An invigilator has paused your test")).to_be_visible()


@pytest.mark.nightly
def test_r28_a_pause_that_is_over_before_the_page_has_asked_leaves_it_open(house: House, desks: Desks) -> None:
    """Paused and undone within a second: the page hears of it by a refusal only."""
    exam = house.exam()
    desk = desks.desk(house)
    desk.expects(*CUT, "409")
    desk.page.route("**/stream", lambda route: route.abort())
    desk.page.route("**/inbox/new", lambda route: route.abort())
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{exam.id}")
    answer, state = page.get_by_role("textbox", name="Answer to question 1"), page.locator("[data-save-state]")
    resumed: list[bool] = []

    def resume(route: Route) -> None:
        if not resumed:
            change(house, exam, paused_at=None)
        resumed.append(True)
        route.continue_()

    page.route(f"{house.url}/", resume)
    with page.expect_response(lambda response: response.status == 409):
        answer.fill("typed at that moment")
        change(house, exam, paused_at=utcnow())
    while not resumed:  # until it asks, the page may not have closed yet
        page.wait_for_timeout(20)
    expect(answer).to_be_editable()
    expect(state).to_have_attribute("data-state", "saved")
    page.keyboard.type(", and after it")
    expect(answer).to_have_value("typed at that moment, and after it")


@pytest.mark.parametrize("width", [390, *at_night(1440)])
def test_r11_the_line_stays_where_it_is_when_the_words_above_change(house: House, desks: Desks, width: int) -> None:
    exam = house.exam(starts_at=utcnow() - timedelta(hours=1))
    test_id = exam.id
    with writing(house.session):
        house.session.add_all(Question(test_id=test_id, position=place) for place in (2, 3))
    desk = desks.desk(house, viewport={"width": width, "height": 800})
    page = desk.sign_in_unseen(house.candidate(exam), f"/tests/{test_id}")
    is_live(page)
    answer = page.get_by_role("textbox", name="Answer to question 1")
    answer.click()
    page.keyboard.type("Some words")
    before = answer.bounding_box()
    assert before
    exam = house.session.get_one(Exam, test_id)
    said = page.locator("[data-countdown-word]")

    def stays(words: str) -> None:
        expect(said).to_contain_text(words)
        after = answer.bounding_box()
        assert after
        assert abs(after["y"] - before["y"]) <= 1, words

    change(house, exam, paused_at=utcnow())
    stays("paused")
    change(house, exam, paused_at=None, extra_minutes=15)
    stays("continues")
    change(house, exam, incident_minutes=7)
    stays("Time left")
    with writing(house.session):
        house.session.get_one(Exam, test_id).ends_at = utcnow() - timedelta(minutes=21, seconds=57)
    stays("Time left: 0:0")
    stays("Your time is up")
