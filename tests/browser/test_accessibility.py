"""axe finds nothing on any page and in any state: light, dark, in forced colors. The monitor has a file of its own."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.axe import Clean
from tests.browser.house import CUT, Desks, House, is_live, notice
from tests.browser.test_time import change
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Answer, Candidacy, Question, Role
from webapp.models import Test as Exam

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def test_signing_in(house: House, desks: Desks, clean: Clean) -> None:
    ada = house.candidate(house.exam())
    desk = desks.desk(house)
    desk.expects("422", "429")
    page = desk.goto("/login")
    clean(page, "sign-in")
    page.get_by_role("button", name="Show password").click()
    for attempt in range(11 if clean.in_all_schemes else 1):
        page.get_by_label("Username").fill(ada.username)
        page.get_by_label("Password", exact=True).fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("Wrong username" if attempt < 10 else "Too many tries")
        if attempt == 0:
            clean(page, "sign-in, refused")
    if clean.in_all_schemes:
        expect(page.locator("[data-wait-left]")).to_be_visible()
        clean(page, "sign-in, too many tries")


@pytest.mark.nightly
def test_a_candidates_pages_beside_the_exam(house: House, desks: Desks, clean: Clean) -> None:
    exam, early, over = house.exam(), house.exam("Law", starts_at=utcnow() + timedelta(minutes=30)), house.exam("Logic")
    ada = house.candidate(exam, seat="1E")
    house.hall.candidacy(early, ada, started_at=None)
    house.hall.candidacy(over, ada, withdrawn_at=utcnow())
    ines = house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    desk.expects("404")
    page = desk.sign_in_unseen(ada, "/")
    expect(page.locator("[data-starts-in]").first).to_contain_text("Starts in")
    clean(page, "dashboard, no message")
    desk.goto("/inbox")
    clean.at_night(page, "message center, empty")
    for subject in ("First", "Second", "Third"):
        ines.send(subject, scope="filtered")
    desk.goto("/")
    expect(notice(page, "Third")).to_be_visible()
    clean(page, "dashboard, with notices")
    desk.goto("/inbox")
    clean(page, "message center")
    desk.goto("/tests/999999")
    clean.at_night(page, "not found, for a candidate")
    page.set_viewport_size({"width": 390, "height": 844})
    desk.goto("/")
    clean.at_night(page, "dashboard, narrow")


def test_the_exam_and_its_messages(house: House, desks: Desks, clean: Clean) -> None:
    exam = house.exam(starts_at=utcnow() + timedelta(minutes=30), ends_at=utcnow() + timedelta(hours=2))
    test_id = exam.id
    with writing(house.session):
        house.session.add(Question(test_id=test_id, position=2, prompt="And when?"))
    ada, ines = house.candidate(exam, started_at=None, seat="1E"), house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    page = desk.sign_in_unseen(ada, f"/tests/{test_id}")
    clean.at_night(page, "exam, early")
    with writing(house.session):
        house.session.get_one(Exam, test_id).starts_at = utcnow() - timedelta(minutes=1)
    page.get_by_role("button", name="Start the test").click()
    is_live(page)
    clean(page, "exam")
    ines.send("One", scope="filtered")
    expect(notice(page, "One")).to_be_visible()
    for subject in ("Two", "Three"):
        ines.send(subject, scope="filtered")
        expect(notice(page, subject)).to_be_visible()
    clean(page, "exam, three notices")
    page.get_by_role("button", name="2 more messages").click()
    clean.at_night(page, "exam, three notices open")
    page.get_by_role("button", name=re.compile("Messages.* 3")).click()
    expect(page.get_by_role("complementary", name="Message center")).to_be_visible()
    clean(page, "exam, with the message center")
    page.keyboard.press("Escape")
    page.locator("details.account > summary").click()
    page.get_by_text("Sign out…").click()
    clean.at_night(page, "exam, with the menu")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 440})
    clean.at_night(page, "exam, in a low window")


@pytest.mark.nightly
def test_the_exam_when_something_comes_between(house: House, desks: Desks, clean: Clean) -> None:
    """A second window, no network, a pause, the end, and the submission."""
    exam = house.exam()
    test_id = exam.id
    desk = desks.desk(house)
    desk.expects(*CUT, "409")
    page = desk.sign_in_unseen(house.candidate(exam, seat="1E"), f"/tests/{test_id}")
    is_live(page)
    answer = page.get_by_role("textbox", name="Answer to question 1")
    answer.fill("first")
    expect(page.locator("[data-save-state]").first).to_have_attribute("data-state", "saved")
    with writing(house.session):
        stored = house.session.query(Answer).order_by(Answer.id.desc()).first()
        assert stored
        stored.text, stored.saved_at = "from elsewhere", utcnow()
    answer.fill("typed here")
    page.get_by_role("button", name="Keep what I typed here").wait_for()
    clean(page, "exam, changed elsewhere")
    page.get_by_role("button", name="Keep what I typed here").click()
    expect(page.locator("[data-save-state]").first).to_have_attribute("data-state", "saved")
    desk.context.set_offline(True)
    answer.fill("without a network")
    expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", "lost")
    clean.at_night(page, "exam, without a network")
    desk.context.set_offline(False)
    is_live(page)
    expect(page.locator("[data-save-state]").first).to_have_attribute("data-state", "saved")
    change(house, house.session.get_one(Exam, test_id), paused_at=utcnow())
    expect(page.get_by_text("An invigilator has paused your test")).to_be_visible()
    clean(page, "paused")
    change(house, house.session.get_one(Exam, test_id), paused_at=None)
    expect(answer).to_be_editable()
    with writing(house.session):
        house.session.get_one(Exam, test_id).ends_at = utcnow()
    expect(page.get_by_role("timer")).to_have_text("Time is up")
    clean.at_night(page, "time is up")
    desk.goto(f"/tests/{test_id}?confirm=submit")
    clean.at_night(page, "submit?")
    page.get_by_role("button", name="Submit now").click()
    expect(page.get_by_text("What happens next")).to_be_visible()
    clean(page, "submitted")
    assert house.fresh().query(Candidacy).filter_by(test_id=test_id).one().submitted_at


def test_the_log_and_the_pages_of_their_own(house: House, desks: Desks, clean: Clean) -> None:
    exam, other = house.exam(), house.exam("Law")
    house.hall.candidacies(exam, 3)
    ada = house.candidacies_of(exam)[0].id
    chief = house.invigilator(exam, role=Role.CHIEF_INVIGILATOR)
    sent = house.over_http(chief).send("Logged", scope="filtered").headers["Location"]
    desk = desks.desk(house)
    desk.expects("40[034]")
    page = desk.sign_in_unseen(chief, "/log")
    page.get_by_text("Filter", exact=True).click()
    clean(page, "log, with its filter")
    by_day = (
        "/log/" + sent.rpartition("/")[2],
        "/messages",
        sent,
        f"/monitor/candidates/{ada}",
        f"/incidents/new?candidate={ada}",
    )
    at_night = (
        "/messages/new?scope=filtered",
        "/monitor?colour=red",
        f"/candidates/actions/new?action=note&candidate={ada}",
        "/log?text=nothing-like-this",
        "/messages?page=2",
        "/log/print",
        "/messages/new?scope=filtered&q=nobody-at-all",
        "/monitor/print",
        "/monitor/views?room=Room+1",
        "/monitor/filters/times",
        f"/monitor/candidates/{ada}/password",
        "/nowhere",
    )
    for path in (*by_day, *(at_night if clean.in_all_schemes else ())):
        desk.goto(path)
        clean(page, path)
    stranger = desks.desk(house)
    stranger.expects("403")
    closed = stranger.sign_in_unseen(house.candidate(other), "/monitor")
    clean(closed, "not allowed")
    waiting = house.exam("Later", starts_at=utcnow() + timedelta(days=1))
    early = desks.desk(house)
    early.expects("403")
    clean(early.sign_in_unseen(house.invigilator(waiting), "/monitor"), "no test open")
