"""The filters of the list: their names in an address, their values, words and conditions (R6, R18).

A new filter is one entry in `_CHOICES` or `TIME_FIELDS` (docs/development.md). Several values of one name mean any of
them, several names mean all of them. Unknown names and values are refused and never dropped: dropping a condition would
widen the list, and with it the audience of a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, and_, or_, true
from werkzeug.datastructures import MultiDict

from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter
from webapp.models import Attendance, Candidacy, Test
from webapp.models.status import NOW, Progress, has_progress, has_warning, is_online
from webapp.models.status import Warning as CandidateWarning
from webapp.monitor.periods import PERIOD, bounds, parse_local_minute
from webapp.text.normalization import fold_for_search, is_blank, normalize

MAX_PHRASE_LENGTH = 200
MAX_VALUES = 500
"""Of one name. A person sets no more, and databases limit the parameters of a statement."""
MAX_TIMES = 10
TEST_ID = re.compile(r"[1-9][0-9]{0,17}")
PHRASE = re.compile(r"[^\x00\x1f\ud800-\udfff]*")
"""Without what no database stores, and without the separator of the search text."""
TEXT_VALUE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{0,100}")
"""A text of a column, such as a room: at most as long as the longest column, without control characters."""
PRESENTATION_NAMES = ("sort", "page", "view", "column")
"""Parameters of the same addresses that say how the list is shown (`presentation.py`)."""


@dataclass(frozen=True, eq=False)
class Choice:
    """A filter with values to tick: fixed ones, the texts of a column, or (with neither) the tests."""

    name: str
    label: LazyString
    position: int
    """Its place among the filters on the page."""
    values: dict[str, LazyString] = field(default_factory=dict)
    """Fixed values in canonical order, and their words."""
    condition: Callable[[str], ColumnElement[bool]] | None = None
    """For one of the fixed values: whether a candidacy has it at the moment `:now`."""
    column: Any = None
    """The column of `Candidacy` whose texts are the values. One of `Test` would offer texts out of a person's scope:
    the queries that find and check the values do not join the tests."""
    blank: LazyString | None = None
    """The words for a blank text: none is assigned."""

    def __post_init__(self) -> None:
        if self.column is not None and self.column.class_ is not Candidacy:
            raise ValueError(f"{self.name}: the column must be one of Candidacy")

    def parse(self, values: list[str]) -> tuple[str, ...]:
        """The values in canonical order. Raises `BadParameter`."""
        for value in values[MAX_VALUES:] or (value for value in values if not self._is_possible(value)):
            refuse(self.name, value)
        if self.column is not None:
            return tuple(sorted({normalize(value) for value in values}))
        return tuple(sorted(set(values), key=list(self.values).index if self.values else int))

    def _is_possible(self, value: str) -> bool:
        if self.values:
            return value in self.values
        if self.column is None:
            return TEST_ID.fullmatch(value) is not None and int(value) <= MAX_ID
        return TEXT_VALUE.fullmatch(value) is not None and not (value and is_blank(value))

    def matches(self, values: Sequence[str]) -> ColumnElement[bool]:
        """Whether a candidacy has any of these values."""
        if self.condition is not None:
            return or_(*map(self.condition, values))
        if self.column is None:
            return Candidacy.test_id.in_([int(value) for value in values])
        texts: ColumnElement[bool] = self.column.in_(values)
        return texts


@dataclass(frozen=True, eq=False)
class TimeField:
    """A moment to filter by: within a period, after and before a local minute."""

    name: str
    label: LazyString
    column: Any

    def matches(self, name: str, values: Sequence[str], now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
        """Whether the moment is in any of these times. `name` ends in `_within`, `_after` or `_before`."""
        return or_(*(self._is_between(*bounds(name, value, now, zone)) for value in values))

    def _is_between(self, since: datetime | None, until: datetime | None) -> ColumnElement[bool]:
        return and_(
            true() if since is None else self.column >= since,
            true() if until is None else self.column < until,
        )


_CHOICES = (
    Choice("test", lazy_gettext("Test"), 5),
    Choice(
        "progress", lazy_gettext("Progress"), 2,
        {
            Progress.INACTIVE: lazy_gettext("Inactive"),
            Progress.DASHBOARD: lazy_gettext("Dashboard"),
            Progress.IN_PROGRESS: lazy_gettext("In progress"),
            Progress.PAUSED: lazy_gettext("Paused"),
            Progress.SUBMITTED: lazy_gettext("Submitted"),
            Progress.BLANK: lazy_gettext("Blank submission"),
            Progress.WITHDRAWN: lazy_gettext("Withdrawn"),
        },
        lambda value: has_progress(Progress(value)),
    ),
    Choice(
        "status", lazy_gettext("Connection"), 8,
        {"online": lazy_gettext("Online"), "offline": lazy_gettext("Offline")},
        lambda value: is_online(NOW) if value == "online" else ~is_online(NOW),
    ),
    Choice(
        "warning", lazy_gettext("Warnings"), 1,
        {
            CandidateWarning.OFFLINE: lazy_gettext("Offline"),
            CandidateWarning.IDLE: lazy_gettext("Idle"),
            CandidateWarning.TIMED_OUT: lazy_gettext("Timed out"),
            CandidateWarning.WAS_OFFLINE: lazy_gettext("Was offline"),
        },
        lambda value: has_warning(CandidateWarning(value), NOW),
    ),
    Choice("room", lazy_gettext("Room"), 3, column=Candidacy.room, blank=lazy_gettext("No room")),
    Choice("group", lazy_gettext("Group"), 4, column=Candidacy.group_name, blank=lazy_gettext("No group")),
    Choice(
        "flag", lazy_gettext("Flag"), 6,
        {"yes": lazy_gettext("Flagged"), "no": lazy_gettext("Not flagged")},
        lambda value: Candidacy.flagged.is_(value == "yes"),
    ),
    Choice(
        "attendance", lazy_gettext("Attendance"), 7,
        {
            Attendance.PRESENT: lazy_gettext("Present"),
            Attendance.ABSENT: lazy_gettext("Absent"),
            "unset": lazy_gettext("Not noted"),
        },
        lambda value: Candidacy.attendance.is_(None) if value == "unset" else Candidacy.attendance == value,
    ),
)  # fmt: skip
CHOICES = {choice.name: choice for choice in _CHOICES}
TIME_FIELDS = (
    TimeField("seen", lazy_gettext("Last seen"), Candidacy.last_seen),
    TimeField("started", lazy_gettext("Started"), Candidacy.started_at),
    TimeField("saved", lazy_gettext("Saved"), Candidacy.saved_at),
    TimeField("submitted", lazy_gettext("Submitted"), Candidacy.submitted_at),
    TimeField("test_start", lazy_gettext("Test start"), Test.starts_at),
    TimeField("test_end", lazy_gettext("Test end"), Test.ends_at),
)
TIMES = {f"{field.name}_{kind}": field for field in TIME_FIELDS for kind in ("within", "after", "before")}
FILTER_NAMES = ("q", *CHOICES, *TIMES)
"""All names, in the canonical order of an address."""


@dataclass(frozen=True)
class Filter:
    """Which candidacies a list, a file or a message is about."""

    conditions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(name, any of these values), canonical: without duplicates and in the order of `FILTER_NAMES`."""
    by_words: bool = False
    """No candidacy has the phrase in one column, so each of its words is searched for in any column. It is not in an
    address: it depends on the data at the moment (`query.resolve_phrase`)."""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"), compare=False)
    """The zone in which days begin and local minutes are meant."""

    def __bool__(self) -> bool:
        return bool(self.conditions)

    @property
    def q(self) -> str:
        """The search phrase, normalized."""
        return next(iter(self.values("q")), "")

    @property
    def has_several_words(self) -> bool:
        """Whether the words of the phrase can be searched for one by one."""
        return " " in fold_for_search(self.q)

    @property
    def search_terms(self) -> list[str]:
        """The texts that a candidacy's search text must contain."""
        phrase = fold_for_search(self.q)
        if not phrase:
            return []
        return phrase.split(" ") if self.by_words else [phrase]

    def pairs(self) -> list[tuple[str, str]]:
        """(name, value) in canonical order. `parse_filter` makes the same filter of them."""
        return [(name, value) for name, values in self.conditions for value in values]

    def values(self, name: str) -> tuple[str, ...]:
        """The values set for a name, empty if none are."""
        return dict(self.conditions).get(name, ())

    def narrowed(self, name: str, value: str) -> Filter:
        """The part of this filter's matches that have `value` for a choice. Raises ValueError if there is none."""
        if name not in CHOICES or (self.values(name) and value not in self.values(name)):
            raise ValueError(f"{name}={value!r} is no part of this filter")
        by_name = dict(self.conditions) | {name: (value,)}
        return replace(self, conditions=tuple((key, by_name[key]) for key in FILTER_NAMES if key in by_name))

    def without(self, name: str, value: str | None = None) -> Filter:
        """The same without one value of a name, or without all of them."""
        rest = {
            key: tuple(other for other in values if key != name or value not in (None, other))
            for key, values in self.conditions
        }
        return replace(self, conditions=tuple((key, values) for key, values in rest.items() if values))


