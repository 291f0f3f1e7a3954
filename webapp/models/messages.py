"""Messages, their deliveries, schedules of messages to come, and texts to choose from."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.extensions import Model
from webapp.models.exams import Role, Test, index_if_set
from webapp.models.hall import HelpRequest
from webapp.models.people import User


class Level(StrEnum):
    """How much a message asks of its reader."""

    NORMAL = "normal"
    IMPORTANT = "important"
    """It stays on top of the page until its reader confirms to have read it."""


LEVEL_KNOWN = "level IN ('normal', 'important')"


class ScheduleState(StrEnum):
    """What has become of a schedule."""

    WAITING = "waiting"
    SENT = "sent"
    MISSED = "missed"
    """Nothing of it went out, and nothing will."""
    CANCELLED = "cancelled"


class Schedule(Model):
    """A message that goes out later: at a time, or so many minutes before each person's own end (R29)."""

    __table_args__ = (
        UniqueConstraint("author_id", "idempotency_key"),
        CheckConstraint(LEVEL_KNOWN, "level_known"),
        CheckConstraint("state IN ('waiting', 'sent', 'missed', 'cancelled')", "state_known"),
        CheckConstraint("(at IS NULL) <> (minutes IS NULL)", "one_time"),
        CheckConstraint("minutes BETWEEN 1 AND 240", "minutes_in_range"),
        CheckConstraint("length(subject) BETWEEN 1 AND 120", "subject_length"),
        CheckConstraint("length(body) BETWEEN 1 AND 4000", "body_length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    created_at: Mapped[datetime]
    subject: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(Text)
    level: Mapped[Level] = mapped_column(String(10), default=Level.NORMAL)
    audience: Mapped[str] = mapped_column(Text)
    """JSON: the filter or the list, which is asked when the message is due."""
    at: Mapped[datetime | None]
    """When it is due for everybody; None if it is due before each one's own end."""
    minutes: Mapped[int | None]
    """How many minutes before each one's own end it is due; None if it has a time."""
    due_after: Mapped[datetime]
    """When its time was chosen. What would have been due by then, is not."""
    state: Mapped[ScheduleState] = mapped_column(String(10), default=ScheduleState.WAITING, index=True)
    reason: Mapped[str] = mapped_column(String(40), default="")
    """Why it was missed: the code of the refusal, or `late`."""
    ended_at: Mapped[datetime | None]
    """When it was sent whole, missed or cancelled."""
    idempotency_key: Mapped[str] = mapped_column(String(64))
    content_digest: Mapped[str] = mapped_column(String(64))


class Message(Model):
    """A sent message. Its id is the number of its log entry, in commit order, also SSE id and the sweep's cursor."""

    __table_args__ = (
        UniqueConstraint("sender_id", "idempotency_key"),
        CheckConstraint("sender_role IN ('invigilator', 'chief_invigilator', 'planner')", "sender_role_known"),
        CheckConstraint("length(subject) BETWEEN 1 AND 120", "subject_length"),
        CheckConstraint("length(body) BETWEEN 1 AND 4000", "body_length"),
        CheckConstraint(LEVEL_KNOWN, "level_known"),
        index_if_set("corrects_id"),
        index_if_set("schedule_id"),
        index_if_set("help_request_id"),
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
    level: Mapped[Level] = mapped_column(String(10), default=Level.NORMAL)
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    """The message that this one takes the place of (R30)."""
    corrects: Mapped["Message | None"] = relationship(remote_side="Message.id")
    withdrawn_at: Mapped[datetime | None] = mapped_column(index=True)
    """When its sender took it back: it leaves the screens, never the log (R30)."""
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey(Schedule.id, ondelete="SET NULL"))
    """The schedule of which this is a batch."""
    help_request_id: Mapped[int | None] = mapped_column(ForeignKey(HelpRequest.id, ondelete="SET NULL"))
    """The request for help that it answers."""
    idempotency_key: Mapped[str] = mapped_column(String(64))
    content_digest: Mapped[str] = mapped_column(String(64))

    @property
    def old_subject(self) -> str | None:
        """The subject of the message that it corrects."""
        return None if self.corrects is None else self.corrects.subject

    @property
    def old_body(self) -> str | None:
        """The text of the message that it corrects."""
        return None if self.corrects is None else self.corrects.body


class Delivery(Model):
    """A message for one person, however many candidacies they have (R5); open until they close it (R9).

    Deliveries have no foreign keys: `docs/decisions/0002-deliveries-and-their-keys.md`.
    """

    __table_args__ = (index_if_set("closed_at"),)

    user_id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    closed_at: Mapped[datetime | None]
    shown_at: Mapped[datetime | None]
    """When it was first seen on a screen of this person. Written only where receipts are on (R16)."""


class ScheduledPerson(Model):
    """Somebody for whom a schedule has come due: nobody gets it twice, and each moment is decided on once (R29)."""

    __table_args__ = (index_if_set("message_id"),)

    schedule_id: Mapped[int] = mapped_column(ForeignKey(Schedule.id, ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey(Message.id, ondelete="SET NULL"))
    """The batch that brought it."""
    missed: Mapped[bool] = mapped_column(default=False)
    """Whether it could not go out to them. Without this and without a message, they were not in the audience."""
    due_at: Mapped[datetime]
    """The moment that was decided on. If it comes due again later, who has not got it is decided on again."""


class QuickText(Model):
    """A text to begin a message with: a person's own, or one that planners have written for a test."""

    __table_args__ = (
        CheckConstraint("(user_id IS NULL) <> (test_id IS NULL)", "one_owner"),
        CheckConstraint("length(subject) BETWEEN 1 AND 120", "subject_length"),
        CheckConstraint("length(body) BETWEEN 1 AND 4000", "body_length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id), index=True)
    test_id: Mapped[int | None] = mapped_column(ForeignKey(Test.id), index=True)
    locale: Mapped[str] = mapped_column(String(20))
    """The language in which it is written, one of the installation's."""
    subject: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(Text)
