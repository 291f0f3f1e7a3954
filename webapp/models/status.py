"""What is derived in SQL from what is stored: own end, state, progress, connection, warnings (docs/operations.md).

Each function returns an SQL expression over candidacy and test. A moment is an aware datetime, or `NOW` in a
statement that is made once and gets the moment when it runs.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    or_,
    true,
    type_coerce,
)

from webapp.db.types import MICROSECOND, MINUTE, UtcDateTime
from webapp.models.exams import Candidacy, Test

OFFLINE_AFTER = timedelta(seconds=75)
"""Two pings, 30 s apart, and some patience."""
IDLE_AFTER = timedelta(minutes=10)
LONG_ABSENCE = timedelta(minutes=2)
"""Shorter ones are not noted: browsers are restarted, networks stumble."""
BACK_FOR = timedelta(minutes=15)
"""How long the warning of an absence stays after the return."""
NOW = bindparam("now", type_=BigInteger)
"""Microseconds since 1970."""
Moment = datetime | ColumnElement[int]


class Progress(StrEnum):
    """How far a candidate has come."""

    INACTIVE = "inactive"
    DASHBOARD = "dashboard"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    SUBMITTED = "submitted"
    BLANK = "blank"
    WITHDRAWN = "withdrawn"


class State(StrEnum):
    """The one state of a candidacy, in order of need: what somebody should look at comes first (R27)."""

    OFFLINE = "offline"
    TIME_UP = "time_up"
    IDLE = "idle"
    PAUSED = "paused"
    WRITING = "writing"
    WAITING = "waiting"
    SUBMITTED = "submitted"
    NOT_ARRIVED = "not_arrived"
    WITHDRAWN = "withdrawn"


NEEDS_ATTENTION = (State.OFFLINE, State.TIME_UP, State.IDLE)


class CandidateWarning(StrEnum):
    """What an invigilator should look at, for running tests only."""

    OFFLINE = "offline"
    IDLE = "idle"
    TIMED_OUT = "timed_out"
    WAS_OFFLINE = "was_offline"


def own_end() -> ColumnElement[datetime]:
    """The test's end for this candidate: with extra time and incident time."""
    minutes = (Candidacy.extra_minutes + Candidacy.incident_minutes).cast(BigInteger)  # four bytes hold 35 minutes only
    return type_coerce(type_coerce(Test.ends_at, BigInteger) + minutes * MINUTE, UtcDateTime)


def is_online(now: Moment) -> ColumnElement[bool]:
    """Last seen a short time ago, and the last stream has not closed since. Never NULL."""
    is_there = Candidacy.left_at.is_(None) | (Candidacy.last_seen > Candidacy.left_at)
    return func.coalesce((Candidacy.last_seen > _before(now, OFFLINE_AFTER)) & is_there, false())


def _before(now: Moment, duration: timedelta) -> Any:
    return now - duration if isinstance(now, datetime) else now - duration // MICROSECOND


STAGES: dict[Progress, ColumnElement[bool]] = {
    Progress.WITHDRAWN: Candidacy.withdrawn_at.is_not(None),
    Progress.BLANK: Candidacy.submitted_at.is_not(None) & Candidacy.blank,
    Progress.SUBMITTED: Candidacy.submitted_at.is_not(None),
    Progress.PAUSED: Candidacy.paused_at.is_not(None),
    Progress.IN_PROGRESS: Candidacy.started_at.is_not(None),
    Progress.DASHBOARD: Candidacy.entered_at.is_not(None),
    Progress.INACTIVE: true(),
}
"""Whether a stage is reached. The first one that is counts."""


def progress() -> ColumnElement[str]:
    """One of `Progress`, as text."""
    return case(*((is_reached, literal_column(f"'{stage}'")) for stage, is_reached in STAGES.items()))


def has_progress(stage: Progress) -> ColumnElement[bool]:
    """The same as `progress() == stage`, as conditions that the index over progress can answer."""
    not_before = takewhile(lambda other: other is not stage, STAGES)
    return and_(*(~STAGES[other] for other in not_before), STAGES[stage])


def is_writing() -> ColumnElement[bool]:
    """In progress: started, and not paused, submitted or withdrawn."""
    return and_(
        Candidacy.started_at.is_not(None),
        Candidacy.paused_at.is_(None),
        Candidacy.submitted_at.is_(None),
        Candidacy.withdrawn_at.is_(None),
    )