def parse_filter(args: MultiDict[str, str], zone: ZoneInfo) -> Filter:
    """The filter that the parameters of an address or a form mean. Local minutes in them are in `zone`.

    Raises `BadParameter` for every unknown name and value (R6). Blank phrases and times count as not set, because the
    empty fields of a form send them.
    """
    for name in args:
        if name not in FILTER_NAMES and name not in PRESENTATION_NAMES:
            raise BadParameter(printable(name))
    parsed = [("q", _parse_phrase(args.getlist("q")))]
    parsed += [(name, choice.parse(args.getlist(name))) for name, choice in CHOICES.items()]
    parsed += [(name, _parse_times(name, args.getlist(name))) for name in TIMES]
    return Filter(tuple((name, values) for name, values in parsed if values), zone=zone)


def _parse_phrase(values: list[str]) -> tuple[str, ...]:
    for value in values:
        if not PHRASE.fullmatch(value):  # before normalization, which takes some control characters for spaces
            refuse("q", value)
    phrases = tuple({normalize(value) for value in values} - {""})
    for phrase in phrases:
        if len(phrase) > MAX_PHRASE_LENGTH or len(phrases) > 1:
            refuse("q", phrase)
    return phrases


def _parse_times(name: str, values: list[str]) -> tuple[str, ...]:
    times = sorted({value.strip() for value in values} - {""})
    is_valid = PERIOD.fullmatch if name.endswith("_within") else parse_local_minute
    for value in times:
        if len(times) > MAX_TIMES or is_valid(value) is None:
            refuse(name, value)
    return tuple(times)


def refuse(name: str, value: str) -> NoReturn:
    """Raise `BadParameter` for a value."""
    raise BadParameter(name, printable(value))


def printable(value: str) -> str:
    """A value as an error page can repeat it: short, and without what no page can be encoded with."""
    return value[:100].encode("utf-8", "replace").decode()
