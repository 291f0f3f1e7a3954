"""Long absences during a test, noted when the candidate is back (R21)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall
from webapp.clock import utcnow
from webapp.exams.absences import note_returns
from webapp.models import Absence, Candidacy, SessionClaims, User
from webapp.models import Test as Exam
from webapp.push.hub import Hub
from webapp.push.presence import PresenceRecorder, Return

NOW = utcnow()
MINUTE = timedelta(minutes=1)


def absences(session: Session, one: Candidacy) -> list[tuple[datetime, datetime]]:
    session.rollback()
    noted = select(Absence.since, Absence.until).where(Absence.candidacy_id == one.id).order_by(Absence.since)
    return [(since, until) for since, until in session.execute(noted)]


def marked(session: Session, one: Candidacy) -> datetime | None:
    session.rollback()
    return session.scalar(select(Candidacy.back_at).where(Candidacy.id == one.id))


@pytest.fixture
def recorder() -> PresenceRecorder:
    return PresenceRecorder(Hub(0), on_return=note_returns)


@pytest.fixture
def running(hall: Hall) -> Exam:
    return hall.test(starts_at=NOW - timedelta(hours=1), ends_at=NOW + timedelta(hours=2))


@pytest.fixture
def user(hall: Hall) -> User:
    return hall.person()


def seen(recorder: PresenceRecorder, session: Session, *people: User, at: datetime = NOW) -> None:
    for person in people:
        recorder.seen(SessionClaims(person.id, person.epoch, "s"), at)
    recorder.flush(session, at + timedelta(seconds=4))


def test_an_absence_lasts_from_the_last_sign_to_the_return(
    session: Session, hall: Hall, running: Exam, user: User, recorder: PresenceRecorder
) -> None:
    """For each candidacy in progress; from when the page was closed, if that is known; again when they go again."""
    both = [hall.candidacy(running, user), hall.candidacy(hall.test("Law"), user)]
    waiting = hall.candidacy(hall.test("Art"), user, started_at=None)
    seen(recorder, session, user, at=NOW)
    seen(recorder, session, user, at=NOW + 3 * MINUTE)
    recorder.left(user.id, NOW + 4 * MINUTE)
    recorder.flush(session, NOW + 5 * MINUTE)
    seen(recorder, session, user, at=NOW + 8 * MINUTE)
    seen(recorder, session, user, at=NOW + 9 * MINUTE)
    expected = [(NOW, NOW + 3 * MINUTE), (NOW + 4 * MINUTE, NOW + 8 * MINUTE)]
    assert [absences(session, one) for one in (*both, waiting)] == [expected, expected, []]


def test_each_has_their_own(session: Session, hall: Hall, running: Exam, recorder: PresenceRecorder) -> None:
    """Who comes back in one batch was away since different moments, and not everybody was away."""
    away, longer, there = (hall.candidacy(running) for _ in range(3))
    people = [session.get_one(User, one.user_id) for one in (away, longer, there)]
    for one, minutes in ((away, 3), (longer, 30), (there, 1)):
        hall.seen(one.user_id, ago=utcnow() - NOW + minutes * MINUTE)
    before = {one.id: one.last_seen for one in session.scalars(select(Candidacy))}
    for place, person in enumerate(people):
        recorder.seen(SessionClaims(person.id, 0, "s"), NOW + timedelta(seconds=place))
    recorder.flush(session, NOW + 4 * timedelta(seconds=1))
    assert absences(session, away) == [(before[away.id], NOW)]
    assert absences(session, longer) == [(before[longer.id], NOW + timedelta(seconds=1))]
    assert absences(session, there) == []
    assert (marked(session, away), marked(session, there)) == (NOW, None)


@pytest.mark.parametrize(
    "fields",
    [{"started_at": None}, {"submitted_at": NOW}, {"paused_at": NOW}, {"withdrawn_at": NOW}],
    ids=["not started", "submitted", "paused", "withdrawn"],
)
def test_only_who_is_in_progress_is_absent(
    session: Session, hall: Hall, running: Exam, user: User, recorder: PresenceRecorder, fields: dict[str, object]
) -> None:
    one = hall.candidacy(running, user, **fields)
    hall.seen(user.id, ago=30 * MINUTE)
    seen(recorder, session, user)
    assert (absences(session, one), marked(session, one)) == ([], None)


def test_what_was_before_the_start_does_not_count(
    session: Session, hall: Hall, running: Exam, user: User, recorder: PresenceRecorder
) -> None:
    """A candidate who comes after an hour and starts at once is seen after the start, in the same batch."""
    at_once = hall.candidacy(running, user, started_at=NOW - timedelta(seconds=2))
    late = hall.candidacy(hall.test("Law"), user, started_at=NOW - 3 * MINUTE)
    hall.seen(user.id, ago=timedelta(hours=2))
    seen(recorder, session, user)
    assert (absences(session, at_once), marked(session, at_once)) == ([], None)
    assert absences(session, late) == [(NOW - 3 * MINUTE, NOW)]


@pytest.mark.parametrize(("gone", "noted"), [(-1, True), (1, False)], ids=["before the end", "after the end"])
def test_who_goes_after_the_own_end_is_not_absent(
    session: Session, hall: Hall, user: User, recorder: PresenceRecorder, gone: int, noted: bool
) -> None:
    end = NOW - timedelta(hours=3)
    over = hall.test(starts_at=end - timedelta(hours=2), ends_at=end)
    one = hall.candidacy(over, user, extra_minutes=10)
    seen(recorder, session, user, at=end + 10 * MINUTE + gone * MINUTE)
    seen(recorder, session, user, at=NOW)
    assert len(absences(session, one)) == noted


def test_closed_and_old_tests_note_nothing(
    session: Session, hall: Hall, running: Exam, user: User, recorder: PresenceRecorder
) -> None:
    """Who once sat a test of years ago, whose `last_seen` is not written any more, is not back at every batch."""
    ended = NOW - timedelta(days=40)
    old = hall.candidacy(hall.test("Old", starts_at=ended - timedelta(hours=2), ends_at=ended), user)
    hall.seen(user.id, ago=timedelta(days=40, hours=1))
    closed = hall.candidacy(hall.test("Closed", closed_at=NOW), user)
    hall.seen(user.id, ago=timedelta(days=40, hours=1))
    one = hall.candidacy(running, user)
    for second in (0, 30, 60):
        seen(recorder, session, user, at=NOW + timedelta(seconds=second))
    for each in (old, closed, one):
        assert (absences(session, each), marked(session, each)) == ([], None)


def test_two_processes_that_see_the_same_return_note_it_once(
    session: Session, hall: Hall, running: Exam, user: User, recorder: PresenceRecorder
) -> None:
    one = hall.candidacy(running, user)
    seen(recorder, session, user, at=NOW)

    def meanwhile(session: Session, returns: list[Return]) -> None:
        note_returns(session, returns)
        note_returns(session, [each._replace(until=each.until + timedelta(seconds=1)) for each in returns])

    seen(PresenceRecorder(Hub(0), on_return=meanwhile), session, user, at=NOW + 5 * MINUTE)
    assert absences(session, one) == [(NOW, NOW + 5 * MINUTE)]


def test_a_batch_that_fails_notes_nothing(session: Session, hall: Hall, running: Exam, user: User) -> None:
    """Presence, mark and absence are one transaction."""

    def fails(session: Session, returns: list[Return]) -> None:
        note_returns(session, returns)
        raise RuntimeError

    one = hall.candidacy(running, user)
    hall.seen(user.id, ago=utcnow() - NOW + 5 * MINUTE)  # this module may have been read minutes ago
    failing = PresenceRecorder(Hub(0), on_return=fails)
    with pytest.raises(RuntimeError):
        seen(failing, session, user)
    assert (absences(session, one), marked(session, one)) == ([], None)
    failing._on_return = note_returns
    failing.flush(session, NOW)
    assert len(absences(session, one)) == 1
    assert marked(session, one) == NOW
