"""How the list is shown: its columns, on the page, on paper and in the CSV file, its sorting and its page (R18).

A new column is one entry in `COLUMNS` (docs/development.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from sqlalchemy import SQLColumnExpression, case, func, literal, or_
from werkzeug.datastructures import MultiDict

from webapp.db.types import MINUTE
from webapp.exceptions import BadParameter
from webapp.models import Candidacy, Test
from webapp.models.status import NOW, Progress, is_writing, own_end, state
from webapp.monitor.expressions import (
    END_OF_WORK,
    LAST_ABSENCE,
    ONLINE,
    OWN_END_ROUNDED_UP,
    PLACE_IN_NEED,
    PLANNERS,
    PROGRESS,
    QUIET_MINUTES,
    SAVED_AGO,
    TIME_SPENT,
    WAITS_SINCE,
    WARNINGS,
    minute,
    minutes,
)
from webapp.monitor.filters import Filter


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
    follows_clock: bool = False
    """Changes with the clock, so a change is not highlighted on the page."""


def _text(key: str, label: LazyString, column: Any, order: Sequence[Any] = ()) -> Column:
    """A text. Without an `order`, case does not count in its sorting."""
    return Column(key, label, "text", {key: column}, order or (func.lower(column), column))


def _moment(key: str, label: LazyString, column: Any) -> Column:
    """A moment: shown as its minute, sorted exactly."""
    return Column(key, label, "moment", {key: minute(column)}, (column,))


def _single_value(key: str, label: LazyString, kind: str, column: Any) -> Column:
    """One value, which the list is sorted by too."""
    return Column(key, label, kind, {key: column}, (column,))


COLUMNS: tuple[Column, ...] = (
    Column(
        "state", lazy_gettext("State"), "state",
        {
            "state": state(NOW),
            "quiet": QUIET_MINUTES,
            "submitted": minute(Candidacy.submitted_at),
            "blank": Candidacy.blank,
        },
        (PLACE_IN_NEED, WAITS_SINCE, Candidacy.sort_name),
    ),
    Column(
        "submission", lazy_gettext("Submission"), "submission",
        {
            "is_submitted": Candidacy.submitted_at.is_not(None),
            "was_ever_offline": or_(Candidacy.back_at.is_not(None), WARNINGS["warning_offline"]),
        },
        (Candidacy.submitted_at.is_(None), ~WARNINGS["warning_was_offline"]),
    ),
    Column("name", lazy_gettext("Name"), "name", {"flagged": Candidacy.flagged}, (Candidacy.sort_name,)),
    _text(
        "number", lazy_gettext("Candidate ID"),
        Candidacy.number, (Candidacy.sort_number, Candidacy.number),
    ),
    Column("status", lazy_gettext("Connection"), "status", {"online": ONLINE}, (~ONLINE,)),
    Column(
        "progress", lazy_gettext("Progress"), "progress",
        {"progress": PROGRESS, "last_seen": case((~ONLINE, minute(Candidacy.last_seen)))},
        (case({stage.value: place for place, stage in enumerate(Progress)}, value=PROGRESS),),
    ),
    Column(
        "warnings", lazy_gettext("Warnings"), "warnings", WARNINGS,
        (sum((case((warning, 1), else_=0) for warning in WARNINGS.values()), start=literal(0)),),
    ),
    Column(
        "saved", lazy_gettext("Saved"), "saved",
        {
            "saved": minute(Candidacy.saved_at),
            "saved_ago": case((SAVED_AGO < 10 * MINUTE, minutes(Candidacy.saved_at, NOW))),
        },
        (Candidacy.saved_at,), follows_clock=True,
    ),
    Column(
        "spent", lazy_gettext("Minutes spent"), "number",
        {"spent": case((Candidacy.started_at.is_not(None), minutes(Candidacy.started_at, END_OF_WORK)))},
        (TIME_SPENT,), follows_clock=True,
    ),
    Column(
        "remaining", lazy_gettext("Time left"), "remaining",
        {
            "remaining": case((is_writing(), minutes(NOW, OWN_END_ROUNDED_UP))),
            "added": Candidacy.extra_minutes + Candidacy.incident_minutes,
        },
        (case((is_writing(), own_end())),), follows_clock=True,
    ),
    _text("room", lazy_gettext("Room"), Candidacy.room),
    Column(
        "seat", lazy_gettext("Seat"), "seat",
        {"seat": Candidacy.seat, "room": Candidacy.room},
        (func.length(Candidacy.seat), Candidacy.seat),
    ),
    Column(
        "marks", lazy_gettext("Marks"), "marks",
        {
            "flagged": Candidacy.flagged,
            "note": Candidacy.note,
            "was_offline": WARNINGS["warning_was_offline"],
            "away": LAST_ABSENCE,
        },
        (~Candidacy.flagged, Candidacy.note == "", ~WARNINGS["warning_was_offline"]),
    ),
    _text("test", lazy_gettext("Test"), Test.title),
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
    _text("planner", lazy_gettext("Planner"), PLANNERS),
)  # fmt: skip
COLUMN_BY_KEY: dict[str, Column] = {column.key: column for column in COLUMNS}
DEFAULT_COLUMNS = ("name", "seat", "state", "saved", "remaining", "marks")
DEFAULT_SORT = "name"
NO_VIEW = "all"
"""As `view` in an address: the list itself, also for somebody whose monitor opens with a saved view."""
NEED = "state"
"""The order in which whoever needs somebody comes first."""


@dataclass(frozen=True)
class Defaults:
    """How a list is shown as far as its address does not say."""

    sort: str = DEFAULT_SORT
    columns: tuple[str, ...] = DEFAULT_COLUMNS


@dataclass(frozen=True)
class Presentation:
    """Sorting, page and columns of a list. The list may have fewer pages than `page`."""

    sort: str = DEFAULT_SORT
    """A column's key. With `-` before it the order is descending."""
    page: int = 1
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    """Keys of the columns, in their order."""
    named: frozenset[str] = frozenset()
    """Parameters that an address of this person names even where they are the default (`settings.py`)."""
    defaults: Defaults = Defaults()
    """What an address need not say."""

    @property
    def shown_columns(self) -> list[Column]:
        """The columns shown, in their order."""
        return [COLUMN_BY_KEY[key] for key in self.columns]

    def order(self) -> list[SQLColumnExpression[Any]]:
        """What the list is sorted by in SQL: missing values last in either direction, equal rows by their id."""
        order: list[SQLColumnExpression[Any]] = []
        for expression in COLUMN_BY_KEY[self.sort.removeprefix("-")].order:
            directed = expression.desc() if self.sort.startswith("-") else expression.asc()
            # an index serves the plain order only, and a column that is never missing needs no other
            order.append(directed.nulls_last() if getattr(expression, "nullable", True) else directed)
        return [*order, Candidacy.id]

    def pairs(self) -> list[tuple[str, str]]:
        """(name, value) of what differs from the default or is to be named, in a fixed order."""
        names_columns = self.columns != self.defaults.columns or "column" in self.named
        sort = [("sort", self.sort)] if self.sort != self.defaults.sort or "sort" in self.named else []
        columns = [("column", key) for key in self.columns] if names_columns else []
        return sort + columns + ([("page", str(self.page))] if self.page > 1 else [])

    @property
    def all_columns(self) -> list[Column]:
        """All columns, those shown first."""
        return [COLUMN_BY_KEY[key] for key in dict.fromkeys((*self.columns, *COLUMN_BY_KEY))]

    def moved(self, move: str) -> Presentation:
        """With a column moved by one place: `move` is its key and `:up` or `:down`. Raises `BadParameter`."""
        key, _, direction = move.partition(":")
        if key not in self.columns or direction not in ("up", "down"):
            raise BadParameter("move", move)
        columns = [other for other in self.columns if other != key]
        place = self.columns.index(key) + (1 if direction == "down" else -1)
        columns.insert(max(place, 0), key)
        return replace(self, columns=tuple(columns))


