"""Messages and their deliveries: one row per person, whatever the number of candidacies (R5)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db.types import UtcDateTime
from webapp.extensions import Model
from webapp.models.exams import Role
from webapp.models.people import User


class Message(Model):
    """A sending. Its id is the number of its log entry, given in commit order: also SSE id and sweep cursor."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("sender_id", "idempotency_key"),
        CheckConstraint("sender_role IN ('invigilator', 'chief_invigilator', 'planner')", "sender_role_known"),
        CheckConstraint("length(subject) BETWEEN 1 AND 120", "subject_length"),
        CheckConstraint("length(body) BETWEEN 1 AND 4000", "body_length"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sender_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    sender_name: Mapped[str] = mapped_column(String(200))
    sender_role: Mapped[Role] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    audience: Mapped[str] = mapped_column(Text)
    """JSON: the filter or the list that chose the recipients."""
    persons: Mapped[int]
    candidacies: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(64))
    content_digest: Mapped[str] = mapped_column(String(64))


class Delivery(Model):
    """A message for a person; open (shown as a notice) until that person closes it (R9).

    Deliveries are written before their message and looked up by person.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index(None, "message_id"),
        Index(
            None,
            "closed_at",
            sqlite_where=text("closed_at IS NOT NULL"),
            postgresql_where=text("closed_at IS NOT NULL"),
        ),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True)
    message_id: Mapped[int] = mapped_column(
        ForeignKey(Message.id, deferrable=True, initially="DEFERRED"), primary_key=True
    )
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
