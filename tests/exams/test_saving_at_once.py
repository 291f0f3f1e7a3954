"""The save that finds what its page knows reads nothing first: it must see what others do at the same time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.exams.rows import browser_of, question_of, session_of
from tests.hall import Hall
from tests.statements import statements
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.db.types import EPOCH, MICROSECOND, microseconds
from webapp.exams import answers, sittings
from webapp.exams.answers import ChangedElsewhere
from webapp.exams.sittings import GRACE, NotNow
from webapp.exceptions import NotFound, SessionEnded
from webapp.extensions import db
from webapp.models import Answer, Candidacy, EndedSession, Question, User
from webapp.models import Test as Exam

ROUNDS = 20
WRITES = {"sqlite": [["UPDATE", "answer"], ["UPDATE", "candidacy"]], "postgresql": [["WITH", "replaced"]]}
"""The statements of a save over the version of its page; on PostgreSQL both updates are one, and its transaction."""


class Sitting:
    """One candidate in a running test, with an answer stored; each call has a session of its own, as a request has."""

    def __init__(self, app: Flask, hall: Hall) -> None:
        self.app = app
        test = hall.test()
        hall.candidacy(test, started_at=utcnow())  # somebody else, who must not be meant
        candidacy = hall.candidacy(test, started_at=utcnow())
        self.user_id, self.test_id, self.candidacy_id = candidacy.user_id, candidacy.test_id, candidacy.id
        self.question_id = question_of(hall, self.test_id)
        self.address = f"/tests/{self.test_id}/answers/{self.question_id}"
        self.base = self.save("first", 0).version

    def save(self, text: str, base: int | None, *, closing: bool = False) -> answers.SavedAnswer:
        with self.app.app_context():
            where = session_of(self.user_id), self.test_id, self.question_id
            return answers.save(db.session(), *where, typed=text, now=utcnow(), base=base, closing=closing)

    def close(self, base: int | None) -> answers.SavedAnswer:
        return self.save("typed until the pause", base, closing=True)

    def submit(self) -> None:
        with self.app.app_context():
            sittings.submit(db.session(), self.user_id, self.test_id, utcnow())

    def stored(self) -> tuple[str, datetime]:
        with self.app.app_context():
            one = db.session.execute(
                select(Answer.text, Answer.saved_at, Candidacy.saved_at.label("noted"))
                .join(Candidacy, Candidacy.id == Answer.candidacy_id)
                .where(Answer.candidacy_id == self.candidacy_id, Answer.question_id == self.question_id)
            ).one()
        assert one.saved_at == one.noted  # what the monitor shows is when the answer was saved
        return one.text, one.saved_at


def kinds(made: list[str]) -> list[list[str]]:
    """What each statement does to which table."""
    return [statement.split()[:2] for statement in made]


@pytest.fixture
def sitting(app: Flask, hall: Hall, session: Session) -> Sitting:
    found = Sitting(app, hall)
    session.rollback()
    return found


def test_of_two_tabs_one_saves_and_the_other_is_told(sitting: Sitting) -> None:
    with ThreadPoolExecutor(2) as tabs:
        for number in range(ROUNDS):
            saves = [tabs.submit(sitting.save, f"{tab} {number}", sitting.base) for tab in ("left", "right")]
            refused = [save for save in saves if isinstance(save.exception(), ChangedElsewhere)]
            assert len(refused) == 1, [save.exception() for save in saves]
            (kept,) = (save.result() for save in saves if save not in refused)
            assert sitting.stored() == (kept.text, kept.saved_at)
            sitting.base = kept.version


def test_a_save_that_waits_for_a_submission_comes_too_late(sitting: Sitting, session: Session) -> None:
    """It was sent before, and waits for the row: what counts is how that is by then."""
    with ThreadPoolExecutor(1) as tab:
        with writing(session):
            submitted = update(Candidacy).values(submitted_at=utcnow())
            session.execute(submitted)
            late: Future[answers.SavedAnswer] = tab.submit(sitting.save, "too late", sitting.base)
            with pytest.raises(TimeoutError):
                late.result(timeout=0.5)
        assert isinstance(late.exception(timeout=10), NotNow)
    assert sitting.stored()[0] == "first"


@pytest.mark.parametrize("is_fast", [True, False], ids=["known version", "other version"])
@pytest.mark.parametrize("changed", [Exam.closed_at, Exam.ends_at], ids=["closed", "over"])
def test_a_save_that_waits_for_the_end_of_its_test_comes_too_late(
    sitting: Sitting, session: Session, changed: Any, *, is_fast: bool
) -> None:
    """Closing locks all candidacies of the test: a save that waited for it must see the test as it is by then, too."""
    with ThreadPoolExecutor(1) as tab:
        with writing(session):
            session.execute(update(Exam).values({changed: utcnow() - timedelta(minutes=1)}))
            late: Future[answers.SavedAnswer] = tab.submit(sitting.save, "too late", sitting.base - (not is_fast))
            with pytest.raises(TimeoutError):
                late.result(timeout=0.5)
        assert isinstance(late.exception(timeout=10), NotNow)
    assert sitting.stored()[0] == "first"


def test_a_save_that_waits_for_something_else_is_stored_as_any_other(sitting: Sitting, session: Session) -> None:
    """Presence, for one: it writes the same row, but nothing that a save depends on."""
    with ThreadPoolExecutor(1) as tab:
        with writing(session):
            session.execute(update(Candidacy).values(last_seen=utcnow()))
            late: Future[answers.SavedAnswer] = tab.submit(sitting.save, "second", sitting.base)
            with pytest.raises(TimeoutError):
                late.result(timeout=0.5)
        saved = late.result(timeout=10)
    assert sitting.stored() == ("second", saved.saved_at)
    assert session.scalars(select(Candidacy.last_seen).where(Candidacy.id == sitting.candidacy_id)).one()


def test_a_submission_that_waits_for_the_first_word_is_not_blank(sitting: Sitting, session: Session) -> None:
    """The save was sent before: its answer is there when the submission looks."""
    sitting.save(" ", sitting.base)
    with ThreadPoolExecutor(1) as tab:
        with writing(session):
            session.execute(update(Candidacy).values(saved_at=utcnow()))
            session.execute(update(Answer).values(text="a word"))
            waiting = tab.submit(sitting.submit)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
        waiting.result(timeout=10)
    own = select(Candidacy.blank).where(Candidacy.id == sitting.candidacy_id)
    assert session.scalars(own).one() is False


def test_saves_and_a_submission_at_once_leave_the_last_that_was_confirmed(sitting: Sitting) -> None:
    def write() -> str:
        said, base = "first", sitting.base
        for number in range(10 * ROUNDS):
            try:
                saved = sitting.save(f"text {number}", base)
            except NotNow:
                break
            said, base = saved.text, saved.version
        return said

    with ThreadPoolExecutor(2) as tabs:
        writer = tabs.submit(write)
        tabs.submit(sitting.submit).result()
        confirmed = writer.result()
    assert sitting.stored()[0] == confirmed


def test_a_save_over_the_version_of_its_page_reads_nothing_first(sitting: Sitting, session: Session) -> None:
    with statements(sitting.app) as made:
        sitting.save("next", sitting.base)
    assert kinds(made) == WRITES[session.get_bind().dialect.name]


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize(("late", "is_alone"), [(8, True), (11, False)])
def test_a_statement_that_comes_late_by_itself_stores_nothing(sitting: Sitting, *, late: int, is_alone: bool) -> None:
    """After twelve seconds its request is given up; the database, if it stood still, would go on with it."""
    with sitting.app.app_context(), statements(sitting.app) as made:
        where = session_of(sitting.user_id), sitting.test_id, sitting.question_id
        began = utcnow() - timedelta(seconds=late)
        answers.save(db.session(), *where, typed="next", now=began, base=sitting.base)
    assert made[0].startswith("WITH replaced")
    assert (len(made) == 1) == is_alone


def test_the_request_of_such_a_save_asks_for_nothing_else(app: Flask, sitting: Sitting, session: Session) -> None:
    """Not for the person either: the first statement checks the session."""
    client = browser_of(app, session.get_one(User, sitting.user_id))
    client.post("/ping")  # the first request starts the push, which reads where to go on
    with statements(app) as made:
        client.post(sitting.address, data={"text": "next", "base": sitting.base}, headers={"HX-Request": "true"})
    assert kinds(made) == WRITES[session.get_bind().dialect.name]
    assert sitting.stored()[0] == "next"


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Candidacy, {"paused_at": utcnow()}),
        (Candidacy, {"submitted_at": utcnow()}),
        (Candidacy, {"withdrawn_at": utcnow()}),
        (Candidacy, {"started_at": None}),
        (Exam, {"closed_at": utcnow()}),
        (Exam, {"ends_at": utcnow() - GRACE - timedelta(seconds=1)}),
    ],
    ids=["paused", "submitted", "withdrawn", "not started", "closed", "over"],
)
def test_the_version_that_the_page_knows_does_not_open_a_test(
    sitting: Sitting, session: Session, model: type, fields: dict[str, datetime | None]
) -> None:
    with writing(session):
        session.execute(update(model).values(fields))
    with pytest.raises(NotNow):
        sitting.save("refused", sitting.base)
    assert sitting.stored()[0] == "first"


def test_it_is_still_taken_shortly_after_the_end(sitting: Sitting, session: Session) -> None:
    with writing(session):
        session.execute(update(Exam).values(ends_at=utcnow() - GRACE / 2))
    assert sitting.save("typed before the end", sitting.base).text == sitting.stored()[0]


def test_only_the_question_of_this_test_and_person_is_written(sitting: Sitting, hall: Hall) -> None:
    """With a second question, a second test, and somebody else, all with an answer of the same moment."""
    with writing(hall.session):
        second = Question(test_id=sitting.test_id, position=2, prompt="And why not?")
        hall.session.add(second)
        hall.session.flush()
        saved_at = EPOCH + sitting.base * MICROSECOND
        hall.session.add(
            Answer(candidacy_id=sitting.candidacy_id, question_id=second.id, text="second", saved_at=saved_at)
        )
        person = hall.session.get_one(Candidacy, sitting.candidacy_id).user_id
    other = hall.candidacy(hall.test("Latin"), hall.session.get_one(User, person), started_at=utcnow())
    sitting.save("changed", sitting.base)
    texts = hall.session.scalars(select(Answer.text).order_by(Answer.question_id)).all()
    assert texts == ["changed", "second"]
    noted = select(Candidacy.id).where(Candidacy.saved_at.is_not(None))
    assert hall.session.scalars(noted).all() == [sitting.candidacy_id]
    sitting.test_id = other.test_id
    with pytest.raises(NotFound):
        sitting.save("to another test", microseconds(sitting.stored()[1]))
    assert sitting.stored()[0] == "changed"


def test_the_same_text_again_is_not_a_new_version(sitting: Sitting) -> None:
    assert sitting.save("first", sitting.base).version == sitting.base


@pytest.mark.parametrize("base", ["known", 0, 1, None])
def test_an_ended_session_is_refused_in_the_transaction(sitting: Sitting, session: Session, base: Any) -> None:
    """It may end after the request was let in: with the version that the page knows, another one, and without."""
    with writing(session):
        session.execute(update(User).where(User.id == sitting.user_id).values(epoch=1))
    with pytest.raises(SessionEnded):
        sitting.save("second", sitting.base if base == "known" else base)
    assert sitting.stored()[0] == "first"


@pytest.mark.parametrize("ended", ["signed out", "new password"])
def test_a_session_that_has_ended_writes_nothing(app: Flask, sitting: Sitting, session: Session, ended: str) -> None:
    """R6: with the version that the page knows, and without; the refusal is a sign-in, whatever else is wrong."""
    client = browser_of(app, session.get_one(User, sitting.user_id))
    with client.session_transaction() as signed:
        signed["sid"] = "hers"
    address, as_script = sitting.address, {"HX-Request": "true"}
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie
    with writing(session):
        session.add(EndedSession(user_id=sitting.user_id, session_id="another one's", at=utcnow()))
    saved = client.post(address, data={"text": "second", "base": sitting.base}, headers=as_script)
    assert (saved.status_code, sitting.stored()[0]) == (200, "second")
    base = microseconds(sitting.stored()[1])
    with writing(session):
        if ended == "signed out":
            session.add(EndedSession(user_id=sitting.user_id, session_id="hers", at=utcnow()))
        else:
            session.execute(update(User).where(User.id == sitting.user_id).values(epoch=1))
    forms: list[dict[str, Any]] = [{"text": "third", "base": base}, {"text": "third"}, {"text": "third", "base": 1}]
    forms += [{"base": base}, {"text": "third", "base": "x"}, {"text": "third", "closing": "x"}]
    for form in [*forms, {"text": "a\0", "base": base}]:
        answer = client.post(address, data=form, headers=as_script)
        assert (answer.status_code, sitting.stored()[0]) == (401, "second"), form
        assert "second" not in answer.text
        client.set_cookie(cookie.key, cookie.value)  # the response has emptied it


def test_whoever_saves_is_there(app: Flask, sitting: Sitting, hall: Hall, session: Session) -> None:
    """R21: a save is a sign of life, as every request is."""
    client = browser_of(app, session.get_one(User, sitting.user_id))
    recorder = app.extensions["examhall_push"].presence
    recorder.flush(session, utcnow())
    hall.seen(sitting.user_id, ago=timedelta(hours=1))
    form = {"text": "second", "base": sitting.base}
    client.post(sitting.address, data=form, headers={"HX-Request": "true"})
    assert sitting.stored()[0] == "second"
    recorder.flush(session, utcnow())
    seen = session.scalars(select(Candidacy.last_seen).where(Candidacy.user_id == sitting.user_id)).one()
    assert seen
    assert utcnow() - seen < timedelta(minutes=1)
