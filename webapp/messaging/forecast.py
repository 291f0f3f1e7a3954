"""Whom a later message would reach if it were due as things stand, and when: own ends as they are now (R29)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.access import AccessScope
from webapp.clock import utcnow
from webapp.messaging.audience import Selection, check_audience, sender_scope
from webapp.messaging.exceptions import AudienceChanged, BadTime, NoRecipients, Problem
from webapp.messaging.sending import Announce
from webapp.messaging.when import Timing, When
from webapp.models import Candidacy, Schedule, Test, User
from webapp.models.status import own_end
from webapp.monitor.filters import Filter, parse_filter
from webapp.monitor.words import candidate_in_words

LASTING = ("test", "room", "group")
"""The filters whose matches seldom change with the clock or with what candidates do."""
MOST_NAMES = 50
EVERYBODY = AccessScope(everything=True, roles={}, rooms={}, all_are_open=True)
"""Of no person: for the question whom anybody could reach."""


@dataclass(frozen=True)
class Installation:
    """What sending needs of the installation."""

    limit: int
    """In persons, of one batch."""
    zone: ZoneInfo
    announce: Announce
    clock: Callable[[], datetime] = utcnow
    """Asked again after waiting for the lock: what has become late meanwhile is not sent."""


class OwnEnd(NamedTuple):
    """A candidacy with its own end."""

    candidacy_id: int
    user_id: int
    end: datetime
    has_extra: bool
    """Whether extra or incident time has moved the end."""
    name: str
    number: str
    seat: str


@dataclass(frozen=True)
class Forecast:
    """When a message goes out to whom, as things stand."""

    timing: Timing
    scope: AccessScope
    selection: Selection
    """With its tests named; its phrase is resolved."""
    persons: int = 0
    """Who matches now, each person once."""
    usual: list[tuple[datetime, int]] = field(default_factory=list)
    """(due, persons) of those who have no extra time, soonest first."""
    extra: list[datetime] = field(default_factory=list)
    """When it is due for those who have."""
    extra_persons: int = 0
    late: list[OwnEnd] = field(default_factory=list)
    """Those who have fewer minutes left already, one candidacy of each person."""

    @property
    def late_names(self) -> list[str]:
        """The first `MOST_NAMES` of them."""
        return [candidate_in_words(end.name, end.number, end.seat) for end in self.late[:MOST_NAMES]]


def name_tests(selection: Selection, scope: AccessScope) -> Selection:
    """The selection with its tests named: without any, it means those that are open to its author now.

    Otherwise a message for an exam today would go to the exam of next week as well. Raises `NoRecipients` if no test is
    open.
    """
    if selection.listed is not None or selection.filter.values("test"):
        return selection
    tests = sorted(scope.open_now().roles)
    if not tests:
        raise NoRecipients("no test is open")
    return replace(selection, filter=selection.filter.with_values("test", map(str, tests)))


def lasting(selection: Selection) -> Selection:
    """The selection without what changes with the clock, or with what candidates do: whom it may reach one day."""
    conditions = {name: values for name, values in selection.filter.conditions.items() if name in LASTING}
    return replace(selection, filter=replace(selection.filter, conditions=conditions, by_words=False))


def stored(selection: Selection) -> str:
    """A selection as a schedule keeps it. Its phrase is resolved anew when it is due."""
    plain = replace(selection, filter=replace(selection.filter, by_words=False), frozen=None, shown=None)
    return json.dumps(plain.described(), sort_keys=True)


def restored(text: str, zone: ZoneInfo) -> Selection:
    """The selection that `stored()` has kept."""
    described: dict[str, Any] = json.loads(text)
    pairs = [(name, value) for name, value in described.get("filter", ())]
    filter = parse_filter(MultiDict(pairs), zone) if pairs else Filter(zone=zone)
    return Selection(filter, tuple(described["candidacies"]) if described["scope"] == "listed" else None)


def author_and_audience(session: Session, schedule: Schedule, zone: ZoneInfo) -> tuple[User, Selection]:
    """Whose rights count for a schedule, and what chooses its audience."""
    return session.get_one(User, schedule.author_id), restored(schedule.audience, zone)


def tests_of(session: Session, selection: Selection) -> set[int]:
    """The tests that a selection with named tests can concern, whoever looks."""
    if selection.listed is None:
        return {int(value) for value in selection.filter.values("test")}
    query = select(Candidacy.test_id).distinct().where(Candidacy.id.in_(selection.listed))
    return set(session.scalars(query))


def own_ends(session: Session, query: Select[Any]) -> list[OwnEnd]:
    """The candidacies of a selection's query with their own ends, by name."""
    has_extra = (Candidacy.extra_minutes + Candidacy.incident_minutes) > 0
    who = User.name, Candidacy.number, Candidacy.seat
    columns = Candidacy.id, Candidacy.user_id, own_end(), has_extra, *who
    rows = session.execute(query.with_only_columns(*columns).order_by(User.name, User.id, Candidacy.id))
    return [OwnEnd._make(row) for row in rows]


