"""What the compose dialog shows of an audience: who is reached, in words and numbers, and by whom just before."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Select, case, distinct, exists, func, or_, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.db.sql import id_in
from webapp.logbook.reading import log_scope
from webapp.messaging.audience import Selection, Shown, check_audience, sender_scope
from webapp.messaging.exceptions import NoRecipients, TooManyRecipients
from webapp.models import Candidacy, Delivery, LogEntry, LogSubject, Message, Role, Test, User
from webapp.models.status import State, is_online, state
from webapp.monitor.filters import CHOICES, Filter
from webapp.monitor.query import looks_at_few_tests
from webapp.monitor.words import candidate_in_words, filter_in_words, test_in_words

OVERLAP_WITHIN = timedelta(minutes=2)
STILL_WRITING = (State.WRITING, State.IDLE, State.OFFLINE, State.PAUSED)
"""Started and not ended."""
STATES = (*STILL_WRITING, State.TIME_UP, State.WAITING, State.NOT_ARRIVED, State.SUBMITTED, State.WITHDRAWN)
"""A person counts once, at the first of these of any of their candidacies."""
MOST_NAMES = 50


@dataclass(frozen=True)
class Switch:
    """Everyone in a list, and the part of them who are still writing: the dialog offers both."""

    everyone: Filter
    writing: Filter
    everyone_persons: int | None
    """None where counting them would take too long."""
    writing_persons: int
    is_writing: bool = False
    """Whether the dialog is for the part."""
    left_out: list[tuple[State, int]] = field(default_factory=list)
    """(state, persons) of those whom the part leaves out."""


@dataclass(frozen=True)
class Preview:
    """What the dialog shows of an audience; of one that is empty or too large, the first fields only."""

    selection: Selection
    words: list[str]
    """The conditions of the list's filter, for chips; empty if nothing was filtered or candidates were picked."""
    candidacies: int = 0
    persons: int = 0
    parts: list[tuple[Filter, str, int]] = field(default_factory=list)
    """(filter, label, persons); only above the limit: what to send to instead."""
    candidacy_ids: tuple[int, ...] = ()
    user_ids: frozenset[int] = frozenset()
    """Who is reached, each person once (R5); without any, nothing can be sent."""
    states: list[tuple[State, int]] = field(default_factory=list)
    """(state, persons)."""
    online: int = 0
    """Persons who see it at once."""
    offline: int = 0
    """Persons who are in progress and not heard of."""
    offline_names: list[str] = field(default_factory=list)
    """The first `MOST_NAMES` of them."""
    switch: Switch | None = None
    role: Role | None = None
    """The sender's, as the message will show it."""
    scope: AccessScope | None = None
    """Of the sender."""
    names: list[str] = field(default_factory=list)
    """The first few, each with candidate ID and seat."""
    places: list[tuple[str, str, int]] = field(default_factory=list)
    """(test, room, persons); the test with its date where two have the same title."""
    rooms: int = 0
    """How many rooms that is; nobody's room is none."""
    tests: list[tuple[int, str]] = field(default_factory=list)
    overlaps: list[tuple[Message, int]] = field(default_factory=list)
    """What others have just sent to these people, as far as the sender may see it, and to how many of them."""
    reached_unseen: int = 0
    """How many of these persons other recent messages reached."""

    def overlaps_beside(self, message: Message | None) -> list[tuple[Message, int]]:
        """`overlaps` without the message whose people are written to again: its sender knows of that one."""
        return [(other, persons) for other, persons in self.overlaps if message is None or other.id != message.id]

    @property
    def audience(self) -> Shown:
        """Whom the dialog shows."""
        return Shown(self.selection, self.candidacy_ids, self.user_ids)


def preview(
    session: Session, sender: User, selection: Selection, *, now: datetime, limit: int, whole: Filter | None = None
) -> Preview:
    """Look at an audience; too many and nobody are shown, not raised. `whole` is the list that it is a part of.

    Raises as `sender_scope`, and `NotFound` or `AudienceChanged` for a list that is not wholly within reach.
    """
    scope = sender_scope(session, sender, now)
    selection = selection.resolve_phrase(session, sender, now)
    whole = _whole_list(selection, whole)
    shown = selection.filter if whole is None else whole
    words = filter_in_words(session, shown) if selection.listed is None else []
    try:
        check_audience(session, selection, scope, now, limit)
    except TooManyRecipients as refusal:
        parts = split_audience(session, selection.query(scope, now), selection.filter)
        switch = _switch(session, selection, scope, now, whole, refusal.persons)
        return Preview(selection, words, refusal.candidacies, refusal.persons, parts, switch=switch)
    except NoRecipients:
        return Preview(selection, words, switch=_switch(session, selection, scope, now, whole, 0, Counter()))
    query = selection.query(scope, now).with_only_columns(*_columns(now))
    rows = session.execute(query.order_by(User.name, User.id, Candidacy.id)).all()
    persons = [_Person([*candidacies]) for _, candidacies in groupby(rows, lambda row: row.user_id)]
    states = Counter(person.state for person in persons)
    offline = [person.name for person in persons if person.state is State.OFFLINE and not person.is_online]
    user_ids = frozenset(row.user_id for row in rows)
    overlaps, reached_unseen = _find_overlaps(session, sender, scope, user_ids, now)
    tests = {(row.test_id, row.title) for row in rows}
    return Preview(
        selection,
        words,
        candidacies=len(rows),
        persons=len(persons),
        candidacy_ids=tuple(sorted(row.id for row in rows)),
        user_ids=user_ids,
        states=[(each, states[each]) for each in STATES if states[each]],
        online=sum(person.is_online for person in persons),
        offline=len(offline),
        offline_names=offline[:MOST_NAMES],
        switch=_switch(session, selection, scope, now, whole, len(persons), states),
        role=scope.highest_role({test_id for test_id, _ in tests}),
        scope=scope,
        names=[person.name for person in persons[:3]],
        places=_places(rows),
        rooms=len({row.room for row in rows} - {""}),
        tests=sorted(tests, key=lambda test: (test[1], test[0])),
        overlaps=overlaps,
        reached_unseen=reached_unseen,
    )


