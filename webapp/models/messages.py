"""Messages and their deliveries: one row per person, whatever the number of candidacies (R5)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.database import Instant
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
    sent_at: Mapped[datetime] = mapped_column(Instant, index=True)
    audience: Mapped[str] = mapped_column(Text)
    """JSON: the filter or the list that chose the recipients."""
    persons: Mapped[int]
    candidacies: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(64))
    content_digest: Mapped[str] = mapped_column(String(64))


class Delivery(Model):
    """A message for a person; open (shown as a notice) until that person closes it (R9).

    No foreign keys. Deliveries are written by one statement, beside their message and for persons of candidacies, who
    are never deleted, and are pruned together with it. PostgreSQL checks keys row by row, and locks what each points
    at: a third of the time that a sending to 1,500 took.

    They are looked up by person. Those of one message are the persons that its log entry names.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        # the person first; an index more, by message, was a fifth of the time that 1,500 took
        PrimaryKeyConstraint("user_id", "message_id"),
        Index(
            None,
            "closed_at",
            sqlite_where=text("closed_at IS NOT NULL"),
            postgresql_where=text("closed_at IS NOT NULL"),
        ),
    )

    message_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int]
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
