"""A person's own messages: the message center over all tests, and the notices not yet closed (R9, R12, R13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, func, select, update
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.models import Delivery, LogSubject, Message, SessionClaims, User, still_counts


def open_notices(session: Session, user_id: int) -> Sequence[Message]:
    """The messages that this person has not closed, newest first."""
    return session.scalars(OPEN_NOTICES, {"user_id": user_id}).all()


def open_in_session(session: Session, claims: SessionClaims) -> Sequence[Any] | None:
    """The messages that the person of a session has not closed, oldest first, as (id, sender's role, subject, body,
    moment). None for a session that does not count any more: the same statement asks for both.
    """
    rows = session.execute(OPEN_IN_SESSION, claims._asdict()).all()
    return [row for row in rows if row.id is not None] if rows else None


def all_messages(session: Session, user_id: int) -> Sequence[Message]:
    """Every message this person ever got, newest first."""
    return session.scalars(_delivered_to(user_id)).all()


def open_numbers(session: Session, user_id: int) -> frozenset[int]:
    """The numbers of the messages not yet closed."""
    query = select(Delivery.message_id).where(Delivery.user_id == user_id, Delivery.closed_at.is_(None))
    return frozenset(session.scalars(query))


def close(session: Session, user_id: int, message_ids: Sequence[int]) -> list[int]:
    """Close notices; gives the numbers that were open until now. Other people's and unknown numbers do nothing.

    The moment is taken inside the transaction, which may have waited for seconds: other processes look for closings of
    the last three (`push/sweep.py: OVERLAP`).
    """
    if not message_ids:
        return []
    with writing(session):
        closed = session.scalars(
            update(Delivery)
            .where(Delivery.user_id == user_id, Delivery.message_id.in_(message_ids), Delivery.closed_at.is_(None))
            .values(closed_at=utcnow())
            .returning(Delivery.message_id)
        )
        return sorted(closed)


def closed_since(session: Session, moment: datetime) -> Sequence[tuple[int, int]]:
    """The notices closed after a moment, as (user id, message number)."""
    query = select(Delivery.user_id, Delivery.message_id).where(Delivery.closed_at > moment)
    return [(user_id, number) for user_id, number in session.execute(query).all()]


def newest_number(session: Session) -> int:
    """The number of the newest message of all (0: none): where the sweep begins."""
    return session.scalar(select(func.max(Message.id))) or 0


def numbers_after(session: Session, number: int) -> Sequence[int]:
    """The numbers of the messages committed after one, in commit order."""
    return session.scalars(select(Message.id).where(Message.id > number).order_by(Message.id)).all()


def recipients(session: Session, message_id: int) -> list[int]:
    """The user ids that a message was delivered to: those whom its log entry names."""
    return list(session.scalars(select(LogSubject.user_id).distinct().where(LogSubject.entry_id == message_id)))


def _delivered_to(user_id: int | BindParameter[int]) -> Select[Message]:
    return (
        select(Message)
        .join(Delivery, Delivery.message_id == Message.id)
        .where(Delivery.user_id == user_id)
        .order_by(Message.id.desc())
    )


# made and planned once: a hall that comes back asks them 1,500 times within a second
OPEN_NOTICES = _delivered_to(bindparam("user_id")).where(Delivery.closed_at.is_(None)).execution_options(**PREPARED)


OPEN_IN_SESSION = (
    select(Message.id, Message.sender_role, Message.subject, Message.body, Message.sent_at)
    .select_from(User)
    .outerjoin(Delivery, and_(Delivery.user_id == User.id, Delivery.closed_at.is_(None)))
    .outerjoin(Message, Message.id == Delivery.message_id)
    .where(still_counts(*(bindparam(name) for name in SessionClaims._fields)))
    .order_by(Message.id)
    .execution_options(**PREPARED)
)
