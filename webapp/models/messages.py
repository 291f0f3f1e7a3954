"""Messages and their deliveries."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Model
from webapp.models.exams import Role, index_if_set
from webapp.models.people import User


class Message(Model):
    """A sent message. Its id is the number of its log entry, in commit order, also SSE id and the sweep's cursor."""

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
    sent_at: Mapped[datetime] = mapped_column(index=True)
    audience: Mapped[str] = mapped_column(Text)
    """JSON: the filter or the list that chose the recipients."""
    persons: Mapped[int]
    candidacies: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(64))
    content_digest: Mapped[str] = mapped_column(String(64))


class Delivery(Model):
    """A message for one person, however many candidacies they have (R5); open until they close it (R9).

    Deliveries have no foreign keys: `docs/decisions/0002-deliveries-and-their-keys.md`.
    """

    __table_args__ = (index_if_set("closed_at"),)

    user_id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    closed_at: Mapped[datetime | None]