def look_ahead(
    session: Session, author: User, selection: Selection, when: When, *, now: datetime, installation: Installation
) -> Forecast:
    """What would become of a later message.

    Raises `BadTime` for a time at which nobody can get it, and as `sender_scope` and `check_audience`. That some of
    the picked candidates are out of reach is no reason: whoever is in reach when it is due gets it.
    """
    timing = when.timing(now, installation.zone)
    scope = sender_scope(session, author, now)
    selection = name_tests(replace(selection, frozen=None, shown=None), scope).resolve_phrase(session, author, now)
    may_match = own_ends(session, lasting(selection).query(scope, now))
    try:
        check_audience(session, selection, scope, now, installation.limit)
    except AudienceChanged:
        pass
    except NoRecipients:
        if not may_match:
            raise
    ends = own_ends(session, selection.query(scope, now))
    forecast = forecast_of(Forecast(timing, scope, selection), ends, now)
    if timing.at is not None:
        if not any(end.end > timing.at for end in may_match):
            raise BadTime({"at": Problem("ended")})
    elif not _upcoming(may_match, timing.before_end, now) and not (when.late and forecast.late):
        raise BadTime({"minutes": Problem("nobody")})
    return forecast


def forecast_of(forecast: Forecast, ends: Iterable[OwnEnd], now: datetime) -> Forecast:
    """The forecast with the times of these candidacies: of a person in several tests, the first to come."""
    ends = list(ends)
    persons = len({end.user_id for end in ends})
    if forecast.timing.at is not None:
        return replace(forecast, persons=persons)
    before_end = forecast.timing.before_end
    upcoming = _upcoming(ends, before_end, now)
    usual = Counter(end.end - before_end for end in upcoming.values() if not end.has_extra)
    extra = [end.end - before_end for end in upcoming.values() if end.has_extra]
    late = {end.user_id: end for end in ends if end.end > now and end.user_id not in upcoming}
    return replace(
        forecast,
        persons=persons,
        usual=sorted(usual.items()),
        extra=sorted(set(extra)),
        extra_persons=len(extra),
        late=list(late.values()),
    )


def _upcoming(ends: Iterable[OwnEnd], before_end: timedelta, now: datetime) -> dict[int, OwnEnd]:
    """User id → the candidacy whose message is due first, of those for whom it is still to come."""
    upcoming: dict[int, OwnEnd] = {}
    for end in ends:
        if end.end - before_end > now and (end.user_id not in upcoming or end.end < upcoming[end.user_id].end):
            upcoming[end.user_id] = end
    return upcoming


def rights_reason(session: Session, tests: Iterable[int]) -> str:
    """Why somebody may not write to candidates of these tests: `no_open_test` if all are closed, or `not_allowed`."""
    is_open = select(Test.id).where(Test.id.in_(list(tests)), Test.closed_at.is_(None)).limit(1)
    return "not_allowed" if session.scalar(is_open) else "no_open_test"
