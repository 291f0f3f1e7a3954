"""A batch of presence has each sign of life once, whatever comes or fails meanwhile (R21)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.statements import statements
from webapp.clock import utcnow
from webapp.exams.absences import note_returns
from webapp.models import Candidacy, SessionClaims
from webapp.push.hub import Hub
from webapp.push.presence import PresenceRecorder, Return

NOW = utcnow()


def later(seconds: float) -> datetime:
    """So long after NOW."""
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def claims(hall: Hall) -> SessionClaims:
    return SessionClaims(hall.candidacy(hall.test()).user_id, 0, "s")


def stored(session: Session, claims: SessionClaims) -> tuple[datetime | None, datetime | None]:
    """When the person was last seen, and when their last stream closed."""
    session.rollback()
    moments = select(Candidacy.last_seen, Candidacy.left_at).where(Candidacy.user_id == claims.user_id)
    last_seen, left_at = session.execute(moments).one()
    return last_seen, left_at


def test_whoever_has_another_stream_by_then_has_not_left(session: Session, claims: SessionClaims) -> None:
    hub = Hub(10)
    recorder = PresenceRecorder(hub, note_returns)
    recorder.seen(claims, NOW)
    recorder.left(claims.user_id, NOW)
    stream = hub.open(claims.user_id, "s")
    recorder.flush(session, later(6))
    assert stored(session, claims) == (NOW, None)
    hub.leave(stream)
    recorder.left(claims.user_id, later(7))
    recorder.flush(session, later(12))
    assert stored(session, claims) == (NOW, later(7))


def test_an_earlier_leaving_does_not_take_back_a_later_one(session: Session, claims: SessionClaims) -> None:
    here, there = (PresenceRecorder(Hub(0), note_returns) for _ in range(2))
    here.left(claims.user_id, later(2))
    there.left(claims.user_id, later(1))
    here.flush(session, later(10))
    there.flush(session, later(10))
    assert stored(session, claims)[1] == later(2)
    here.seen(claims, later(11))
    here.flush(session, later(11))
    assert stored(session, claims) == (later(11), later(2))


def test_of_several_signs_in_a_batch_the_last_one_counts(session: Session, claims: SessionClaims) -> None:
    recorder = PresenceRecorder(Hub(0), note_returns)
    device = claims._replace(session_id="t")
    for sign, seconds in ((claims, 3), (claims, 1), (device, 2)):
        recorder.seen(sign, later(seconds))
    recorder.flush(session, later(4))
    assert stored(session, claims) == (later(3), None)


def test_a_batch_that_is_written_is_not_written_again(app: Flask, session: Session, claims: SessionClaims) -> None:
    recorder = PresenceRecorder(Hub(0), note_returns)
    recorder.seen(claims, NOW)
    recorder.left(claims.user_id, NOW)
    recorder.flush(session, later(6))
    with statements(app) as executed:
        recorder.flush(session, later(12))
    assert executed == []


def test_what_comes_while_a_batch_is_written_is_in_the_next_one(
    session: Session, hall: Hall, claims: SessionClaims
) -> None:
    def come_and_go(_session: Session, _returns: list[Return]) -> None:
        recorder.seen(claims, later(2))
        recorder.left(claims.user_id, later(3))

    recorder = PresenceRecorder(Hub(0), come_and_go)
    hall.seen(claims.user_id, ago=timedelta(hours=1))
    recorder.seen(claims, later(1))
    recorder.flush(session, later(1))
    assert stored(session, claims) == (later(1), None)
    recorder.flush(session, later(9))
    assert stored(session, claims) == (later(2), later(3))


def test_a_database_that_was_away_marks_nobody_who_was_there(session: Session, claims: SessionClaims) -> None:
    """Heard of all the time, but nothing could be written for ten minutes."""
    recorder = PresenceRecorder(Hub(0), note_returns)
    recorder.seen(claims, NOW)
    recorder.flush(session, NOW)
    for seconds in (30, 300, 600):
        recorder.seen(claims, later(seconds))
    recorder.flush(session, later(600))
    assert stored(session, claims)[0] == later(600)
    assert session.scalar(select(Candidacy.back_at).where(Candidacy.user_id == claims.user_id)) is None


def test_a_server_that_was_away_marks_nobody_who_was_there(app: Flask, session: Session, hall: Hall) -> None:
    """Its first request tells that nobody was seen meanwhile."""
    user = hall.person()
    candidacy = hall.candidacy(hall.test(), user)
    hall.seen(user.id, ago=timedelta(minutes=10))
    signed_in(app, user).get("/inbox")
    app.extensions["examhall_push"].presence.flush(session, utcnow())
    session.refresh(candidacy)
    assert candidacy.last_seen
    assert candidacy.last_seen > NOW
    assert candidacy.back_at is None


def test_a_process_that_ends_writes_its_last_batch(app: Flask, session: Session, hall: Hall) -> None:
    user = hall.person()
    candidacy = hall.candidacy(hall.test(), user)
    signed_in(app, user).get("/inbox")
    app.extensions["examhall_push"].drain()
    session.rollback()
    session.refresh(candidacy)
    assert candidacy.last_seen
