"""The columns of the list, on the page, on paper and in the CSV file. A new column is one entry in `COLUMNS`.

docs/development.md has the steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from sqlalchemy import BigInteger, ColumnElement, SQLColumnExpression, case, func, literal, or_, select, type_coerce

from webapp.db.sql import DialectExpression
from webapp.db.types import UtcDateTime
from webapp.models import Candidacy, Contribution, Role, Test, User
from webapp.models.status import MINUTE, NOW, Progress, has_warning, is_online, is_writing, own_end, progress
from webapp.models.status import Warning as CandidateWarning


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the list. Its expressions are over candidacy and test, at the moment `:now`."""

    key: str
    label: LazyString
    kind: str
    """How a cell is drawn: a branch in `templates/monitor/_row.html`, and an entry in `export.CELL_TEXTS` unless the
    file has the value as it is."""
    values: Mapping[str, SQLColumnExpression[Any]]
    """What a row carries for this column, by name. All columns shown share the row, so a name means the same in each;
    most kinds draw the value that is named like the column. Moments and durations are whole minutes, so that rows that
    look the same are the same (R19)."""
    order: Sequence[SQLColumnExpression[Any]]
    """What the list is sorted by. Missing values come last in either direction. Not the person's name or anything else
    of `user_account`: the query that finds the page does not read it; `Candidacy.sort_name` is there for that."""
    default: bool = False
    """Shown until the person chooses columns."""
    follows_clock: bool = False
    """Changes with the clock, so a change is not highlighted on the page."""


def _minute(moment: Any) -> ColumnElement[datetime]:
    """The beginning of the minute that a moment is in."""
    exact = type_coerce(moment, BigInteger)
    return type_coerce(exact - exact % MINUTE, UtcDateTime)


def _minutes(start: Any, end: Any) -> ColumnElement[int]:
    """Minutes between two moments on a clock without seconds, at least 0."""
    whole = type_coerce(end, BigInteger) // MINUTE - type_coerce(start, BigInteger) // MINUTE
    return DialectExpression(on_postgresql=func.greatest(whole, 0), on_sqlite=func.max(whole, 0), type_=BigInteger())


def _text(key: str, label: LazyString, column: Any, order: Sequence[Any] = (), *, default: bool = False) -> Column:
    """A text. Without an `order`, case does not count in its sorting."""
    return Column(key, label, "text", {key: column}, order or (func.lower(column), column), default)


def _moment(key: str, label: LazyString, column: Any, *, default: bool = False) -> Column:
    """A moment: shown as its minute, sorted exactly."""
    return Column(key, label, "moment", {key: _minute(column)}, (column,), default)


def _single_value(key: str, label: LazyString, kind: str, column: Any) -> Column:
    """One value, which the list is sorted by too."""
    return Column(key, label, kind, {key: column}, (column,))


_online = is_online(NOW)
_warnings = {f"warning_{warning}": has_warning(warning, NOW) for warning in CandidateWarning}
_end_of_work = func.coalesce(
    type_coerce(Candidacy.submitted_at, BigInteger), type_coerce(Candidacy.withdrawn_at, BigInteger), NOW
)
_time_spent = _end_of_work - type_coerce(Candidacy.started_at, BigInteger)
_own_end_rounded_up = type_coerce(own_end(), BigInteger) + (MINUTE - 1)
_stage = progress()
_planner_names = (
    select(User.name)
    .join(Contribution, Contribution.user_id == User.id)
    .where(Contribution.test_id == Test.id, Contribution.role == Role.PLANNER)
    .order_by(User.name)
    .correlate(Test)
    .subquery()
)
_planners = select(func.aggregate_strings(_planner_names.c.name, ", ")).scalar_subquery()

COLUMNS: tuple[Column, ...] = (
    Column(
        "submission", lazy_gettext("Submission"), "submission",
        {
            "is_submitted": Candidacy.submitted_at.is_not(None),
            "was_ever_offline": or_(Candidacy.back_at.is_not(None), _warnings["warning_offline"]),
        },
        (Candidacy.submitted_at.is_(None), ~_warnings["warning_was_offline"]), default=True,
    ),
    Column("name", lazy_gettext("Name"), "name", {"flagged": Candidacy.flagged}, (Candidacy.sort_name,), default=True),
    _text(
        "number", lazy_gettext("Candidate ID"),
        Candidacy.number, (Candidacy.sort_number, Candidacy.number), default=True,
    ),
    Column("status", lazy_gettext("Connection"), "status", {"online": _online}, (~_online,), default=True),
    Column(
        "progress", lazy_gettext("Progress"), "progress",
        {"progress": _stage, "last_seen": case((~_online, _minute(Candidacy.last_seen)))},
        (case({stage.value: place for place, stage in enumerate(Progress)}, value=_stage),), default=True,
    ),
    Column(
        "warnings", lazy_gettext("Warnings"), "warnings", _warnings,
        (sum((case((warning, 1), else_=0) for warning in _warnings.values()), start=literal(0)),), default=True,
    ),
    _moment("saved", lazy_gettext("Submission saved"), Candidacy.saved_at, default=True),
    Column(
        "spent", lazy_gettext("Minutes spent"), "number",
        {"spent": case((Candidacy.started_at.is_not(None), _minutes(Candidacy.started_at, _end_of_work)))},
        (_time_spent,), follows_clock=True,
    ),
    Column(
        "remaining", lazy_gettext("Minutes left"), "number",
        {"remaining": case((is_writing(), _minutes(NOW, _own_end_rounded_up)))},
        (case((is_writing(), own_end())),), default=True, follows_clock=True,
    ),
    _text("room", lazy_gettext("Room"), Candidacy.room, default=True),
    _text("seat", lazy_gettext("Seat"), Candidacy.seat, (func.length(Candidacy.seat), Candidacy.seat), default=True),
    _text("test", lazy_gettext("Test"), Test.title, default=True),
    _moment("test_start", lazy_gettext("Test start"), Test.starts_at),
    _moment("test_end", lazy_gettext("Test end"), Test.ends_at),
    _moment("started", lazy_gettext("Candidate started"), Candidacy.started_at),
    _moment("submitted", lazy_gettext("Candidate submitted"), Candidacy.submitted_at),
    _text("group", lazy_gettext("Group"), Candidacy.group_name),
    _single_value("extra", lazy_gettext("Extra time"), "number_or_nothing", Candidacy.extra_minutes),
    _single_value("incident", lazy_gettext("Incident time"), "number_or_nothing", Candidacy.incident_minutes),
    Column(
        "id_check", lazy_gettext("ID check"), "id_check", {"id_check": Candidacy.id_checked}, (~Candidacy.id_checked,)
    ),
    _single_value("attendance", lazy_gettext("Attendance"), "attendance", Candidacy.attendance),
    _text("building", lazy_gettext("Building"), Candidacy.building),
    _text("question_set", lazy_gettext("Question set"), Candidacy.question_set),
    _text("planner", lazy_gettext("Planner"), _planners),
)  # fmt: skip
COLUMN_BY_KEY: dict[str, Column] = {column.key: column for column in COLUMNS}
DEFAULT_COLUMNS: tuple[str, ...] = tuple(column.key for column in COLUMNS if column.default)
