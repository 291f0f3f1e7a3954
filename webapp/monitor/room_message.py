"""Which message was for a whole room: what its hall display may show.

Simple statements, and the comparison in Python: PostgreSQL that has no statistics yet joins a hall's candidacies with a
message's subjects one by one, which takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from webapp.models import Candidacy, LogEntry, LogSubject, Message
from webapp.models.correction_tree import tree_of

FEW = 5
"""Fewer people than that may be meant as themselves: a message to them counts if its filter names places and states
only."""
OF_A_PLACE = {"test", "room", "state", "progress"}
MOST_LOOKED_AT = 500
MOVED = "candidate.room"


def latest_room_message(
    session: Session, place: ColumnElement[bool], test_ids: Collection[int], since: datetime
) -> Message | None:
    """The newest message to a whole place after `since`: a condition on candidacies of these tests, such as a room's.

    It has reached everybody there who was in progress or waiting when it was sent, as its log entry says. What was
    withdrawn does not count, nor what was corrected, be it for a part of them (R30): a correction to all is newer.
    """
    for number, persons in _messages_to_all(session, place, test_ids, since):
        message = session.get_one(Message, number)
        tree = tree_of(session, message)
        is_newest = message.id == max(tree)
        if is_newest and message.withdrawn_at is None and (persons >= FEW or _is_for_a_place(tree[min(tree)])):
            return message
    return None


def _messages_to_all(
    session: Session, place: ColumnElement[bool], test_ids: Collection[int], since: datetime
) -> Iterator[tuple[int, int]]:
    """Their numbers, newest first, each with the number of those whom it has reached there."""
    messages = session.execute(_recent(test_ids, since)).all()
    columns = Candidacy.entered_at, Candidacy.started_at, Candidacy.submitted_at, Candidacy.withdrawn_at
    rows = session.execute(select(Candidacy.id, *columns).where(place)).all() if messages else ()
    came = _arrivals(session, place, since) if messages else {}
    for number, sent_at, candidacies in messages:
        there = {row.id for row in rows if _was_there(row, sent_at) and came.get(row.id, 0) <= number}
        if 0 < len(there) <= candidacies and there <= _subjects(session, number):
            yield number, len(there)


def _recent(test_ids: Collection[int], since: datetime) -> Select[int, datetime, int]:
    """The messages that concern these tests."""
    # with a limit it is looked up for each message; PostgreSQL would collect all subjects of the tests for an EXISTS
    concerns = select(LogSubject.entry_id).where(LogSubject.entry_id == Message.id, LogSubject.test_id.in_(test_ids))
    query = select(Message.id, Message.sent_at, Message.candidacies).where(
        Message.sent_at >= since, concerns.limit(1).correlate(Message).scalar_subquery().is_not(None)
    )
    return query.order_by(Message.id.desc()).limit(MOST_LOOKED_AT)


def _was_there(row: Any, moment: datetime) -> bool:
    """Whether somebody was waiting or in progress."""
    has_come = any(at is not None and at <= moment for at in (row.entered_at, row.started_at))
    return has_come and all(at is None or at > moment for at in (row.submitted_at, row.withdrawn_at))


def _arrivals(session: Session, place: ColumnElement[bool], since: datetime) -> dict[int, int]:
    """Candidacy id → the last log entry by which it came from another room."""
    moves = session.scalars(select(LogEntry.id).where(LogEntry.at >= since, LogEntry.action == MOVED)).all()
    if not moves:
        return {}
    arrived = (
        select(LogSubject.candidacy_id, LogSubject.entry_id)
        .join(Candidacy, Candidacy.id == LogSubject.candidacy_id)
        .where(LogSubject.entry_id.in_(moves), place, LogSubject.room != Candidacy.room)  # that of before
    )
    return {row.candidacy_id: row.entry_id for row in session.execute(arrived.order_by(LogSubject.entry_id))}


def _subjects(session: Session, number: int) -> set[int]:
    return set(session.scalars(select(LogSubject.candidacy_id).where(LogSubject.entry_id == number)))


def _is_for_a_place(message: Message) -> bool:
    """Whether a filter chose the recipients that no single person can be meant by."""
    audience = json.loads(message.audience)
    return audience.get("scope") == "filtered" and {name for name, _ in audience["filter"]} <= OF_A_PLACE
