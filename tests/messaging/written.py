"""What a sending has written, as the database has it."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.models import Delivery, LogEntry, LogSubject, Message


def counts(session: Session) -> tuple[int, int, int, int]:
    """Messages, deliveries, log entries, subjects: all that a sending writes."""
    session.rollback()
    return tuple(
        session.scalar(select(func.count()).select_from(t)) or 0 for t in (Message, Delivery, LogEntry, LogSubject)
    )  # type: ignore[return-value]


def recipients(session: Session) -> set[int]:
    """The people whom anything was delivered to."""
    session.rollback()
    return set(session.scalars(select(Delivery.user_id)))
