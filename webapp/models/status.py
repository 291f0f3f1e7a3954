"""Own end, progress, status and warnings, derived in SQL from what is stored (definitions: docs/operations.md).

Each function gives an SQL expression over the rows of `sitting()`: candidacy, its test, its person. `now` is an
aware moment, or `NOW` in a statement that is made once and gets it when it runs.
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
    String,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    join,
    literal_column,
    or_,
    type_coerce,
)

from webapp.db.types import MICROSECOND, UtcDateTime
from webapp.models.exams import Candidacy, Test
from webapp.models.people import User

OFFLINE_AFTER = timedelta(seconds=75)
"""Nobody heard of for this long is offline; pings come at every second beat, 30 s (R21 allows 90 s)."""
IDLE_AFTER = timedelta(minutes=10)
LONG_ABSENCE = timedelta(minutes=2)
"""A shorter one is no news: browsers are restarted, networks stumble."""
BACK_FOR = timedelta(minutes=15)
"""So long after the return the warning stays; that somebody was away stays for good."""
MINUTE = 60_000_000
NOW: BindParameter[int] = bindparam("now", type_=BigInteger)
"""In microseconds since 1970, as moments are stored."""
Moment = datetime | BindParameter[int]


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
    """Candidacy ⋈ test ⋈ person: what every list of candidates is drawn from."""
    return join(Candidacy, Test, Candidacy.test_id == Test.id).join(User, Candidacy.user_id == User.id)


def own_end() -> ColumnElement[datetime]:
    """The test's end for this candidate: with extra time and incident time."""
    minutes = Candidacy.extra_minutes + Candidacy.incident_minutes
    # eight bytes: in PostgreSQL's four only 35 minutes fit, and the statement fails for whoever has more
    return type_coerce(
        type_coerce(Test.ends_at, BigInteger) + minutes * cast(constant(MINUTE), BigInteger), UtcDateTime
    )


def constant(number: int) -> ColumnElement[int]:
    """A number that never changes, written into the statement: each parameter is looked at each time one runs.

    PostgreSQL reads a small one as four bytes.
    """
    return literal_column(str(number), BigInteger)


def _before(now: Moment, by: timedelta) -> Any:
    if isinstance(now, datetime):
        return now - by
    return now - constant(by // MICROSECOND)


def is_online(now: Moment) -> ColumnElement[bool]:
    """Heard of within 75 s, and not gone since (a closed stream whose person did not come back). Never NULL."""
    heard = and_(
        Candidacy.last_seen > _before(now, OFFLINE_AFTER),
        or_(Candidacy.left_at.is_(None), Candidacy.last_seen > Candidacy.left_at),
    )
    return func.coalesce(heard, false())


def progress() -> ColumnElement[str]:
    """One of `Progress`, as text."""
    reached = {
        Progress.WITHDRAWN: Candidacy.withdrawn_at.is_not(None),
        Progress.BLANK: and_(Candidacy.submitted_at.is_not(None), Candidacy.blank),
        Progress.SUBMITTED: Candidacy.submitted_at.is_not(None),
        Progress.PAUSED: Candidacy.paused_at.is_not(None),
        Progress.IN_PROGRESS: Candidacy.started_at.is_not(None),
        Progress.DASHBOARD: Candidacy.entered_at.is_not(None),
    }
    return case(*((holds, _word(stage)) for stage, holds in reached.items()), else_=_word(Progress.INACTIVE))


def _word(stage: Progress) -> ColumnElement[str]:
    return literal_column(f"'{stage.value}'", String)


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
    reached = and_(*(moment.is_(None) for moment in before), own.is_not(None))
    if own is not latest[Progress.SUBMITTED]:
        return reached
    return and_(reached, Candidacy.blank if stage is Progress.BLANK else ~Candidacy.blank)


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
    return and_(running, _meaning(warning, now))


def _meaning(warning: Warning, now: Moment) -> ColumnElement[bool]:
    match warning:
        case Warning.OFFLINE:
            return _is_away(now)
        case Warning.IDLE:
            last_sign = func.coalesce(Candidacy.saved_at, Candidacy.started_at, type_=UtcDateTime())
            return and_(is_writing(), own_end() > now, is_online(now), last_sign < _before(now, IDLE_AFTER))
        case Warning.TIMED_OUT:
            return and_(
                Test.ends_at <= now,  # nobody has less time: without it every candidacy would be looked at
                own_end() <= now,
                Candidacy.started_at.is_not(None),
                Candidacy.submitted_at.is_(None),
                Candidacy.withdrawn_at.is_(None),
            )
        case Warning.WAS_OFFLINE:
            return func.coalesce(Candidacy.back_at > _before(now, BACK_FOR), false())


def away_for_long_until(moment: datetime) -> ColumnElement[bool]:
    """Nothing was heard of its person for more than `LONG_ABSENCE` before `moment`. NULL if nothing ever was."""
    gone = Candidacy.left_at > Candidacy.last_seen
    last_sign = case((gone, Candidacy.left_at), else_=Candidacy.last_seen)
    return last_sign < moment - LONG_ABSENCE


def _is_away(now: Moment) -> ColumnElement[bool]:
    return and_(is_writing(), own_end() > now, ~is_online(now))