def parse_presentation(args: MultiDict[str, str], defaults: Defaults = Defaults()) -> Presentation:
    """What `sort`, `page` and `column` mean. `view` may say `all`: no saved view. Raises `BadParameter`."""
    if (view := _single(args, "view", NO_VIEW)) != NO_VIEW:
        raise BadParameter("view", view)
    sort, page = _single(args, "sort", defaults.sort), _single(args, "page", "1")
    if sort.removeprefix("-") not in COLUMN_BY_KEY:
        raise BadParameter("sort", sort)
    if not re.fullmatch(r"[0-9]{1,100}", page):
        raise BadParameter("page", page)
    columns = tuple(dict.fromkeys(args.getlist("column")))
    for key in columns:
        if key not in COLUMN_BY_KEY:
            raise BadParameter("column", key)
    return Presentation(sort, max(int(page), 1), columns or defaults.columns, defaults=defaults)


def _single(args: MultiDict[str, str], name: str, default: str) -> str:
    values = set(args.getlist(name))
    if len(values) > 1:
        raise BadParameter(name, min(values))
    return values.pop() if values else default


def query_string(filter: Filter, presentation: Presentation) -> str:
    """The canonical query of an address with its `?`. Empty for the plain list."""
    query = urlencode(filter.pairs() + presentation.pairs())
    if not query and "view" in presentation.named:
        return f"?view={NO_VIEW}"  # the plain address opens the person's saved view
    return f"?{query}" if query else ""
