"""The two steps that a candidate takes in a test: start it, submit it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.db.transactions import writing
from webapp.exams.refusals import NotNow
from webapp.exams.sittings import State, own_sitting
from webapp.models import Answer, Question, Test
from webapp.text.normalization import is_blank

MAY_SUBMIT = frozenset({State.WRITING, State.TIME_UP})
"""Who was too late to submit may still do so until the test is closed; answers are no longer taken then."""


def start(session: Session, user_id: int, test_id: int, now: datetime) -> None:
    """Start an own test; starting it again changes nothing.

    Possible from the test's start to the candidate's own end; raises `NotNow` otherwise, `NotFound` if it is
    not theirs. A test without questions gets its one answer field here.
    """
    with writing(session):
        sitting = own_sitting(session, user_id, test_id, now, lock=True)
        if sitting.state is State.WRITING:
            return
        if sitting.state is not State.READY:
            raise NotNow(sitting)
        _have_a_question(session, test_id)
        sitting.candidacy.started_at = now
        sitting.candidacy.entered_at = sitting.candidacy.entered_at or now


def submit(session: Session, user_id: int, test_id: int, now: datetime) -> None:
    """Submit an own test; submitting it again changes nothing. Raises `NotNow` and `NotFound`.

    The candidacy is locked: an answer that is being saved is there before this looks, or not taken.
    """
    with writing(session):
        sitting = own_sitting(session, user_id, test_id, now, lock=True)
        if sitting.state is State.SUBMITTED:
            return
        if sitting.state not in MAY_SUBMIT:
            raise NotNow(sitting)
        given = session.scalars(select(Answer.text).where(Answer.candidacy_id == sitting.candidacy.id))
        sitting.candidacy.blank = all(map(is_blank, given))
        sitting.candidacy.submitted_at = now


def _have_a_question(session: Session, test_id: int) -> None:
    if session.scalar(select(Question.id).where(Question.test_id == test_id).limit(1)):
        return
    # two candidates who start in the same moment wait for each other here, and the second finds the question
    session.execute(select(Test.id).where(Test.id == test_id).with_for_update())
    if not session.scalar(select(Question.id).where(Question.test_id == test_id).limit(1)):
        session.add(Question(test_id=test_id, position=1, prompt=""))
