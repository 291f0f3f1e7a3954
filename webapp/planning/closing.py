"""Tests end: by hand, or some hours after their last own end; and are opened again by hand (R26). All is logged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webapp.db.transactions import writing
from webapp.logbook.append import Actor, append, lock_head, write_subjects
from webapp.models import Candidacy, Test, User
from webapp.models.status import own_end
from webapp.planning.refusals import NoSuchTest, TestStateUnchanged
from webapp.text.normalization import normalize

CLOSED = "test.closed"
REOPENED = "test.reopened"
COMMAND_LINE = Actor(None, "command line", "")
"""Somebody who runs commands on the server; nobody is signed in there."""
TIMER = Actor(None, "automatic", "")
"""The server itself, when a test has been over for long enough."""


def find_test(session: Session, title: str, day: date) -> Test:
    """The test that a roster knows by its title and local start date.

    Raises `NoSuchTest`, which names the tests with this title and those of this day.
    """
    title = normalize(title)
    test = session.scalar(select(Test).where(Test.title == title, Test.start_date == day))
    if test is None:
        near = select(Test.title, Test.start_date).where(or_(Test.title == title, Test.start_date == day))
        rows = session.execute(near.order_by(Test.start_date.desc(), Test.title).limit(NoSuchTest.MOST_NAMED))
        raise NoSuchTest(title, day, [(row.title, row.start_date) for row in rows])
    return test


def close_test(session: Session, title: str, day: date, *, now: datetime) -> Test:
    """Close a test for grading. Raises `NoSuchTest`, and `TestStateUnchanged` if it is closed already."""
    test_id = find_test(session, title, day).id
    test = _change(session, test_id, COMMAND_LINE, CLOSED, now)
    if test is None:
        raise TestStateUnchanged("is closed already")
    return test


def reopen_test(session: Session, title: str, day: date, *, now: datetime) -> Test:
    """Open a closed test to staff and candidates again. Raises `NoSuchTest`, and `TestStateUnchanged` if it is open."""
    test_id = find_test(session, title, day).id
    test = _change(session, test_id, COMMAND_LINE, REOPENED, now)
    if test is None:
        raise TestStateUnchanged("is open already")
    return test


def close_ended_tests(session: Session, *, now: datetime, after: timedelta) -> Sequence[Test]:
    """Close every test whose last own end, and whose last reopening, is longer ago than `after`; gives those closed.

    Each is closed by a transaction of its own. Several processes may try at once: one of them closes it.
    """
    closed = (_change(session, test_id, TIMER, CLOSED, now) for test_id in ended_tests(session, now - after))
    return [test for test in closed if test is not None]


def ended_tests(session: Session, moment: datetime) -> Sequence[int]:
    """The ids of the tests not closed in which nobody had time left at `moment`."""
    has_time = select(Candidacy.id).where(Candidacy.test_id == Test.id, own_end() > moment)
    query = select(Test.id).where(
        Test.closed_at.is_(None),
        Test.ends_at <= moment,  # nobody has less time: most tests need no look at their candidacies
        or_(Test.reopened_at.is_(None), Test.reopened_at <= moment),
        ~has_time.correlate(Test).exists(),
    )
    return session.scalars(query.order_by(Test.id)).all()


def _change(session: Session, test_id: int, actor: Actor, action: str, now: datetime) -> Test | None:
    """Close or reopen a test and write the log entry with all its candidacies; None if it is so already."""
    with writing(session, keep=True):
        head = lock_head(session)
        test = session.get_one(Test, test_id, with_for_update=True)
        if (test.closed_at is None) is (action == REOPENED):
            return None
        if action == CLOSED:
            test.closed_at = now
        else:
            test.closed_at, test.reopened_at = None, now
        session.flush()
        candidacies = (
            select(Candidacy.id)
            .join(Test, Test.id == Candidacy.test_id)
            .join(User, User.id == Candidacy.user_id)
            .where(Candidacy.test_id == test_id)
        )
        append(
            session,
            head,
            at=now,
            actor=actor,
            action=action,
            detail={"test": test.title, "date": f"{test.start_date}"},
            subjects=write_subjects(session, head, candidacies),
        )
    return test
