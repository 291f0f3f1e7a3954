"""What columns of the list show that no table has, in SQL over candidacy and test at the moment `:now`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, func, select, type_coerce

from webapp.db.types import MICROSECOND, MINUTE, UtcDateTime
from webapp.models import Absence, Candidacy, Contribution, Role, Test, User
from webapp.models.status import (
    IDLE_AFTER,
    NOW,
    CandidateWarning,
    State,
    has_warning,
    is_online,
    is_writing,
    last_heard,
    last_sign,
    own_end,
    progress,
    state,
)


def minute(moment: Any) -> ColumnElement[datetime]:
    """The beginning of the minute that a moment is in."""
    exact = type_coerce(moment, BigInteger)
    return type_coerce(exact - exact % MINUTE, UtcDateTime)


def minutes(start: Any, end: Any) -> ColumnElement[int]:
    """Minutes between two moments on a clock without seconds, at least 0."""
    since, until = type_coerce(start, BigInteger), type_coerce(end, BigInteger)
    return case((until > since, until // MINUTE - since // MINUTE), else_=0)


def place_in_need(of: ColumnElement[str]) -> ColumnElement[int]:
    """The place of a state in the order of need, the first 0."""
    return case({each.value: place for place, each in enumerate(State)}, value=of)


ONLINE = is_online(NOW)
WARNINGS = {f"warning_{warning}": has_warning(warning, NOW) for warning in CandidateWarning}
END_OF_WORK = func.coalesce(
    type_coerce(Candidacy.submitted_at, BigInteger), type_coerce(Candidacy.withdrawn_at, BigInteger), NOW
)
TIME_SPENT = END_OF_WORK - type_coerce(Candidacy.started_at, BigInteger)
OWN_END_ROUNDED_UP = type_coerce(own_end(), BigInteger) + (MINUTE - 1)
PROGRESS = progress()
_quiet_since = case((~is_writing(), None), (~ONLINE, last_heard()), else_=last_sign())
QUIET_MINUTES = NOW // MINUTE - type_coerce(_quiet_since, BigInteger) // MINUTE
"""For how long nothing was heard of who is offline, and nothing saved by who is not. Not by `minutes`, which says it
twice: the driver reads a long statement anew each time."""
WAITS_SINCE = case(
    (~is_writing(), None),
    (~ONLINE, last_heard()),
    (type_coerce(last_sign(), BigInteger) < NOW - IDLE_AFTER // MICROSECOND, last_sign()),
)
"""The same for whoever is offline or idle."""
PLACE_IN_NEED = place_in_need(state(NOW))
SAVED_AGO = NOW - type_coerce(Candidacy.saved_at, BigInteger)
LAST_ABSENCE = (
    select(minutes(Absence.since, Absence.until))
    .where(Absence.candidacy_id == Candidacy.id)
    .order_by(Absence.until.desc())
    .limit(1)
    .correlate(Candidacy)
    .scalar_subquery()
)
_planner_names = (
    select(User.name)
    .join(Contribution, Contribution.user_id == User.id)
    .where(Contribution.test_id == Test.id, Contribution.role == Role.PLANNER)
    .order_by(User.name)
    .correlate(Test)
    .subquery()
)
PLANNERS = select(func.aggregate_strings(_planner_names.c.name, ", ")).scalar_subquery()
