"""Ended sessions in the database: every process ends their streams and refuses copies of their cookies."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.sql import id_in
from webapp.db.transactions import writing
from webapp.models import EndedSession, SessionClaims, User
from webapp.push.bus import SignOut
from webapp.push.hub import ALL_SESSIONS

REMEMBERED = timedelta(days=32)
"""How long an ended session is stored. Flask refuses a cookie that was signed 31 days ago."""


def ended_among(session: Session, sessions: Collection[SessionClaims]) -> set[SessionClaims]:
    """Those of these sessions that no longer count, by one statement."""
    query = (
        select(User.id, User.epoch, EndedSession.session_id)
        .outerjoin(EndedSession, EndedSession.user_id == User.id)
        .where(id_in(User.id, {claims.user_id for claims in sessions}))
    )
    epochs: dict[int, int] = {}
    ended: set[tuple[int, str]] = set()
    for user_id, epoch, session_id in session.execute(query):
        epochs[user_id] = epoch
        ended.add((user_id, session_id))
    return {
        claims
        for claims in sessions
        if epochs.get(claims.user_id) != claims.epoch or (claims.user_id, claims.session_id) in ended
    }


def write_end(session: Session, user_id: int, session_id: str) -> None:
    """End a session in one transaction; a second time does nothing."""
    with writing(session):
        now = utcnow()  # inside: the transaction may have waited, and sweeps look back three seconds only
        session.execute(delete(EndedSession).where(EndedSession.at < now - REMEMBERED))
        session.merge(EndedSession(user_id=user_id, session_id=session_id, at=now))


def write_end_of_all(session: Session, user_ids: Sequence[int], now: datetime) -> None:
    """End all streams of these people, however many, within the transaction that raises their epoch."""
    earlier = id_in(EndedSession.user_id, user_ids), EndedSession.session_id == ALL_SESSIONS
    session.execute(delete(EndedSession).where(*earlier))
    rows = [{"user_id": user_id, "session_id": ALL_SESSIONS, "at": now} for user_id in user_ids]
    session.execute(insert(EndedSession), rows)


def ended_since(session: Session, moment: datetime) -> Iterator[SignOut]:
    """The sessions that ended after a moment: for the sweep."""
    query = select(EndedSession.user_id, EndedSession.session_id).where(EndedSession.at > moment)
    for user_id, session_id in session.execute(query):
        yield SignOut(user_id, session_id)
