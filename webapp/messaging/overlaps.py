"""What others have just sent to the people of an audience: a warning, told in full only within the reader's sight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import CTE, ColumnElement, distinct, exists, func, literal, null, or_, select, union_all
from sqlalchemy.orm import Session

from webapp.access import MAY, AccessScope, Right
from webapp.db.sql import id_in
from webapp.messaging.audience import Audience
from webapp.models import Delivery, LogSubject, Message, User

OVERLAP_WITHIN = timedelta(minutes=2)
"""Somebody else's sending to the same people this recently is worth a warning (traps 22, 23)."""


@dataclass(frozen=True)
class Overlap:
    """A recent sending that reached people of this audience too."""

    message: Message
    persons: int


def overlaps(
    session: Session, reader: User, scope: AccessScope, audience: Audience, now: datetime
) -> tuple[list[Overlap], int]:
    """Recent sendings that the reader may see, newest first; and how many persons the others reached.

    `within` is where the reader may send.
    """
    recent = _recent(reader, scope, now)
    reached = (
        select(recent.c.number, recent.c.visible, Delivery.user_id)
        .join(Delivery, Delivery.message_id == recent.c.number)
        .where(id_in(Delivery.user_id, audience.persons))
        .cte()
    )
    told = select(reached.c.number, func.count().label("persons")).where(reached.c.visible).group_by(reached.c.number)
    untold = select(null(), func.count(distinct(reached.c.user_id))).where(~reached.c.visible)
    counted = union_all(told, untold).subquery()
    rows = session.execute(
        select(Message, counted.c.persons)
        .select_from(counted)
        .outerjoin(Message, Message.id == counted.c.number)
        .order_by(Message.id.desc())
    ).all()
    seen = [Overlap(message, persons) for message, persons in rows if message is not None]
    return seen, sum(persons for message, persons in rows if message is None)


def _recent(reader: User, scope: AccessScope, now: datetime) -> CTE:
    """Number of each recent message, and whether the reader may see it: asked once for each, not for each person."""
    recent = select(Message.id.label("number"), _visible(reader, scope).label("visible"))
    return recent.where(Message.sent_at > now - OVERLAP_WITHIN).cte().prefix_with("MATERIALIZED")


def _visible(reader: User, scope: AccessScope) -> ColumnElement[bool]:
    """What the log shows them, and what concerns nobody but those whom they may send to."""
    if reader.is_admin:  # sees all of the log
        return literal(value=True)
    reading = {test_id: role for test_id, role in scope.roles.items() if role in MAY[Right.READ_LOG]}
    rooms = {test_id: room for test_id, room in scope.rooms.items() if test_id in reading}
    in_log = replace(scope, roles=reading, rooms=rooms).condition(LogSubject)
    of_message = LogSubject.entry_id == Message.id
    beyond = exists().where(of_message, ~scope.condition(LogSubject))
    return or_(Message.sender_id == reader.id, exists().where(of_message, in_log), ~beyond)
