"""What pages show of schedules: in the list above the messages, and on a page of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, and_, func, or_, select
from sqlalchemy.orm import Session

from webapp.access import Right, access_scope
from webapp.messaging.batches import has_it
from webapp.messaging.forecast import Forecast, author_and_audience, forecast_of, own_ends
from webapp.messaging.schedule_access import find_schedule, schedule_rights, version_of
from webapp.messaging.when import Timing, When
from webapp.models import Message, Schedule, ScheduledPerson, ScheduleState, User
from webapp.monitor.words import filter_in_words

MISSED_SHOWN_FOR = timedelta(hours=12)
"""How long a missed message stands above the sent ones."""


@dataclass(frozen=True)
class Overview:
    """A schedule in a list."""

    schedule: Schedule
    author_name: str
    persons: int
    """Who has got it."""
    missed: int
    """Who has not, because it could not go out when it was due."""
    may_change: bool

    @property
    def state(self) -> tuple[str, str, int, int]:
        """All that changes of what a list shows."""
        return version_of(self.schedule), self.schedule.state, self.persons, self.missed


@dataclass(frozen=True)
class Details(Overview):
    """A schedule on its page."""

    when: When
    """As its form shows it."""
    version: str
    words: list[str]
    """The conditions of its filter; empty for picked candidates."""
    picked: int
    """How many candidates were picked."""
    batches: Sequence[Message]
    forecast: Forecast
    """What is still to come, as things stand; nobody where its author may not send now."""


def open_schedules(session: Session, actor: User, now: datetime) -> list[Overview]:
    """The schedules that `actor` may see and that wait, or were missed in the last hours; the missed ones first."""
    is_waiting = Schedule.state == ScheduleState.WAITING
    is_missed = and_(Schedule.state == ScheduleState.MISSED, Schedule.ended_at > now - MISSED_SHOWN_FOR)
    return _overviews(session, actor, now, or_(is_waiting, is_missed))


def _overviews(session: Session, actor: User, now: datetime, shown: ColumnElement[bool]) -> list[Overview]:
    query = select(Schedule, User.name).join(User, User.id == Schedule.author_id).where(shown)
    found = session.execute(query.order_by(Schedule.state, Schedule.id)).all()  # "missed" comes before "waiting"
    if not found:
        return []
    rights = schedule_rights(session, actor, now)
    visible = [(each, name) for each, name in found if rights.may_see(session, each)]
    return [Overview(each, name, *_counts(session, each), rights.may_change(session, each)) for each, name in visible]


def _counts(session: Session, schedule: Schedule) -> tuple[int, int]:
    """How many persons have got it, and how many were missed."""
    counted = select(func.count(ScheduledPerson.message_id), func.sum(ScheduledPerson.missed.cast(Integer)))
    got, missed = session.execute(counted.where(ScheduledPerson.schedule_id == schedule.id)).one()
    return got, missed or 0


def schedule_details(session: Session, actor: User, schedule_id: int, now: datetime, zone: ZoneInfo) -> Details:
    """A schedule on its page. Raises `NotFound` for one that `actor` may not see."""
    schedule = find_schedule(session, actor, schedule_id, now)
    author, selection = author_and_audience(session, schedule, zone)
    scope = access_scope(session, author, Right.SEND, now)
    forecast = Forecast(Timing(schedule.at, schedule.minutes), scope, selection)
    if scope and schedule.state == ScheduleState.WAITING:
        selection = selection.resolve_phrase(session, author, now)
        ends = own_ends(session, selection.query(scope, now).where(~has_it(schedule.id)))
        forecast = forecast_of(replace(forecast, selection=selection), ends, now)
    return Details(
        schedule,
        author.name,
        *_counts(session, schedule),
        schedule_rights(session, actor, now).may_change(session, schedule),
        when=When.of(schedule.at, schedule.minutes, zone),
        version=version_of(schedule),
        words=filter_in_words(session, selection.filter),
        picked=len(selection.listed or ()),
        batches=session.scalars(select(Message).filter_by(schedule_id=schedule.id).order_by(Message.id)).all(),
        forecast=forecast,
    )
