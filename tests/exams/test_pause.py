"""R28: while paused no answer is taken, and what was typed until then is saved first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.exams.rows import browser_of
from tests.exams.test_saving_at_once import ROUNDS, Sitting
from tests.hall import Hall
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.exams import answers
from webapp.exams.answers import ChangedElsewhere
from webapp.exams.sittings import GRACE, NotNow
from webapp.models import Candidacy, User
from webapp.models import Test as Exam

SECOND = timedelta(seconds=1)
EARLIER = timedelta(minutes=5)
KNOWN_OR_NOT = pytest.mark.parametrize("knows", [True, False], ids=["known version", "no version"])
"""With the version of its page, a save is one conditional statement; without, the sitting is read."""


@pytest.fixture
def sitting(app: Flask, hall: Hall, session: Session) -> Sitting:
    """One candidate who writes, with an answer stored."""
    found = Sitting(app, hall)
    session.rollback()
    return found


def change(session: Session, model: type = Candidacy, **fields: datetime | None) -> None:
    """Change every row: there is one test, and one other candidate in it."""
    with writing(session):
        session.execute(update(model).values(fields))


@KNOWN_OR_NOT
def test_r28_a_pause_takes_what_was_typed_until_then_and_nothing_else(
    sitting: Sitting, session: Session, *, knows: bool
) -> None:
    base = sitting.base if knows else None
    change(session, paused_at=utcnow())
    with pytest.raises(NotNow):
        sitting.save("typed in the pause", base)
    assert sitting.close(base).text == sitting.stored()[0] == "typed until the pause"
    change(session, paused_at=None)
    base = sitting.close(base).version if knows else None
    assert sitting.save("typed after it", base).text == sitting.stored()[0]


@pytest.mark.thorough
@KNOWN_OR_NOT
@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Candidacy, lambda: {"paused_at": utcnow() - GRACE - SECOND}),
        (Candidacy, lambda: {"paused_at": utcnow(), "submitted_at": utcnow()}),
        (Candidacy, lambda: {"paused_at": utcnow(), "withdrawn_at": utcnow()}),
        (Candidacy, lambda: {"paused_at": utcnow(), "started_at": None}),
        (Candidacy, lambda: {"submitted_at": utcnow()}),
        (Exam, lambda: {"closed_at": utcnow()}),
        (Exam, lambda: {"ends_at": utcnow() - GRACE - SECOND}),
    ],
    ids=["paused long ago", "submitted", "withdrawn", "not started", "submitted, not paused", "closed", "over"],
)
def test_r28_a_closing_save_opens_nothing_else(
    sitting: Sitting, session: Session, model: type, fields: Callable[[], dict[str, Any]], *, knows: bool
) -> None:
    change(session, paused_at=utcnow())
    change(session, model, **fields())
    with pytest.raises(NotNow):
        sitting.close(sitting.base if knows else None)
    assert sitting.stored()[0] == "first"


def test_r28_it_is_taken_at_the_end_of_the_time_too(sitting: Sitting, session: Session) -> None:
    change(session, Exam, ends_at=utcnow() - SECOND)
    change(session, paused_at=utcnow() - 2 * SECOND)
    assert sitting.close(sitting.base).text == sitting.stored()[0]


@KNOWN_OR_NOT
@pytest.mark.parametrize("closing", [True, False], ids=["closing", "plain"])
def test_r28_a_save_that_waits_for_a_pause_is_taken_only_if_it_closes(
    sitting: Sitting, session: Session, *, closing: bool, knows: bool
) -> None:
    """It was sent before, and waits for the row: what counts is how that is by then."""
    with ThreadPoolExecutor(1) as tab:
        with writing(session):
            session.execute(update(Candidacy).values(paused_at=utcnow()))
            base = sitting.base if knows else None
            late: Future[answers.SavedAnswer] = tab.submit(sitting.save, "waited", base, closing=closing)
            with pytest.raises(TimeoutError):
                late.result(timeout=0.5)
        error = late.exception(timeout=10)
    assert error is None if closing else isinstance(error, NotNow)
    assert sitting.stored()[0] == ("waited" if closing else "first")


@pytest.mark.parametrize("field", ["submitted_at", "withdrawn_at", "started_at"])
def test_r28_a_closing_save_that_waits_for_more_than_a_pause_comes_too_late(
    sitting: Sitting, session: Session, field: str
) -> None:
    change(session, paused_at=utcnow())
    with ThreadPoolExecutor(1) as tab:
        with writing(session):
            session.execute(update(Candidacy).values({field: None if field == "started_at" else utcnow()}))
            late = tab.submit(sitting.close, sitting.base)
            with pytest.raises(TimeoutError):
                late.result(timeout=0.5)
        assert isinstance(late.exception(timeout=10), NotNow)
    assert sitting.stored()[0] == "first"


def test_r28_saves_and_a_pause_at_once_leave_the_last_that_was_confirmed(sitting: Sitting, session: Session) -> None:
    """Nothing that was confirmed is lost, and nothing that was refused is there."""

    def write() -> str:
        said, base = "first", sitting.base
        for number in range(10 * ROUNDS):
            try:
                saved = sitting.save(f"text {number}", base)
            except NotNow:
                return sitting.close(base).text
            said, base = saved.text, saved.version
        return said

    with ThreadPoolExecutor(1) as tab:
        writer = tab.submit(write)
        change(session, paused_at=utcnow())
        confirmed = writer.result()
    assert sitting.stored()[0] == confirmed == "typed until the pause"


def test_r28_of_two_tabs_that_close_one_saves_and_the_other_is_told(sitting: Sitting, session: Session) -> None:
    change(session, paused_at=utcnow())
    with ThreadPoolExecutor(2) as tabs:
        saves = [tabs.submit(sitting.save, name, sitting.base, closing=True) for name in ("left", "right")]
        refused = [save for save in saves if isinstance(save.exception(), ChangedElsewhere)]
    assert len(refused) == 1
    (kept,) = (save.result() for save in saves if save not in refused)
    assert sitting.stored()[0] == kept.text


def test_r28_over_http(app: Flask, sitting: Sitting, session: Session) -> None:
    """A plain save while paused is 409, a closing one within the grace is taken, another value is 400."""
    client = browser_of(app, session.get_one(User, sitting.user_id))
    address = f"/tests/{sitting.test_id}/answers/{sitting.question_id}"
    change(session, paused_at=utcnow())

    def status(**form: object) -> int:
        return client.post(address, data={"text": "last words", **form}, headers={"HX-Request": "true"}).status_code

    assert (status(base=sitting.base), status()) == (409, 409)
    assert status(base=sitting.base, closing="now") == 400
    assert status(base=sitting.base, closing="") == 400
    assert sitting.stored()[0] == "first"
    assert status(base=sitting.base, closing="pause") == 200
    assert sitting.stored()[0] == "last words"
    change(session, paused_at=utcnow() - EARLIER)
    assert status(closing="pause") == 409
