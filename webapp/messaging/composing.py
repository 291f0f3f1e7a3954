"""What the compose dialog says before anything is sent: who is reached, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, distinct, func, select
from sqlalchemy.orm import Session

from webapp.access import Right, reach
from webapp.messaging.audience import Audience, Selection, find
from webapp.messaging.refusals import NoRecipients, Part, TooManyRecipients
from webapp.models import Candidacy, Delivery, Message, Test, User
from webapp.models.derived import is_online
from webapp.monitor.words import filter_in_words
from webapp.refusals import NotAllowed

FIRST_NAMES = 3
OVERLAP_WITHIN = timedelta(minutes=2)
"""Somebody else's sending to the same people this recently is worth a warning (traps 22, 23)."""


@dataclass(frozen=True)
class Place:
    """One room of one test in the breakdown."""

    test: str
    room: str
    persons: int


@dataclass(frozen=True)
class Overlap:
    """A recent sending that reached people of this audience too."""

    message: Message
    persons: int


@dataclass(frozen=True)
class Preview:
    """Everything the dialog shows of an audience."""

    words: list[str]
    """The filter's conditions, for chips; empty if nothing was filtered or candidates were picked."""
    candidacies: int
    persons: int
    online: int
    names: list[str]
    """The first few."""
    places: list[Place]
    tests: list[tuple[int, str]]
    overlaps: list[Overlap]
    limit: int
    parts: list[Part]
    """Only above the limit: what to send to instead."""
    audience: Audience | None
    """None above the limit or if nobody is reached: then there is nothing to send."""


def preview(session: Session, sender: User, selection: Selection, *, now: datetime, limit: int) -> Preview:
    """Look at an audience; too many and nobody are shown, not raised.

    Raises `NotAllowed` if the sender has no open test, `NotFound` or `AudienceChanged` for a list that is not
    wholly within reach.
    """
    within = reach(session, sender, Right.SEND, now)
    if not within:
        raise NotAllowed("no test of this person is open for sending")
    audience, too_many = None, []
    try:
        audience = find(session, selection, within, now, limit)
    except TooManyRecipients as refusal:
        too_many = refusal.parts
    except NoRecipients:
        too_many = []
    query = selection.query(within, now)
    persons = func.count(distinct(Candidacy.user_id))
    counts = session.execute(
        query.with_only_columns(func.count(Candidacy.id), persons, persons.filter(is_online(now)))
    ).one()
    return Preview(
        words=filter_in_words(session, selection.filter) if selection.listed is None else [],
        candidacies=counts[0],
        persons=counts[1],
        online=counts[2],
        names=_first_names(session, query),
        places=_places(session, query),
        tests=_tests(session, query),
        overlaps=_overlaps(session, query, now) if audience else [],
        limit=limit,
        parts=too_many,
        audience=audience,
    )


def _first_names(session: Session, query: Select[Any]) -> list[str]:
    names = query.with_only_columns(User.name, User.id).group_by(User.id, User.name).order_by(User.name, User.id)
    return [row.name for row in session.execute(names.limit(FIRST_NAMES))]


def _places(session: Session, query: Select[Any]) -> list[Place]:
    rows = session.execute(
        query.with_only_columns(Test.title, Candidacy.room, func.count(distinct(Candidacy.user_id)))
        .group_by(Test.id, Test.title, Candidacy.room)
        .order_by(Test.title, Test.id, Candidacy.room)
    )
    return [Place(*row) for row in rows]


def _tests(session: Session, query: Select[Any]) -> list[tuple[int, str]]:
    rows = session.execute(query.with_only_columns(Test.id, Test.title).distinct().order_by(Test.title, Test.id))
    return [(test_id, title) for test_id, title in rows]


def _overlaps(session: Session, query: Select[Any], now: datetime) -> list[Overlap]:
    people = query.with_only_columns(Candidacy.user_id)
    rows = session.execute(
        select(Message, func.count())
        .join(Delivery, Delivery.message_id == Message.id)
        .where(Message.sent_at > now - OVERLAP_WITHIN, Delivery.user_id.in_(people))
        .group_by(Message.id)
        .order_by(Message.id.desc())
    )
    return [Overlap(message, persons) for message, persons in rows]
