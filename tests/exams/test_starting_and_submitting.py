"""Starting and submitting a test: when it is possible, what it writes, that twice is once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from tests.exams.rows import browser_of, delivered, person_of, question_of, session_of
from tests.hall import Hall
from tests.until import until
from webapp.clock import utcnow
from webapp.db.transactions import WRITE, writing
from webapp.exams import answers, sittings
from webapp.exams.sittings import NotNow
from webapp.exceptions import NotFound
from webapp.extensions import db
from webapp.models import Candidacy, Question, User, status
from webapp.models import Test as Exam

MINUTE = timedelta(minutes=1)


def test_starting_notes_the_time_and_leads_to_the_page(app: Flask, hall: Hall, session: Session) -> None:
    test = hall.test()
    test_id = test.id
    candidacy = hall.candidacy(test, started_at=None, entered_at=None)
    number, client = candidacy.id, browser_of(app, person_of(hall, candidacy))
    answer = client.post(f"/tests/{test_id}/start")
    assert (answer.status_code, answer.location) == (303, f"/tests/{test_id}")
    session.rollback()
    kept = session.get_one(Candidacy, number)
    assert kept.started_at is not None
    assert kept.entered_at is not None
    first = kept.started_at
    assert client.post(f"/tests/{test_id}/start").status_code == 303
    session.rollback()
    assert session.get_one(Candidacy, number).started_at == first


def test_a_test_without_questions_gets_one_answer_field_once(app: Flask, hall: Hall, session: Session) -> None:
    test = hall.test()
    test_id = test.id
    for _ in range(2):
        candidacy = hall.candidacy(session.merge(test), started_at=None)
        sittings.start(session, candidacy.user_id, test_id, utcnow())
    assert session.scalar(select(func.count()).where(Question.test_id == test_id)) == 1
    page = browser_of(app, person_of(hall, candidacy)).get(f"/tests/{test_id}").text
    assert page.count("data-answer-text") == 1
    assert "Your answer" in page


@pytest.mark.only_on("postgresql")
def test_a_test_is_locked_before_its_candidacy_as_closing_locks_them(app: Flask, hall: Hall, session: Session) -> None:
    """A start that waited for the test while it holds its candidacy would end in a deadlock with closing."""
    candidacy = hall.candidacy(hall.test(), started_at=None)
    user_id, test_id = candidacy.user_id, candidacy.test_id
    session.rollback()

    def begin() -> None:
        with app.app_context():
            sittings.start(db.session(), user_id, test_id, utcnow())

    other = db.engine.connect().execution_options(**{WRITE: True})
    with ThreadPoolExecutor(1) as threads, other, other.begin():
        other.execute(select(Exam.id).with_for_update())
        started = threads.submit(begin)
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        until(lambda: started.done() or session.scalar(waiting))
        assert other.execute(select(Candidacy.id).with_for_update(nowait=True)).all()
    started.result()


@pytest.mark.one_database
def test_starting_is_refused_in_words(app: Flask, hall: Hall, session: Session) -> None:
    now = utcnow()
    cases: list[tuple[timedelta, dict[str, object], str]] = [
        (MINUTE, {}, "This test has not begun"),
        (timedelta(hours=-3, minutes=-1), {}, "has ended for you"),
        (-MINUTE, {"withdrawn_at": now}, "withdrawn"),
        (-MINUTE, {"started_at": now, "submitted_at": now}, "is submitted"),
        (-MINUTE, {"paused_at": now}, "paused"),
    ]
    for offset, fields, words in cases:
        test = hall.test(words, starts_at=now + offset)
        test_id = test.id
        candidacy = hall.candidacy(test, **{"started_at": None, **fields})
        number, before = candidacy.id, candidacy.started_at
        message = delivered(hall, candidacy)
        answer = browser_of(app, person_of(hall, session.get_one(Candidacy, number))).post(f"/tests/{test_id}/start")
        assert answer.status_code == 409, words
        assert words in answer.text
        assert f'id="message-{message}"' in answer.text, "trap 16: the notices stay on the page that refuses"
        session.rollback()
        assert session.get_one(Candidacy, number).started_at == before, words


def test_a_closed_test_cannot_be_started(hall: Hall, session: Session) -> None:
    test = hall.test(closed_at=utcnow())
    candidacy = hall.candidacy(test, started_at=None)
    with pytest.raises(NotNow):
        sittings.start(session, candidacy.user_id, test.id, utcnow())


def test_extra_time_lets_somebody_start_after_the_others_end(hall: Hall, session: Session) -> None:
    test = hall.test()
    test_id, ends_at = test.id, test.ends_at
    late, plain = hall.candidacy(test, started_at=None, extra_minutes=5), hall.candidacy(test, started_at=None)
    late_id, plain_id = late.user_id, plain.user_id
    sittings.start(session, late_id, test_id, ends_at + 4 * MINUTE)
    with pytest.raises(NotNow):
        sittings.start(session, plain_id, test_id, ends_at + 4 * MINUTE)


def test_submitting_asks_first_and_then_holds(app: Flask, hall: Hall, session: Session) -> None:
    test = hall.test()
    test_id = test.id
    question_of(hall, test_id)
    candidacy = hall.candidacy(test)
    number, client = candidacy.id, browser_of(app, person_of(hall, candidacy))
    confirm = client.get(f"/tests/{test_id}?confirm=submit").text
    assert "Submit now" in confirm
    assert "One answer is empty" in confirm
    session.rollback()
    assert session.get_one(Candidacy, number).submitted_at is None
    for _ in range(2):
        answer = client.post(f"/tests/{test_id}/submit")
        assert (answer.status_code, answer.location) == (303, f"/tests/{test_id}")
    page = client.get(f"/tests/{test_id}").text
    assert "Submitted" in page
    assert "<textarea" not in page


@pytest.mark.one_database
def test_r24_after_submission_the_page_confirms_it_without_the_questions(
    app: Flask, hall: Hall, session: Session
) -> None:
    """With how many answers there are, and a check code that changes with what is stored and with nothing else."""
    test_id = hall.test().id
    question_id = question_of(hall, test_id, "Name the seven secret gates")
    with writing(session):
        session.add(Question(test_id=test_id, position=2, prompt="And the eighth"))
    candidacy = hall.candidacy(session.get_one(Exam, test_id), number="D100005")
    number, user_id = candidacy.id, candidacy.user_id
    answers.save(session, session_of(user_id), test_id, question_id, typed="What was written", now=utcnow())
    client = browser_of(app, session.get_one(User, user_id))

    def code() -> str:
        page = client.get(f"/tests/{test_id}").text
        found = re.search(r"D100005</bdi> · ([2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4})<", page)
        assert found, page
        assert "secret" not in page
        assert "What was written" not in page
        assert "2 answers, 1 empty" in page
        assert "you may leave when the invigilator says so" in page
        return found[1]

    client.post(f"/tests/{test_id}/submit")
    first = code()
    assert code() == first
    for model in (Exam, Candidacy):  # closed, or submitted a second time
        with writing(session):
            name = "closed_at" if model is Exam else "submitted_at"
            session.execute(update(model).values({name: utcnow()}))
        assert (code() == first) is (model is Exam)
    with writing(session):
        session.execute(update(Candidacy).where(Candidacy.id == number).values(submitted_at=None))
        session.execute(update(Exam).values(closed_at=None))
    assert "secret gates" in client.get(f"/tests/{test_id}").text, "taken back, the page is the exam's again"


@pytest.mark.parametrize(
    "fields",
    [{"started_at": None}, {"paused_at": utcnow()}, {"withdrawn_at": utcnow()}],
    ids=["not started", "paused", "withdrawn"],
)
def test_submitting_is_refused(hall: Hall, session: Session, fields: dict[str, object]) -> None:
    test = hall.test()
    test_id = test.id
    candidacy = hall.candidacy(test, **fields)
    number, user_id = candidacy.id, candidacy.user_id
    with pytest.raises(NotNow):
        sittings.submit(session, user_id, test_id, utcnow())
    assert session.get_one(Candidacy, number).submitted_at is None


def test_who_was_too_late_may_still_submit(hall: Hall, session: Session) -> None:
    test = hall.test()
    test_id, ends_at = test.id, test.ends_at
    candidacy = hall.candidacy(test)
    number = candidacy.id
    sittings.submit(session, candidacy.user_id, test_id, ends_at + timedelta(hours=1))
    assert session.get_one(Candidacy, number).submitted_at == ends_at + timedelta(hours=1)


@pytest.mark.parametrize(("text", "expected"), [(" \n\t\r\n\u00a0", "blank"), (" x\n", "submitted"), (None, "blank")])
def test_blank_is_what_has_no_character_but_spaces(
    hall: Hall, session: Session, text: str | None, expected: str
) -> None:
    test = hall.test()
    test_id = test.id
    question_id = question_of(hall, test_id)
    candidacy = hall.candidacy(test)
    number, user_id = candidacy.id, candidacy.user_id
    if text is not None:
        answers.save(session, session_of(user_id), test_id, question_id, typed=text, now=utcnow())
    sittings.submit(session, user_id, test_id, utcnow())
    shown = session.scalar(select(status.progress()).where(Candidacy.id == number))
    assert shown == expected


@pytest.mark.one_database
def test_nobody_starts_or_submits_for_another(app: Flask, hall: Hall, session: Session) -> None:
    """R13: a stranger, a colleague who works in the test, and nobody at all."""
    test = hall.test()
    test_id = test.id
    candidacy = hall.candidacy(test, started_at=None)
    number = candidacy.id
    staff, stranger = hall.contributor(test), hall.candidacy(hall.test("Other"))
    clients = [browser_of(app, session.get_one(User, staff.id)), browser_of(app, person_of(hall, stranger))]
    for step in ("start", "submit"):
        assert [client.post(f"/tests/{test_id}/{step}").status_code for client in clients] == [404, 404]
        assert browser_of(app).post(f"/tests/{test_id}/{step}").status_code == 401
        assert clients[1].get(f"/tests/{test_id}/{step}").status_code == 405
    assert clients[1].get(f"/tests/{test_id}").status_code == 404
    session.rollback()
    kept = session.get_one(Candidacy, number)
    assert (kept.started_at, kept.submitted_at) == (None, None)
    with pytest.raises(NotFound):
        sittings.start(session, staff.id, test_id, utcnow())


def test_addresses_of_nothing_are_404(app: Flask, hall: Hall) -> None:
    client = browser_of(app, person_of(hall, hall.candidacy(hall.test())))
    for address in ("/tests/99999999999999999999999", "/tests/2147483647", "/tests/x", "/tests/-1"):
        assert client.get(address).status_code == 404, address


@pytest.mark.one_database
def test_an_unknown_question_to_the_page_is_400(app: Flask, hall: Hall) -> None:
    test = hall.test()
    test_id = test.id
    client = browser_of(app, person_of(hall, hall.candidacy(test)))
    assert client.get(f"/tests/{test_id}?confirm=everything").status_code == 400
