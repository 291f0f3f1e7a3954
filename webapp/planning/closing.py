"""Closing tests, by hand or some hours after their last own end, and opening them again. All of it is logged."""

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from webapp.accounts.users import COMMAND_LINE
from webapp.db.transactions import writing
from webapp.exceptions import NotFound
from webapp.help_requests.asking import end_with_test
from webapp.logbook.append import Actor, append, lock_head, write_subjects
from webapp.models import Candidacy, Test
from webapp.models.status import own_end
from webapp.text.normalization import normalize

TIMER = Actor(None, "automatic", "")
"""The server itself, when a test has been over for long enough."""


def find_test(session: Session, title: str, day: date) -> Test:
    """The test that a roster knows by its title and local start date.

    Raises `NotFound`, which names the tests with this title and those of this day.
    """
    title = normalize(title)
    alike = Test.title == title, Test.start_date == day
    test = session.scalar(select(Test).where(*alike))
    if test is None:
        query = select(Test).where(or_(*alike)).order_by(Test.start_date.desc(), Test.title).limit(10)
        near = "".join(f"\n  {test.title} --date {test.start_date}" for test in session.scalars(query))
        hint = f"Similar tests:{near}" if near else "No test has this title, and none starts on this day."
        raise NotFound(f"There is no test “{title}” that starts on {day}. {hint}")
    return test


def set_closed(session: Session, title: str, day: date, *, closed: bool, now: datetime) -> Test | None:
    """Close a test for grading, or open it again to staff and candidates; None if it is so already.

    Raises `NotFound`.
    """
    test = find_test(session, title, day)
    condition = Test.closed_at.is_(None) if closed else Test.closed_at.is_not(None)
    return _change(session, test.id, COMMAND_LINE, condition, now, closed=closed)


def close_ended_tests(session: Session, *, now: datetime, after: timedelta) -> list[Test]:
    """Close the tests whose last own end and last reopening are at least `after` ago; returns those closed here.

    Each is closed in a transaction of its own. Several processes may try at once: one of them closes it.
    """
    moment = now - after
    has_time = select(Candidacy.id).where(Candidacy.test_id == Test.id, own_end() > moment).correlate(Test)
    has_ended = and_(
        Test.closed_at.is_(None),
        Test.ends_at <= moment,  # nobody has less time, so the candidacies of most tests need not be read
        or_(Test.reopened_at.is_(None), Test.reopened_at <= moment),
        ~has_time.exists(),
    )
    test_ids = session.scalars(select(Test.id).where(has_ended).order_by(Test.id)).all()
    tests = [_change(session, test_id, TIMER, has_ended, now, closed=True) for test_id in test_ids]
    return [test for test in tests if test is not None]


def _change(
    session: Session, test_id: int, actor: Actor, condition: ColumnElement[bool], now: datetime, *, closed: bool
) -> Test | None:
    """Close or reopen a test and log it with all its candidacies; None if the condition does not hold.

    The condition is checked once the test is locked: it may have been changed since it was found.
    """
    with writing(session, keep=True):
        head = lock_head(session)
        test = session.get_one(Test, test_id, with_for_update=True)
        if session.scalar(select(Test.id).where(Test.id == test_id, condition)) is None:
            return None
        test.closed_at = now if closed else None
        if closed:
            end_with_test(session, test_id, now)
        else:
            test.reopened_at = now
        session.flush()
        candidacies = select(Candidacy.id).join(Candidacy.test).join(Candidacy.user)
        subjects = write_subjects(session, head, candidacies.where(Candidacy.test_id == test_id))
        action = "test.closed" if closed else "test.reopened"
        detail = {"test": test.title, "date": f"{test.start_date}"}
        append(session, head, at=now, actor=actor, action=action, detail=detail, subjects=subjects)
    return test
