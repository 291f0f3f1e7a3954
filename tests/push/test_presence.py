"""Presence: online is true (R21)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from tests.hall import Hall
from webapp.clock import utcnow
from webapp.db.transactions import WRITE, writing
from webapp.exams.absences import note_returns
from webapp.extensions import db
from webapp.models import Candidacy, SessionClaims, User
from webapp.models.status import is_online
from webapp.push.hub import Hub
from webapp.push.presence import PresenceRecorder, Return

NOW = utcnow()


def online(session: Session, user: User, after: timedelta) -> bool:
    """Whether the monitor's expression has this person online some time after NOW."""
    session.rollback()
    query = select(is_online(NOW + after)).where(Candidacy.user_id == user.id)
    return bool(session.scalar(query))


def claims_of(user: User) -> SessionClaims:
    """A session of this person that counts."""
    return SessionClaims(user.id, user.epoch, "s")


@pytest.fixture
def user(hall: Hall) -> User:
    return hall.session.get_one(User, hall.candidacy(hall.test()).user_id)


@pytest.fixture
def recorder() -> PresenceRecorder:
    return PresenceRecorder(Hub(0), on_return=note_returns)


def test_r21_heard_of_is_online_for_75_seconds(session: Session, user: User, recorder: PresenceRecorder) -> None:
    assert not online(session, user, timedelta(0))
    recorder.seen(claims_of(user), NOW)
    recorder.flush(session, NOW)
    assert online(session, user, timedelta(seconds=74))
    assert not online(session, user, timedelta(seconds=75))


def test_a_closed_stream_makes_offline_after_five_seconds(
    session: Session, user: User, recorder: PresenceRecorder
) -> None:
    recorder.seen(claims_of(user), NOW)
    recorder.left(user.id, NOW + timedelta(seconds=1))
    recorder.flush(session, NOW + timedelta(seconds=2))
    assert online(session, user, timedelta(seconds=3))
    recorder.flush(session, NOW + timedelta(seconds=6))
    assert not online(session, user, timedelta(seconds=6))


def test_whoever_comes_back_in_time_never_left(session: Session, user: User, recorder: PresenceRecorder) -> None:
    recorder.left(user.id, NOW)
    recorder.seen(claims_of(user), NOW + timedelta(seconds=2))
    recorder.flush(session, NOW + timedelta(seconds=10))
    assert online(session, user, timedelta(seconds=10))


def test_whoever_comes_back_at_another_process_is_online(
    session: Session, user: User, recorder: PresenceRecorder
) -> None:
    elsewhere = PresenceRecorder(Hub(0), on_return=note_returns)
    recorder.left(user.id, NOW)
    elsewhere.seen(claims_of(user), NOW + timedelta(seconds=1))
    elsewhere.flush(session, NOW + timedelta(seconds=5))
    recorder.flush(session, NOW + timedelta(seconds=6))
    assert online(session, user, timedelta(seconds=7))


def test_an_older_batch_does_not_take_back_a_newer_moment(
    session: Session, user: User, recorder: PresenceRecorder
) -> None:
    recorder.seen(claims_of(user), NOW)
    recorder.flush(session, NOW)
    recorder.seen(claims_of(user), NOW - timedelta(seconds=60))
    recorder.flush(session, NOW)
    assert online(session, user, timedelta(seconds=70))


def test_a_batch_that_fails_is_written_with_the_next(session: Session, hall: Hall, user: User) -> None:
    def fails(_session: Session, _returns: list[Return]) -> None:
        raise RuntimeError

    failing = PresenceRecorder(Hub(0), on_return=fails)
    hall.seen(user.id, ago=timedelta(hours=1))
    failing.seen(claims_of(user), NOW)
    with pytest.raises(RuntimeError):
        failing.flush(session, NOW)
    failing._on_return = note_returns
    failing.flush(session, NOW)
    assert online(session, user, timedelta(seconds=1))


def test_whoever_was_away_during_the_exam_keeps_a_mark(
    session: Session, hall: Hall, user: User, recorder: PresenceRecorder
) -> None:
    def marked() -> bool:
        session.rollback()
        return bool(session.scalar(select(Candidacy.back_at).where(Candidacy.user_id == user.id)))

    for second in (0, 60, 120):
        recorder.seen(claims_of(user), NOW + timedelta(seconds=second))
        recorder.flush(session, NOW + timedelta(seconds=second))
    assert not marked()
    recorder.seen(claims_of(user), NOW + timedelta(seconds=300))
    recorder.flush(session, NOW + timedelta(seconds=300))
    assert marked()


@pytest.mark.parametrize(("away", "noted"), [(76, False), (120, False), (121, True)])
@pytest.mark.parametrize("closed", [True, False], ids=["page closed", "cable pulled"])
def test_only_an_absence_of_more_than_two_minutes_is_noted(
    session: Session, user: User, recorder: PresenceRecorder, away: int, noted: bool, closed: bool
) -> None:
    """Counted from the last sign of life, or from when the page was closed; what is noted is the moment of return."""
    recorder.seen(claims_of(user), NOW - timedelta(seconds=20 if closed else 0))
    if closed:
        recorder.left(user.id, NOW)
    recorder.flush(session, NOW + timedelta(seconds=6))
    back = NOW + timedelta(seconds=away)
    recorder.seen(claims_of(user), back)
    recorder.flush(session, back + timedelta(seconds=4))
    session.rollback()
    back_at = session.scalar(select(Candidacy.back_at).where(Candidacy.user_id == user.id))
    assert back_at == (back if noted else None)