def last_heard() -> ColumnElement[datetime]:
    """When the person was last heard of, or when their last stream closed after that."""
    return case((Candidacy.left_at > Candidacy.last_seen, Candidacy.left_at), else_=Candidacy.last_seen)


def last_sign() -> ColumnElement[datetime]:
    """When the candidate last saved, or started."""
    return func.coalesce(Candidacy.saved_at, Candidacy.started_at, type_=UtcDateTime())


def _state_conditions(now: Moment) -> dict[State, ColumnElement[bool]]:
    """Whether a state applies. The first one that does is the candidacy's; they are never NULL.

    Closing a test ends it for everybody. Who has never started is waiting or has not arrived, whatever the time.
    """
    has_started = Candidacy.started_at.is_not(None)
    return {
        State.WITHDRAWN: Candidacy.withdrawn_at.is_not(None),
        State.SUBMITTED: Candidacy.submitted_at.is_not(None),
        # nobody has less time than the test, so the candidacies of other tests need not be read
        State.TIME_UP: and_(
            has_started,
            or_(Test.closed_at.is_not(None), Test.ends_at <= now),
            or_(Test.closed_at.is_not(None), own_end() <= now),
        ),
        State.PAUSED: Candidacy.paused_at.is_not(None),
        State.OFFLINE: and_(has_started, ~is_online(now)),
        State.IDLE: and_(has_started, func.coalesce(last_sign() < _before(now, IDLE_AFTER), false())),
        State.WRITING: has_started,
        State.WAITING: Candidacy.entered_at.is_not(None),
        State.NOT_ARRIVED: true(),
    }


def state(now: Moment) -> ColumnElement[str]:
    """One of `State`, as text."""
    conditions = _state_conditions(now).items()
    return case(*((applies, literal_column(f"'{each}'")) for each, applies in conditions))


def has_state(wanted: State, now: Moment) -> ColumnElement[bool]:
    """The same as `state(now) == wanted`, as conditions that an index can answer. Never NULL."""
    conditions = _state_conditions(now)
    earlier = [*takewhile(lambda other: other is not wanted, conditions)]
    if State.WRITING in earlier:  # nobody has started, so these say nothing more, and an index cannot answer them
        earlier = [other for other in earlier if other not in NEEDS_ATTENTION]
    return and_(*(~conditions[other] for other in earlier), conditions[wanted])


def has_warning(warning: CandidateWarning, now: Moment) -> ColumnElement[bool]:
    """Whether a candidacy carries this warning: from its test's start until the test is closed.

    Offline and idle end with the candidate's own end, where timed out begins.
    """
    is_running = and_(Test.starts_at <= now, Test.closed_at.is_(None))
    match warning:
        case CandidateWarning.OFFLINE:
            return and_(is_running, is_writing(), own_end() > now, ~is_online(now))
        case CandidateWarning.IDLE:
            is_idle = last_sign() < _before(now, IDLE_AFTER)
            return and_(is_running, is_writing(), own_end() > now, is_online(now), is_idle)
        case CandidateWarning.TIMED_OUT:
            return and_(
                is_running,
                Test.ends_at <= now,  # nobody has less time, so the candidacies of other tests need not be read
                own_end() <= now,
                Candidacy.started_at.is_not(None),
                Candidacy.submitted_at.is_(None),
                Candidacy.withdrawn_at.is_(None),
            )
        case CandidateWarning.WAS_OFFLINE:
            return and_(is_running, func.coalesce(Candidacy.back_at > _before(now, BACK_FOR), false()))


def absent_since() -> ColumnElement[datetime]:
    """Since when nothing was heard of the candidate, not counted before they started. NULL if nothing ever was."""
    return case((last_heard() < Candidacy.started_at, Candidacy.started_at), else_=last_heard())


def was_away_until(moment: datetime) -> ColumnElement[bool]:
    """Whether the candidate was in progress, and not heard of for more than `LONG_ABSENCE` before `moment`.

    Over candidacy and test. Who goes after their own end is not away from the test.
    """
    is_long = absent_since() < moment - LONG_ABSENCE
    return and_(is_writing(), Test.closed_at.is_(None), is_long, absent_since() < own_end())
