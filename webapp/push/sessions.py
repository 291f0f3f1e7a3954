"""Ended sessions in the database: every process ends their streams and refuses copies of their cookies."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.sql import id_in
from webapp.db.transactions import writing
from webapp.models import EndedSession
from webapp.push.events import ALL_SESSIONS, SignOut

REMEMBERED = timedelta(days=32)
"""How long an ended session is stored. Flask refuses a cookie that was signed 31 days ago."""


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


def sign_outs(session: Session, condition: ColumnElement[bool]) -> set[SignOut]:
    """The ended sessions for which a condition on `EndedSession` holds."""
    query = select(EndedSession.user_id, EndedSession.session_id).where(condition)
    return {SignOut(*row) for row in session.execute(query)}
