"""What others have just sent to the people of an audience: a warning with details only of what the reader may see."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, literal, or_, select
from sqlalchemy.orm import Session

from webapp.access import MAY, AccessScope, Right
from webapp.db.sql import id_in
from webapp.messaging.audience import Audience
from webapp.models import Delivery, LogSubject, Message, User

OVERLAP_WITHIN = timedelta(minutes=2)


class Overlap(NamedTuple):
    """A recent sending that reached people of this audience too."""

    message: Message
    persons: int


def find_overlaps(
    session: Session, reader: User, scope: AccessScope, audience: Audience, now: datetime
) -> tuple[list[Overlap], int]:
    """Recent sendings that the reader may see, newest first; and how many persons the others reached.

    `scope` is where the reader may send.
    """
    visible = _is_visible(reader, scope).label("visible")
    newest_first = select(Message, visible).where(Message.sent_at > now - OVERLAP_WITHIN).order_by(Message.id.desc())
    recent = session.execute(newest_first).all()
    if not recent:
        return [], 0
    reached: defaultdict[int, set[int]] = defaultdict(set)
    is_recent = Delivery.message_id.in_([message.id for message, _ in recent])
    deliveries = select(Delivery.message_id, Delivery.user_id).where(
        is_recent, id_in(Delivery.user_id, audience.persons)
    )
    for message_id, user_id in session.execute(deliveries):
        reached[message_id].add(user_id)
    seen = [Overlap(message, len(reached[message.id])) for message, visible in recent if visible]
    unseen = [reached[message.id] for message, visible in recent if not visible]
    return [overlap for overlap in seen if overlap.persons], len(set().union(*unseen))


def _is_visible(reader: User, scope: AccessScope) -> ColumnElement[bool]:
    """Whether the log shows the reader a message, or it concerns only people whom the reader may send to."""
    if reader.is_admin:  # sees all of the log
        return literal(value=True)
    roles = {test_id: role for test_id, role in scope.roles.items() if role in MAY[Right.READ_LOG]}
    rooms = {test_id: room for test_id, room in scope.rooms.items() if test_id in roles}
    of_message = LogSubject.entry_id == Message.id
    in_log = exists().where(of_message, replace(scope, roles=roles, rooms=rooms).condition(LogSubject))
    beyond = exists().where(of_message, ~scope.condition(LogSubject))
    return or_(Message.sender_id == reader.id, in_log, ~beyond)
