"""Old messages leave the message centers when the operator says so; the log keeps what was sent, to whom (R14)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp.db.transactions import writing
from webapp.models import Delivery, Message


def prune(session: Session, before: datetime) -> int:
    """Delete the messages sent before a moment, and their deliveries; gives the number of messages.

    One transaction. Log entries stay, and so do the numbers: they are the log's.
    """
    with writing(session):
        old = select(Message.id).where(Message.sent_at < before)
        session.execute(delete(Delivery).where(Delivery.message_id.in_(old)))
        deleted = session.scalars(delete(Message).where(Message.sent_at < before).returning(Message.id))
        return len(deleted.all())