@dataclass(frozen=True)
class _Person:
    """Somebody who is reached, and their rows."""

    candidacies: list[Any]

    @property
    def state(self) -> State:
        return min((State(row.state) for row in self.candidacies), key=STATES.index)

    @property
    def is_online(self) -> bool:
        return any(row.online for row in self.candidacies)

    @property
    def name(self) -> str:
        first = self.candidacies[0]
        return candidate_in_words(first.name, first.number, first.seat)


def _switch(
    session: Session,
    selection: Selection,
    scope: AccessScope,
    now: datetime,
    whole: Filter | None,
    persons: int,
    states: Counter[State] | None = None,
) -> Switch | None:
    """The switch of a list's dialog, whose audience has `persons`; None where both audiences would be the same.

    `states` are those of the persons, where they are known.
    """
    if selection.listed is not None:
        return None
    everyone = selection.filter if whole is None else whole
    writing = _still_writing(everyone)
    if writing is None or writing == everyone:
        return None
    if whole is not None:
        left_out, all_persons = _left_out(session, Selection(everyone), scope, now)
        return Switch(everyone, writing, all_persons, persons, is_writing=True, left_out=left_out)
    if states is None:
        still = _count_persons(session, Selection(writing), scope, now)
    else:
        still = sum(states[each] for each in STILL_WRITING)
    return Switch(everyone, writing, persons, still) if still and still != persons else None


def _whole_list(selection: Selection, whole: Filter | None) -> Filter | None:
    """`whole`, unless the selection is no such part of it."""
    if whole is None:
        return None
    whole = replace(whole, by_words=selection.filter.by_words)
    return whole if _still_writing(whole) == selection.filter else None


def _still_writing(everyone: Filter) -> Filter | None:
    """Those in a list who have started and not ended; None where the list has no such state."""
    part = [each for each in State if each in STILL_WRITING and each in (everyone.values("state") or STILL_WRITING)]
    return everyone.with_values("state", part) if part else None


def _count_persons(session: Session, selection: Selection, scope: AccessScope, now: datetime) -> int:
    query = selection.query(scope, now).with_only_columns(func.count(distinct(Candidacy.user_id)))
    return session.scalar(query) or 0


def _left_out(
    session: Session, everyone: Selection, scope: AccessScope, now: datetime
) -> tuple[list[tuple[State, int]], int | None]:
    """(state, persons) of those in a list who have ended or not begun, and how many persons the list has."""
    if not looks_at_few_tests(scope, everyone.filter):
        return [], None
    place = case({each.value: place for place, each in enumerate(STATES)}, value=state(now))
    first = func.min(place).label("first")
    persons = everyone.query(scope, now).with_only_columns(first).group_by(Candidacy.user_id).subquery()
    counted = session.execute(select(persons.c.first, func.count()).group_by(persons.c.first)).all()
    states = {STATES[place]: count for place, count in sorted(counted)}
    return [(each, count) for each, count in states.items() if each not in STILL_WRITING], sum(states.values())


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
    return [
        *(Candidacy.id, Candidacy.user_id, Candidacy.number, Candidacy.room, Candidacy.seat, User.name),
        *(Test.id.label("test_id"), Test.title, Test.start_date),
        *(is_online(now).label("online"), state(now).label("state")),
    ]


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
        Delivery.message_id.in_(messages), id_in(Delivery.user_id, user_ids, many=True)
    )
    for number, user_id in session.execute(deliveries):
        reached[number].add(user_id)
    beyond = exists().where(LogSubject.entry_id == LogEntry.id, ~scope.condition(LogSubject))
    is_visible = or_(log_scope(session, reader, now).entries, ~beyond)
    visible = set(session.scalars(select(LogEntry.id).where(LogEntry.id.in_(messages), is_visible)))
    seen = [(message, len(reached[number])) for number, message in messages.items() if number in visible]
    unseen = set().union(*(reached[number] for number in messages.keys() - visible))
    return [(message, persons) for message, persons in seen if persons], len(unseen)
