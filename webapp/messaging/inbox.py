"""A person's own messages: the message center over all tests, and the notices not yet closed (R9, R12, R13)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, exists, or_, select, update
from sqlalchemy.orm import Session, joinedload

from webapp.clock import utcnow
from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.models import Delivery, Level, Message, Schedule, ScheduleState

MESSAGES = (
    select(Message)
    .join(Delivery, Delivery.message_id == Message.id)
    .where(Delivery.user_id == bindparam("user_id"))
    .order_by(Message.id.desc())
)
# a hall that comes back runs it 1,500 times within a second
OWN_NOTICES = (
    MESSAGES.where(or_(Delivery.closed_at.is_(None), Message.withdrawn_at.is_not(None)))
    .options(joinedload(Message.corrects))
    .execution_options(**PREPARED)
)


@dataclass(frozen=True)
class InboxItem:
    """A message that stands for a person, or was withdrawn, and the earlier ones that it corrects, newest first."""

    message: Message
    earlier: list[Message]

    @property
    def corrected(self) -> list[tuple[Message, datetime]]:
        """Each of the earlier ones with the moment when it was corrected."""
        newer = [self.message, *self.earlier]
        return [(old, new.sent_at) for old, new in zip(self.earlier, newer, strict=False)]


class OwnNotices(NamedTuple):
    """What a person's page shows above everything else, and what it must not show any more."""

    open: list[Message]
    """Not closed: important ones first, each kind newest first."""
    withdrawn: list[int]
    """The numbers of messages that were taken back."""


def all_messages(session: Session, user_id: int) -> list[InboxItem]:
    """Every message this person ever got, newest first; those that were corrected, with their correction (R30)."""
    messages = session.scalars(MESSAGES, {"user_id": user_id}).all()
    roots: dict[int, int] = {}
    for message in reversed(messages):  # corrections are newer than what they correct, and everybody has both
        roots[message.id] = roots.get(message.corrects_id or 0, message.id)
    items: dict[int, InboxItem] = {}
    for message in messages:
        root = roots[message.id]
        if root in items:
            items[root].earlier.append(message)
        else:
            items[root] = InboxItem(message, [])
    return list(items.values())


def own_notices(session: Session, user_id: int) -> OwnNotices:
    """The messages that this person has not closed, and those that were withdrawn."""
    messages = session.scalars(OWN_NOTICES, {"user_id": user_id}).all()
    standing = [message for message in messages if message.withdrawn_at is None]
    standing.sort(key=lambda message: message.level != Level.IMPORTANT)
    return OwnNotices(standing, [message.id for message in messages if message.withdrawn_at is not None])


def close(session: Session, user_id: int, message_ids: Sequence[int], *, read: bool = False) -> list[int]:
    """Close notices; returns the numbers that were open until now. Other people's and unknown numbers do nothing.

    Important ones stay until their person says that they have been `read` (R30).

    The moment is taken inside the transaction, which may have waited for seconds: the sweep of other processes looks
    for closings of the last three.
    """
    if not message_ids:
        return []
    was_open = [Delivery.user_id == user_id, Delivery.message_id.in_(message_ids), Delivery.closed_at.is_(None)]
    if not read:
        is_important = Message.id == Delivery.message_id, Message.level == Level.IMPORTANT
        was_open.append(~exists().where(*is_important))
    with writing(session):
        closing = update(Delivery).where(*was_open).values(closed_at=utcnow()).returning(Delivery.message_id)
        return sorted(session.scalars(closing))


def prune(session: Session, before: datetime) -> int:
    """Delete the messages sent before a moment, with their deliveries and the schedules that had ended by then.

    Returns the number of messages.

    Their log entries stay (R14), and their numbers are not used again: they are the log's. So do the messages of a
    schedule that waits: they tell who has got it already (R29).
    """
    with writing(session):
        waiting = select(Schedule.id).where(Schedule.state == ScheduleState.WAITING)
        is_needed = Message.schedule_id.is_not(None) & Message.schedule_id.in_(waiting)
        is_old = Message.sent_at < before, ~is_needed
        old = select(Message.id).where(*is_old)
        session.execute(delete(Delivery).where(Delivery.message_id.in_(old)))
        session.execute(delete(Schedule).where(Schedule.ended_at < before))
        return len(session.scalars(delete(Message).where(*is_old).returning(Message.id)).all())
