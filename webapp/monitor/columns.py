"""The monitor's columns: what each is called, how a list is sorted by it, and which are shown at first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from sqlalchemy import BigInteger, ColumnElement, case, func, literal, null, select, type_coerce

from webapp.db.types import UtcDateTime
from webapp.models import Candidacy, Contribution, Role, Test, User
from webapp.models.status import Moment, Progress, has_warning, is_online, is_writing, own_end, progress
from webapp.models.status import Warning as CandidateWarning

Order = Callable[[Moment], Sequence[ColumnElement[Any]]]
"""The expressions to sort by at a moment, over the rows of `models.status.sitting()`."""


@dataclass(frozen=True)
class Column:
    """A column of the monitor."""

    key: str
    label: LazyString
    order: Order
    at_first: bool = False
    """Shown to somebody who has not chosen columns."""
    quiet: bool = False
    """Changes by itself with the clock, which is no news."""
    needs_sitting: bool = False
    """Its order looks at more than the roster's entry: at the attempt, the test."""


def _by(*expressions: Any) -> Order:
    return lambda now: expressions  # noqa: ARG005 most columns do not depend on the moment


def _text(column: Any) -> Order:
    return _by(func.lower(column), column)


def _by_submission(now: Moment) -> Sequence[ColumnElement[Any]]:
    return (Candidacy.submitted_at.is_(None), ~_was_offline(now))


def _was_offline(now: Moment) -> ColumnElement[bool]:
    return has_warning(CandidateWarning.WAS_OFFLINE, now)


def _by_progress(now: Moment) -> Sequence[ColumnElement[Any]]:  # noqa: ARG001
    return (case({one.value: place for place, one in enumerate(Progress)}, value=progress()),)


def _by_warnings(now: Moment) -> Sequence[ColumnElement[Any]]:
    held = [case((has_warning(one, now), 1), else_=0) for one in CandidateWarning]
    return (sum(held[1:], start=held[0]),)


def _by_spent(now: Moment) -> Sequence[ColumnElement[Any]]:
    at = literal(now, UtcDateTime) if isinstance(now, datetime) else now
    until = func.coalesce(Candidacy.submitted_at, Candidacy.withdrawn_at, at)
    return (type_coerce(until, BigInteger) - type_coerce(Candidacy.started_at, BigInteger),)


def _by_planner(now: Moment) -> Sequence[ColumnElement[Any]]:  # noqa: ARG001
    planner = User.__table__.alias("planner")
    first = (
        select(func.min(func.lower(planner.c.name)))
        .join_from(Contribution, planner, planner.c.id == Contribution.user_id)
        .where(Contribution.test_id == Test.id, Contribution.role == Role.PLANNER)
        .correlate(Test)
        .scalar_subquery()
    )
    return (first,)


COLUMNS: tuple[Column, ...] = (
    Column("submission", lazy_gettext("Submission"), _by_submission, at_first=True, needs_sitting=True),
    Column("name", lazy_gettext("Name"), _by(Candidacy.sort_name), at_first=True),
    Column("number", lazy_gettext("Candidate ID"), _by(Candidacy.sort_number, Candidacy.number), at_first=True),
    Column("status", lazy_gettext("Connection"), lambda now: (~is_online(now),), at_first=True, needs_sitting=True),
    Column("progress", lazy_gettext("Progress"), _by_progress, at_first=True, needs_sitting=True),
    Column("warnings", lazy_gettext("Warnings"), _by_warnings, at_first=True, needs_sitting=True),
    Column("saved", lazy_gettext("Submission saved"), _by(Candidacy.saved_at), at_first=True, needs_sitting=True),
    Column("spent", lazy_gettext("Minutes spent"), _by_spent, quiet=True, needs_sitting=True),
    Column(
        "remaining", lazy_gettext("Minutes left"), _by(case((is_writing(), own_end()), else_=null())),
        at_first=True, quiet=True, needs_sitting=True,
    ),
    Column("room", lazy_gettext("Room"), _text(Candidacy.room), at_first=True),
    Column("seat", lazy_gettext("Seat"), _by(func.length(Candidacy.seat), Candidacy.seat), at_first=True),
    Column("test", lazy_gettext("Test"), _text(Test.title), at_first=True, needs_sitting=True),
    Column("test_start", lazy_gettext("Test start"), _by(Test.starts_at), needs_sitting=True),
    Column("test_end", lazy_gettext("Test end"), _by(Test.ends_at), needs_sitting=True),
    Column("started", lazy_gettext("Candidate started"), _by(Candidacy.started_at), needs_sitting=True),
    Column("submitted", lazy_gettext("Candidate submitted"), _by(Candidacy.submitted_at), needs_sitting=True),
    Column("group", lazy_gettext("Group"), _text(Candidacy.group_name)),
    Column("extra", lazy_gettext("Extra time"), _by(Candidacy.extra_minutes), needs_sitting=True),
    Column("incident", lazy_gettext("Incident time"), _by(Candidacy.incident_minutes), needs_sitting=True),
    Column("id_check", lazy_gettext("ID check"), _by(~Candidacy.id_checked)),
    Column("attendance", lazy_gettext("Attendance"), _by(Candidacy.attendance)),
    Column("building", lazy_gettext("Building"), _text(Candidacy.building)),
    Column("question_set", lazy_gettext("Question set"), _text(Candidacy.question_set)),
    Column("planner", lazy_gettext("Planner"), _by_planner, needs_sitting=True),
)  # fmt: skip
BY_KEY: dict[str, Column] = {column.key: column for column in COLUMNS}
AT_FIRST: tuple[str, ...] = tuple(column.key for column in COLUMNS if column.at_first)
