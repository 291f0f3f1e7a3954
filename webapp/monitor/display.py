"""The hall display: the time in a room, for all who sit in it. It counts, and names nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.access import ENTRY_BEFORE_START, AccessScope
from webapp.exceptions import BadParameter
from webapp.models import Candidacy, Incident, IncidentCandidacy, Message, Test
from webapp.models.status import own_end
from webapp.monitor.filters import Filter, parse_filter
from webapp.monitor.incidents import IS_IN_IT
from webapp.monitor.query import check_values, conditions, select_candidacies
from webapp.monitor.room_message import latest_room_message
from webapp.monitor.words import titles_of
from webapp.text.normalization import natural_sort_key
from webapp.web.staff_bar import time_left_in_words
from webapp.web.templating import current_locale, installation_zone, local

MOST_ENDS = 5
"""Own ends in a line of their own; the later ones share one."""
LONGEST_TEXT = 600
MOST_LINES = 8
"""Of a message: more of it could not be read from the back."""


class OwnEnd(NamedTuple):
    """Those who have until the same moment, and have neither submitted nor been withdrawn."""

    at: datetime
    test_id: int
    candidates: int
    started: int
    paused: int


class Pause(NamedTuple):
    """That a room is paused, or a part of it by an incident, which gives the time back."""

    since: datetime
    is_incident: bool
    candidates: int
    """How many are paused."""
    is_whole: bool
    """Whether all are who have started and not submitted."""


@dataclass(frozen=True)
class HallDisplay:
    """What the display of some tests, or of rooms of them, shows at a moment."""

    now: datetime
    filter: Filter
    """Tests and rooms only."""
    tests: Sequence[Test]
    rooms: Sequence[str]
    """Empty for all rooms."""
    ends: Sequence[OwnEnd]
    later: OwnEnd | None
    """The others together, with the last end."""
    pause: Pause | None
    message: Message | None
    titles: dict[str, str]
    """Test id → title."""

    @property
    def clock(self) -> str:
        """Now, to the minute."""
        return f"{local(self.now):%H:%M}"

    @property
    def is_early(self) -> bool:
        """Before the start of all of its tests."""
        return all(test.starts_at > self.now for test in self.tests)

    @property
    def starts_at(self) -> datetime:
        """When the first of its tests begins."""
        return min(test.starts_at for test in self.tests)

    @property
    def is_closed(self) -> bool:
        """All of its tests are closed."""
        return all(test.closed_at is not None for test in self.tests)

    def left(self, moment: datetime) -> str:
        """Such as "1 h 12 min left"; empty for a moment that has passed."""
        return time_left_in_words(moment, self.now) if moment > self.now else ""

    @property
    def text(self) -> str:
        """As much of the message's text as can be read from the back of a hall."""
        body = self.message.body if self.message else ""
        shown = "\n".join(body.splitlines()[:MOST_LINES])
        if len(shown) > LONGEST_TEXT:
            shown = shown[:LONGEST_TEXT].rsplit(" ", 1)[0]
        return shown if shown == body else f"{shown.rstrip()} …"

    @property
    def length(self) -> str:
        """How much text that is: the more, the smaller it is written."""
        size = len(self.text) + (len(self.message.subject) if self.message else 0)
        lines = self.text.count("\n") + 1
        return "short" if size <= 140 and lines <= 2 else "medium" if size <= 350 and lines <= 5 else "long"

    @cached_property
    def tag(self) -> str:
        """A digest of all that is shown: it changes with the minute, and a page that has it gets nothing (R19)."""
        tests = [(test.starts_at, test.closed_at) for test in self.tests]
        message = self.message and (self.message.id, self.message.subject)
        minute = self.now.replace(second=0, microsecond=0)
        shown = minute, current_locale(), self.titles, tests, self.rooms, self.ends, self.later, self.pause, message
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]


def parse_place(args: MultiDict[str, str]) -> Filter:
    """The tests and rooms that an address names. Raises `BadParameter` for anything else, and for rooms of no test."""
    for name in args:
        if name not in ("test", "room"):
            raise BadParameter(name)
    filter = parse_filter(args, installation_zone())
    if filter and not filter.values("test"):
        raise BadParameter("test", "")
    return filter


