"""What the compose dialog shows of an audience: who is reached, in words and numbers, and by whom just before."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Select, and_, case, distinct, exists, func, or_, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.db.sql import id_in
from webapp.logbook.reading import log_scope
from webapp.messaging.audience import Selection, check_audience, sender_scope
from webapp.messaging.exceptions import NoRecipients, TooManyRecipients
from webapp.models import Candidacy, Delivery, LogEntry, LogSubject, Message, Test, User
from webapp.models.status import is_online, is_writing, own_end, progress
from webapp.monitor.filters import CHOICES, Filter
from webapp.monitor.words import candidate_in_words, filter_in_words, test_in_words

OVERLAP_WITHIN = timedelta(minutes=2)
STAGES = ("in_progress", "time_up", "paused", "dashboard", "inactive", "submitted", "blank", "withdrawn")
"""Progress, and `time_up`: started, not submitted, and the own end has passed."""


@dataclass(frozen=True)
class Preview:
    """What the dialog shows of an audience; of one that is empty or too large, the first fields only."""

    selection: Selection
    words: list[str]
    """The filter's conditions, for chips; empty if nothing was filtered or candidates were picked."""
    candidacies: int = 0
    persons: int = 0
    parts: list[tuple[Filter, str, int]] = field(default_factory=list)
    """(filter, label, persons); only above the limit: what to send to instead."""
    candidacy_ids: tuple[int, ...] = ()
    user_ids: frozenset[int] = frozenset()
    """Who is reached, each person once (R5); without any, nothing can be sent."""
    stages: list[tuple[str, int, int]] = field(default_factory=list)
    """(stage, persons, online). A person counts once, at the first of `STAGES` of any of their candidacies."""
    scope: AccessScope | None = None
    """Of the sender."""
    names: list[str] = field(default_factory=list)
    """The first few, each with candidate ID and seat."""
    places: list[tuple[str, str, int]] = field(default_factory=list)
    """(test, room, persons); the test with its date where two have the same title."""
    tests: list[tuple[int, str]] = field(default_factory=list)
    overlaps: list[tuple[Message, int]] = field(default_factory=list)
    """What others have just sent to these people, as far as the sender may see it, and to how many of them."""
    reached_unseen: int = 0
    """How many of these persons other recent messages reached."""


def preview(session: Session, sender: User, selection: Selection, *, now: datetime, limit: int) -> Preview:
    """Look at an audience; too many and nobody are shown, not raised.

    Raises as `sender_scope`, and `NotFound` or `AudienceChanged` for a list that is not wholly within reach.
    """
    scope = sender_scope(session, sender, now)
    selection = selection.resolve_phrase(session, sender, now)
    words = filter_in_words(session, selection.filter) if selection.listed is None else []
    try:
        check_audience(session, selection, scope, now, limit)
    except TooManyRecipients as refusal:
        parts = split_audience(session, selection.query(scope, now), selection.filter)
        return Preview(selection, words, refusal.candidacies, refusal.persons, parts)
    except NoRecipients:
        return Preview(selection, words)
    query = selection.query(scope, now).with_only_columns(*_columns(now))
    rows = session.execute(query.order_by(User.name, User.id, Candidacy.id)).all()
    persons = [[*candidacies] for _, candidacies in groupby(rows, lambda row: row.user_id)]
    user_ids = frozenset(row.user_id for row in rows)
    overlaps, reached_unseen = _find_overlaps(session, sender, scope, user_ids, now)
    return Preview(
        selection,
        words,
        candidacies=len(rows),
        persons=len(persons),
        candidacy_ids=tuple(sorted(row.id for row in rows)),
        user_ids=user_ids,
        stages=_stages(persons),
        scope=scope,
        names=[candidate_in_words(first.name, first.number, first.seat) for first, *_ in persons[:3]],
        places=_places(rows),
        tests=sorted({(row.test_id, row.title) for row in rows}, key=lambda test: (test[1], test[0])),
        overlaps=overlaps,
        reached_unseen=reached_unseen,
    )


def split_audience(session: Session, query: Select[Any], filter: Filter) -> list[tuple[Filter, str, int]]:
    """An audience by room, or by test or group if all are in one room: the parts to send to one by one."""
    parts: list[tuple[Filter, str, int]] = []
    for name in ("room", "test", "group"):
        column = CHOICES[name].text_column
        value, label = (Candidacy.test_id, Test.title) if column is None else (column, column)
        counted = query.with_only_columns(value, label, func.count(distinct(Candidacy.user_id)))
        rows = session.execute(counted.group_by(value, label).order_by(label))
        parts = [(filter.narrowed(name, str(key)), words, persons) for key, words, persons in rows]
        if len(parts) > 1:
            break
    return parts


def _columns(now: datetime) -> list[Any]:
    stage = case((and_(is_writing(), own_end() <= now), "time_up"), else_=progress())
    return [
        *(Candidacy.id, Candidacy.user_id, Candidacy.number, Candidacy.room, Candidacy.seat, User.name),
        *(Test.id.label("test_id"), Test.title, Test.start_date),
        *(is_online(now).label("online"), stage.label("stage")),
    ]


def _stages(persons: list[list[Any]]) -> list[tuple[str, int, int]]:
    counts: Counter[str] = Counter()
    online: Counter[str] = Counter()
    for candidacies in persons:
        stage = min((row.stage for row in candidacies), key=STAGES.index)
        counts[stage] += 1
        online[stage] += any(row.online for row in candidacies)
    return [(stage, counts[stage], online[stage]) for stage in STAGES if counts[stage]]


def _places(rows: Sequence[Any]) -> list[tuple[str, str, int]]:
    seats = {(row.title, row.start_date, row.room, row.user_id) for row in rows}
    persons = Counter(seat[:3] for seat in seats)
    titles = [title for title, _ in {(title, day) for title, day, _ in persons}]
    return [(test_in_words(title, day, titles), room, count) for (title, day, room), count in sorted(persons.items())]


def _find_overlaps(
    session: Session, reader: User, scope: AccessScope, user_ids: Iterable[int], now: datetime
) -> tuple[list[tuple[Message, int]], int]:
    """Recent sendings that the reader may see, newest first; and how many persons the others reached.

    The reader sees those that the log shows them, and those that concern only people within `scope`, where they may
    send.
    """
    recent = select(Message).where(Message.sent_at > now - OVERLAP_WITHIN).order_by(Message.id.desc())
    messages = {message.id: message for message in session.scalars(recent)}
    if not messages:
        return [], 0
    reached: dict[int, set[int]] = {number: set() for number in messages}
    deliveries = select(Delivery.message_id, Delivery.user_id).where(
        Delivery.message_id.in_(messages), id_in(Delivery.user_id, user_ids)
    )
    for number, user_id in session.execute(deliveries):
        reached[number].add(user_id)
    beyond = exists().where(LogSubject.entry_id == LogEntry.id, ~scope.condition(LogSubject))
    is_visible = or_(log_scope(session, reader, now).entries, ~beyond)
    visible = set(session.scalars(select(LogEntry.id).where(LogEntry.id.in_(messages), is_visible)))
    seen = [(message, len(reached[number])) for number, message in messages.items() if number in visible]
    unseen = set().union(*(reached[number] for number in messages.keys() - visible))
    return [(message, persons) for message, persons in seen if persons], len(unseen)
