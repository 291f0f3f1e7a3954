"""A person's own messages: the message center over all tests, and the notices not yet closed (R9, R12, R13)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.models import Delivery, Message

MESSAGES = (
    select(Message)
    .join(Delivery, Delivery.message_id == Message.id)
    .where(Delivery.user_id == bindparam("user_id"))
    .order_by(Message.id.desc())
)
# a hall that comes back runs it 1,500 times within a second
OPEN_NOTICES = MESSAGES.where(Delivery.closed_at.is_(None)).execution_options(**PREPARED)


def all_messages(session: Session, user_id: int) -> Sequence[Message]:
    """Every message this person ever got, newest first."""
    return session.scalars(MESSAGES, {"user_id": user_id}).all()


def open_notices(session: Session, user_id: int) -> Sequence[Message]:
    """The messages that this person has not closed, newest first."""
    return session.scalars(OPEN_NOTICES, {"user_id": user_id}).all()


def close(session: Session, user_id: int, message_ids: Sequence[int]) -> list[int]:
    """Close notices; returns the numbers that were open until now. Other people's and unknown numbers do nothing.

    The moment is taken inside the transaction, which may have waited for seconds: the sweep of other processes looks
    for closings of the last three.
    """
    if not message_ids:
        return []
    was_open = Delivery.user_id == user_id, Delivery.message_id.in_(message_ids), Delivery.closed_at.is_(None)
    with writing(session):
        closing = update(Delivery).where(*was_open).values(closed_at=utcnow()).returning(Delivery.message_id)
        return sorted(session.scalars(closing))


def prune(session: Session, before: datetime) -> int:
    """Delete the messages sent before a moment, and their deliveries; returns the number of messages.

    Their log entries stay (R14), and their numbers are not used again: they are the log's.
    """
    with writing(session):
        old = select(Message.id).where(Message.sent_at < before)
        session.execute(delete(Delivery).where(Delivery.message_id.in_(old)))
        return len(session.scalars(delete(Message).where(Message.sent_at < before).returning(Message.id)).all())