def load_display(session: Session, scope: AccessScope, filter: Filter, now: datetime) -> HallDisplay:
    """The display of the tests and rooms of a filter. Raises `BadParameter` for one that is not in scope (R6)."""
    check_values(session, scope, filter)
    ids = [int(value) for value in filter.values("test")]
    tests = session.scalars(select(Test).where(Test.id.in_(ids)).order_by(Test.starts_at, Test.id)).all()
    limited = [scope.rooms[number] for number in ids if number in scope.rooms and not scope.everything]
    rooms = filter.values("room") or (sorted(set(limited)) if len(limited) == len(ids) else ())
    ends = _own_ends(session, scope, filter, now)
    place = and_(*conditions(scope, filter, now))
    since = min(test.starts_at for test in tests) - ENTRY_BEFORE_START
    return HallDisplay(
        now=now,
        filter=filter,
        tests=tests,
        rooms=sorted(rooms, key=natural_sort_key),
        ends=ends[:MOST_ENDS],
        later=_together(ends[MOST_ENDS:]),
        pause=_find_pause(session, scope, filter, now, ends),
        message=latest_room_message(session, place, ids, since),
        titles=titles_of(session, filter),
    )


def _own_ends(session: Session, scope: AccessScope, filter: Filter, now: datetime) -> list[OwnEnd]:
    """In order of time."""
    columns = (
        *(own_end().label("at"), Candidacy.test_id, func.count()),
        func.sum(case((Candidacy.started_at.is_not(None), 1), else_=0)),
        func.sum(case((and_(Candidacy.started_at.is_not(None), Candidacy.paused_at.is_not(None)), 1), else_=0)),
    )
    query = select_candidacies(scope, filter, now).with_only_columns(*columns, maintain_column_froms=True)
    query = query.where(Candidacy.submitted_at.is_(None), Candidacy.withdrawn_at.is_(None))
    rows = session.execute(query.group_by("at", Candidacy.test_id).order_by("at", Candidacy.test_id))
    return [OwnEnd(*row) for row in rows]


def _together(ends: Sequence[OwnEnd]) -> OwnEnd | None:
    if not ends:
        return None
    started, paused = sum(end.started for end in ends), sum(end.paused for end in ends)
    return ends[-1]._replace(candidates=sum(end.candidates for end in ends), started=started, paused=paused)


def _find_pause(
    session: Session, scope: AccessScope, filter: Filter, now: datetime, ends: Sequence[OwnEnd]
) -> Pause | None:
    """By an incident that has not ended; or by hand, if nobody there goes on: a single person is nobody's business."""
    started, paused = sum(end.started for end in ends), sum(end.paused for end in ends)
    if not paused:
        return None
    inside = select_candidacies(scope, filter, now)
    by_incident = (
        inside.join(IncidentCandidacy, IncidentCandidacy.candidacy_id == Candidacy.id)
        .join(Incident, Incident.id == IncidentCandidacy.incident_id)
        .where(Incident.ended_at.is_(None), IS_IN_IT)
        .with_only_columns(func.min(Incident.started_at), func.count(), maintain_column_froms=True)
    )
    row = session.execute(by_incident).one()
    if row[1]:
        return Pause(row[0], True, row[1], row[1] == started)
    if paused < started:
        return None
    still_there = Candidacy.submitted_at.is_(None), Candidacy.withdrawn_at.is_(None)
    last = inside.where(*still_there).with_only_columns(func.max(Candidacy.paused_at), maintain_column_froms=True)
    return Pause(session.scalar(last) or now, False, paused, True)


class Place(NamedTuple):
    """A test with the rooms that a person may show on a display."""

    test: Test
    rooms: list[str]


def places_to_show(session: Session, scope: AccessScope) -> list[Place]:
    """The tests that are open now, with the rooms of each in which candidates are."""
    shown = scope.open_now()
    query = select(Candidacy.test_id, Candidacy.room).where(shown.condition(), Candidacy.room != "").distinct()
    rooms: dict[int, list[str]] = {}
    for test_id, room in session.execute(query):
        rooms.setdefault(test_id, []).append(room)
    tests = (
        select(Test).where(shown.test_condition(), Test.id.in_(scope.open_tests)).order_by(Test.starts_at, Test.title)
    )
    return [Place(test, sorted(rooms.get(test.id, []), key=natural_sort_key)) for test in session.scalars(tests)]
