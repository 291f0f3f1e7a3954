"""Own end, progress, status and warnings, derived in SQL from what is stored (definitions: PRODUCT.md, kept in docs/).

Each function gives an SQL expression over the rows of `sitting()`: candidacy, its test, its person, and the person's
presence where there is one. `now` is an aware moment, or `NOW` in a statement that is made once and gets it when it
runs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Join,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    join,
    or_,
    text,
    type_coerce,
)

from webapp.database import MICROSECOND, Instant
from webapp.models.exams import WRITTEN, Answer, Candidacy, Test
from webapp.models.people import User
from webapp.models.presence import Presence

OFFLINE_AFTER = timedelta(seconds=75)
"""Nobody heard of for this long is offline; pings come at every second beat, 30 s (R21 allows 90 s)."""
IDLE_AFTER = timedelta(minutes=10)
MINUTE = 60_000_000
NOW: BindParameter[datetime] = bindparam("now", type_=Instant)
Moment = datetime | BindParameter[datetime]


class Progress(StrEnum):
    """How far a candidate has come."""

    INACTIVE = "inactive"
    DASHBOARD = "dashboard"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    SUBMITTED = "submitted"
    BLANK = "blank"
    WITHDRAWN = "withdrawn"


class Warning(StrEnum):  # noqa: A001 the field's word
    """What an invigilator should look at, for running tests only."""

    OFFLINE = "offline"
    IDLE = "idle"
    TIMED_OUT = "timed_out"
    WAS_OFFLINE = "was_offline"


def sitting() -> Join:
    """Candidacy ⋈ test ⋈ person ⟕ presence: what every list of candidates is drawn from."""
    return (
        join(Candidacy, Test, Candidacy.test_id == Test.id)
        .join(User, Candidacy.user_id == User.id)
        .outerjoin(Presence, Presence.user_id == Candidacy.user_id)
    )


def own_end() -> ColumnElement[datetime]:
    """The test's end for this candidate: with extra time and incident time."""
    minutes = Candidacy.extra_minutes + Candidacy.incident_minutes
    return type_coerce(type_coerce(Test.ends_at, BigInteger) + minutes * MINUTE, Instant)


def _before(now: Moment, by: timedelta) -> Any:
    if isinstance(now, datetime):
        return now - by
    # cast, not coerced: a parameter would be another one of the same name, and of the two only one has its type
    return type_coerce(cast(now, BigInteger) - by // MICROSECOND, Instant)


def is_online(now: Moment) -> ColumnElement[bool]:
    """Heard of within 75 s, and not gone since (a closed stream whose person did not come back). Never NULL."""
    heard = and_(
        Presence.last_seen > _before(now, OFFLINE_AFTER),
        or_(Presence.left_at.is_(None), Presence.last_seen > Presence.left_at),
    )
    return func.coalesce(heard, False)


def progress() -> ColumnElement[str]:
    """One of `Progress`, as text."""
    return case(
        (Candidacy.withdrawn_at.is_not(None), Progress.WITHDRAWN.value),
        (and_(Candidacy.submitted_at.is_not(None), _has_answered()), Progress.SUBMITTED.value),
        (Candidacy.submitted_at.is_not(None), Progress.BLANK.value),
        (Candidacy.paused_at.is_not(None), Progress.PAUSED.value),
        (Candidacy.started_at.is_not(None), Progress.IN_PROGRESS.value),
        (Candidacy.entered_at.is_not(None), Progress.DASHBOARD.value),
        else_=Progress.INACTIVE.value,
    )


def has_progress(stage: Progress) -> ColumnElement[bool]:
    """The same as `progress() == stage`, said so that an index over its moments answers it."""
    latest = {
        Progress.WITHDRAWN: Candidacy.withdrawn_at,
        Progress.SUBMITTED: Candidacy.submitted_at,
        Progress.PAUSED: Candidacy.paused_at,
        Progress.IN_PROGRESS: Candidacy.started_at,
        Progress.DASHBOARD: Candidacy.entered_at,
    }
    if stage is Progress.INACTIVE:
        return and_(*(moment.is_(None) for moment in latest.values()))
    own = latest[Progress.SUBMITTED if stage is Progress.BLANK else stage]
    before = list(latest.values())[: list(latest.values()).index(own)]
    answers = {Progress.SUBMITTED: [_has_answered()], Progress.BLANK: [~_has_answered()]}.get(stage, [])
    return and_(*(moment.is_(None) for moment in before), own.is_not(None), *answers)


def _has_answered() -> ColumnElement[bool]:
    return exists().where(Answer.candidacy_id == Candidacy.id, text(WRITTEN))


def is_writing() -> ColumnElement[bool]:
    """In progress: started, and not paused, submitted or withdrawn."""
    return and_(
        Candidacy.started_at.is_not(None),
        Candidacy.paused_at.is_(None),
        Candidacy.submitted_at.is_(None),
        Candidacy.withdrawn_at.is_(None),
    )


def has_warning(warning: Warning, now: Moment) -> ColumnElement[bool]:
    """Whether a candidacy carries this warning now.

    A test runs from its start until it is closed. Offline and idle end with the candidate's own end, where timed
    out begins.
    """
    running = and_(Test.starts_at <= now, Test.closed_at.is_(None))
    has_time = own_end() > now
    away = and_(is_writing(), has_time, ~is_online(now))
    last_sign = func.coalesce(Candidacy.saved_at, Candidacy.started_at, type_=Instant())
    meaning: dict[Warning, ColumnElement[Any]] = {
        Warning.OFFLINE: away,
        Warning.IDLE: and_(is_writing(), has_time, is_online(now), last_sign < _before(now, IDLE_AFTER)),
        Warning.TIMED_OUT: and_(
            Test.ends_at <= now,  # nobody has less time: without it every candidacy would be looked at
            own_end() <= now,
            Candidacy.started_at.is_not(None),
            Candidacy.submitted_at.is_(None),
            Candidacy.withdrawn_at.is_(None),
        ),
        Warning.WAS_OFFLINE: or_(Candidacy.was_offline, away),
    }
    return and_(running, meaning[warning])
