"""Which message was for a whole room: what its hall display may show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from webapp.models import Candidacy, LogEntry, LogSubject, Message

FEW = 5
"""Fewer people than that may be meant as themselves: a message to them counts if its filter names places and states
only."""
OF_A_PLACE = {"test", "room", "state", "progress"}
MOST_LOOKED_AT = 20
MOVED = "candidate.room"


def latest_room_message(session: Session, place: ColumnElement[bool], since: datetime) -> Message | None:
    """The newest message to the whole place after `since`: a condition on candidacies, such as those in a room.

    It has reached everybody there who was in progress or waiting when it was sent, as its log entry says. What was
    withdrawn does not count, nor what was corrected, be it for a part of them (R30): a correction to all is newer.
    """
    for message, persons in _messages_to_all(session, place, since):
        first, newest = _ends_of_tree(session, message)
        if newest.id == message.id and message.withdrawn_at is None and (persons >= FEW or _is_for_a_place(first)):
            return message
    return None


def _messages_to_all(session: Session, place: ColumnElement[bool], since: datetime) -> Iterator[Row[Message, int]]:
    """Newest first, each with the number of those whom it has reached there."""
    was_there = and_(
        place,
        or_(Candidacy.entered_at <= Message.sent_at, Candidacy.started_at <= Message.sent_at),
        or_(Candidacy.submitted_at.is_(None), Candidacy.submitted_at > Message.sent_at),
        or_(Candidacy.withdrawn_at.is_(None), Candidacy.withdrawn_at > Message.sent_at),
    )
    is_subject = exists().where(LogSubject.entry_id == Message.id, LogSubject.candidacy_id == Candidacy.id)
    came_later = (
        exists()
        .where(LogSubject.candidacy_id == Candidacy.id, LogSubject.entry_id > Message.id)
        .where(LogSubject.room != Candidacy.room)  # the one of before
        .where(LogEntry.id == LogSubject.entry_id, LogEntry.action == MOVED)
    )
    left_out = exists().where(was_there, ~is_subject.correlate(Message, Candidacy))
    left_out = left_out.where(~came_later.correlate(Message, Candidacy)).correlate(Message)
    reached = (
        select(func.count(Candidacy.id))
        .join(LogSubject, and_(LogSubject.entry_id == Message.id, LogSubject.candidacy_id == Candidacy.id))
        .where(was_there)
        .correlate(Message)
        .scalar_subquery()
    )
    query = select(Message, reached).where(Message.sent_at >= since, ~left_out, reached > 0)
    yield from session.execute(query.order_by(Message.id.desc()).limit(MOST_LOOKED_AT))


def _is_for_a_place(message: Message) -> bool:
    """Whether a filter chose the recipients that no single person can be meant by."""
    audience = json.loads(message.audience)
    return audience.get("scope") == "filtered" and {name for name, _ in audience["filter"]} <= OF_A_PLACE


def _ends_of_tree(session: Session, message: Message) -> tuple[Message, Message]:
    """The message that was corrected first, and the newest of its corrections and of theirs; itself without any."""
    first = message
    while first.corrects_id is not None:
        first = session.get_one(Message, first.corrects_id)
    newest, found = first, [first.id]
    while found:
        corrections = session.scalars(select(Message).where(Message.corrects_id.in_(found))).all()
        newest = max([newest, *corrections], key=lambda one: one.id)
        found = [one.id for one in corrections]
    return first, newest