def test_whoever_was_away_before_starting_does_not(session: Session, hall: Hall, recorder: PresenceRecorder) -> None:
    one = hall.candidacy(hall.test("Law"), started_at=None)
    hall.seen(one.user_id, ago=timedelta(hours=2))
    recorder.seen(SessionClaims(one.user_id, 0, "s"), NOW)
    recorder.flush(session, NOW)
    assert not session.get_one(Candidacy, one.id).back_at


def test_one_who_is_not_in_the_database_does_not_keep_the_others_from_being_written(
    session: Session, user: User, recorder: PresenceRecorder
) -> None:
    """`/ping` believes the cookie; its person may be of a database that was there before."""
    recorder.seen(SessionClaims(user.id + 1000, 0, "s"), NOW)
    recorder.left(user.id + 1001, NOW)
    recorder.seen(claims_of(user), NOW)
    recorder.flush(session, NOW + timedelta(seconds=6))
    assert online(session, user, timedelta(seconds=7))


def test_all_tests_of_a_person_know_but_those_long_over(
    session: Session, hall: Hall, user: User, recorder: PresenceRecorder
) -> None:
    """Years of old tests are not written every half minute."""
    ends = {"Law": NOW + timedelta(hours=1), "Civics": NOW - timedelta(days=31), "Latin": NOW - timedelta(days=33)}
    made = {
        title: hall.candidacy(hall.test(title, starts_at=end - timedelta(hours=4), ends_at=end), user)
        for title, end in ends.items()
    }
    recorder.seen(claims_of(user), NOW)
    recorder.flush(session, NOW)
    recorder.left(user.id, NOW + timedelta(seconds=1))
    recorder.flush(session, NOW + timedelta(seconds=10))
    seen = {title: session.get_one(Candidacy, one.id) for title, one in made.items()}
    assert {title: one.last_seen for title, one in seen.items()} == {"Law": NOW, "Civics": NOW, "Latin": None}
    left = NOW + timedelta(seconds=1)
    assert {title: one.left_at for title, one in seen.items()} == {"Law": left, "Civics": left, "Latin": None}


def test_whoever_left_before_it_was_written_that_they_were_here_was_here(
    session: Session, user: User, recorder: PresenceRecorder
) -> None:
    recorder.left(user.id, NOW)
    recorder.flush(session, NOW + timedelta(seconds=6))
    one = session.scalars(select(Candidacy).where(Candidacy.user_id == user.id)).one()
    assert (one.last_seen, one.left_at) == (NOW, NOW)


@pytest.mark.only_on("postgresql")
def test_a_batch_waits_for_a_row_before_it_has_later_ones(app: Flask, session: Session, hall: Hall) -> None:
    """Whatever order people were heard of in: or two batches could each wait for a row that the other has."""
    people, tests = [hall.person() for _ in range(2)], [hall.test("Law"), hall.test("Civics")]
    # by every other number they come the other way round
    ids = [hall.candidacy(tests[place], people[place]).id for place in (1, 0)]
    recorder = PresenceRecorder(Hub(0), on_return=note_returns)
    for person in people:
        recorder.seen(claims_of(person), NOW)
    # so that people are looked up one by one: a handful of rows would be read whole, in their order
    with writing(session):
        session.execute(text(f"ALTER DATABASE {session.get_bind().engine.url.database} SET enable_seqscan = off"))
    session.close()
    db.engine.dispose()

    def flush() -> None:
        with app.app_context():
            recorder.flush(db.session(), NOW)

    noted = update(Candidacy).values(extra_minutes=1)
    other = db.engine.connect().execution_options(**{WRITE: True})
    with other, other.begin(), ThreadPoolExecutor(1) as threads:
        other.execute(noted.where(Candidacy.id == ids[0]))
        batch = threads.submit(flush)
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        while not batch.done() and not session.scalar(waiting):
            session.rollback()  # which sees what others do as it was when it began
            time.sleep(0.01)
        other.execute(noted.where(Candidacy.id == ids[1]))  # a deadlock, if the batch had it already
        other.commit()
        batch.result()
    seen = session.scalars(select(Candidacy.last_seen).order_by(Candidacy.id)).all()
    assert seen == [NOW, NOW]


@pytest.mark.parametrize(
    ("seen_before", "down", "back_after", "marked"),
    [
        (0, 600, 20, False),  # online when the server went down, and back as soon as it was
        (0, 600, 90, True),  # … but took their time
        (80, 600, 20, True),  # offline already when the server went down
    ],
)
def test_a_server_that_was_down_marks_nobody_who_was_there(
    session: Session, user: User, hall: Hall, seen_before: int, down: int, back_after: int, marked: bool
) -> None:
    """Seconds: last seen before the server was last heard, length of the outage, back after its end."""
    heard_until, started = NOW - timedelta(seconds=down), NOW
    other = hall.candidacy(hall.test("Law")).user_id
    for user_id, ago in ((other, 0), (user.id, seen_before)):
        with writing(session):
            session.scalars(select(Candidacy).where(Candidacy.user_id == user_id)).one().last_seen = (
                heard_until - timedelta(seconds=ago)
            )
    fresh = PresenceRecorder(Hub(0), on_return=note_returns)
    fresh.start(session, started)
    back = started + timedelta(seconds=back_after)
    fresh.seen(claims_of(user), back)
    fresh.flush(session, back)
    assert bool(session.scalar(select(Candidacy.back_at).where(Candidacy.user_id == user.id))) is marked
