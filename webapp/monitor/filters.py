"""The filters of the list: their names in an address, their values, words and conditions (R6, R18).

A new filter is one entry in `_CHOICES` or in `times.py` (docs/development.md). Several values of one name mean any of
them, several names mean all of them. Unknown names and values are refused and never dropped: dropping a condition would
widen the list, and with it the audience of a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, or_
from werkzeug.datastructures import MultiDict

from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter
from webapp.models import Attendance, Candidacy
from webapp.models.status import NOW, CandidateWarning, Progress, State, has_progress, has_state, has_warning, is_online
from webapp.monitor.times import TIMES
from webapp.text.characters import is_filter_text, is_storable
from webapp.text.normalization import fold_for_search, is_blank, normalize

MAX_PHRASE_LENGTH = 200
MAX_VALUES = 500
"""Of one name. A person sets no more, and databases limit the parameters of a statement."""
MAX_TIMES = 10
TEST_ID = re.compile(r"[1-9][0-9]{0,17}")
LONGEST_TEXT = 100
"""Of a column, such as a room."""
PRESENTATION_NAMES = ("sort", "page", "view", "column")
"""Parameters of the same addresses that say how the list is shown (`columns.py`)."""


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
    text_column: Any = None
    """The column of `Candidacy` whose texts are the values. One of `Test` would offer texts out of a person's scope:
    the queries that find and check the values do not join the tests."""
    blank: LazyString | None = None
    """The words for a blank text: none is assigned."""

    def __post_init__(self) -> None:
        if self.text_column is not None and self.text_column.class_ is not Candidacy:
            raise ValueError(f"{self.name}: the column must be one of Candidacy")

    def parse(self, values: list[str]) -> list[str]:
        """The values in canonical order. Raises `BadParameter`."""
        refused = values[MAX_VALUES:] or [value for value in values if not self._is_possible(value)]
        if refused:
            raise BadParameter(self.name, refused[0])
        if self.text_column is not None:
            return sorted({normalize(value) for value in values})
        return sorted(set(values), key=list(self.values).index if self.values else int)

    def _is_possible(self, value: str) -> bool:
        if self.values:
            return value in self.values
        if self.text_column is not None:
            is_text = len(value) <= LONGEST_TEXT and is_filter_text(value)
            return is_text and not (value and is_blank(value))
        return TEST_ID.fullmatch(value) is not None and int(value) <= MAX_ID

    def matches(self, values: Sequence[str]) -> ColumnElement[bool]:
        """Whether a candidacy has any of these values."""
        if self.condition is not None:
            return or_(*map(self.condition, values))
        if self.text_column is not None:
            texts: ColumnElement[bool] = self.text_column.in_(values)
            return texts
        return Candidacy.test_id.in_([int(value) for value in values])


_CHOICES = (
    Choice("test", lazy_gettext("Test"), 5),
    Choice(
        "state", lazy_gettext("State"), 0,
        {
            State.OFFLINE: lazy_gettext("Offline"), State.TIME_UP: lazy_gettext("Time is up"),
            State.IDLE: lazy_gettext("Idle"), State.PAUSED: lazy_gettext("Paused"),
            State.WRITING: lazy_gettext("Writing"), State.WAITING: lazy_gettext("Waiting"),
            State.SUBMITTED: lazy_gettext("Submitted"), State.NOT_ARRIVED: lazy_gettext("Not arrived"),
            State.WITHDRAWN: lazy_gettext("Withdrawn"),
        },
        lambda value: has_state(State(value), NOW),
    ),
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
    Choice("room", lazy_gettext("Room"), 3, text_column=Candidacy.room, blank=lazy_gettext("No room")),
    Choice("group", lazy_gettext("Group"), 4, text_column=Candidacy.group_name, blank=lazy_gettext("No group")),
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
    Choice(
        "extra", lazy_gettext("Extra time"), 9,
        {"yes": lazy_gettext("Has extra time"), "no": lazy_gettext("No extra time")},
        lambda value: Candidacy.extra_minutes > 0 if value == "yes" else Candidacy.extra_minutes == 0,
    ),
)  # fmt: skip
CHOICES = {choice.name: choice for choice in _CHOICES}
FILTER_NAMES = ("q", *CHOICES, *TIMES)
"""All names, in the canonical order of an address."""
LABELS = {"q": lazy_gettext("Search")} | {name: filter.label for name, filter in (CHOICES | TIMES).items()}


@dataclass(frozen=True)
class Filter:
    """Which candidacies a list, a file or a message is about."""

    conditions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Name → any of these values, canonical: without duplicates and in the order of `FILTER_NAMES`."""
    by_words: bool = False
    """No candidacy has the phrase in one column, so each of its words is searched for in any column. It is not in an
    address: it depends on the data at the moment (`query.resolve_phrase`)."""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"), compare=False)
    """The zone in which days begin and local minutes are meant."""

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def __hash__(self) -> int:
        return hash((self.by_words, *self.conditions.items()))

    @property
    def q(self) -> str:
        """The search phrase, normalized."""
        return next(iter(self.values("q")), "")

    @property
    def has_several_words(self) -> bool:
        """Whether the words of the phrase can be searched for one by one."""
        return " " in fold_for_search(self.q)

    def pairs(self) -> list[tuple[str, str]]:
        """(name, value) in canonical order. `parse_filter` makes the same filter of them."""
        return [(name, value) for name, values in self.conditions.items() for value in values]

    def values(self, name: str) -> tuple[str, ...]:
        """The values set for a name, empty if none are."""
        return self.conditions.get(name, ())

    def narrowed(self, name: str, value: str) -> Filter:
        """The part of this filter's matches that have `value` for a choice. Raises ValueError if there is none."""
        if name not in CHOICES or (self.values(name) and value not in self.values(name)):
            raise ValueError(f"{name}={value!r} is no part of this filter")
        return self.with_values(name, [value])

    def without(self, name: str, value: str | None = None) -> Filter:
        """The same without one value of a name, or without all of them."""
        return self.with_values(name, [other for other in self.values(name) if value not in (None, other)])

    def with_values(self, name: str, values: Iterable[str]) -> Filter:
        """The same with these values of a name, in canonical order, instead of its present ones."""
        by_name = self.conditions | {name: tuple(values)}
        return replace(self, conditions={key: by_name[key] for key in FILTER_NAMES if by_name.get(key)})


def parse_filter(args: MultiDict[str, str], zone: ZoneInfo) -> Filter:
    """The filter that the parameters of an address or a form mean. Local minutes in them are in `zone`.

    Raises `BadParameter` for every unknown name and value (R6). Blank phrases and times count as not set, because the
    empty fields of a form send them.
    """
    for name in args:
        if name not in FILTER_NAMES + PRESENTATION_NAMES:
            raise BadParameter(name)
    if saved := set(args.getlist("view")) - {"all"}:
        raise BadParameter("view", min(saved))  # its filter is not this one
    parsed = {"q": _parse_phrase(args.getlist("q"))}
    parsed |= {name: choice.parse(args.getlist(name)) for name, choice in CHOICES.items()}
    parsed |= {name: _parse_times(name, args.getlist(name)) for name in TIMES}
    return Filter({name: tuple(values) for name, values in parsed.items() if values}, zone=zone)


def _parse_phrase(values: list[str]) -> list[str]:
    for value in values:
        # before normalization, which takes some control characters for spaces; \x1f separates the searched columns
        if "\x1f" in value or not is_storable(value):
            raise BadParameter("q", value)
    phrases = list({normalize(value) for value in values} - {""})
    if len(phrases) > 1 or len("".join(phrases)) > MAX_PHRASE_LENGTH:
        raise BadParameter("q", phrases[0])
    return phrases


def _parse_times(name: str, values: list[str]) -> list[str]:
    typed = {value.strip() for value in values} - {""}
    times = {value: TIMES[name].parse(name, value) for value in sorted(typed)}
    for value, time in times.items():
        if len(times) > MAX_TIMES or time is None:
            raise BadParameter(name, value)
    return sorted({time for time in times.values() if time is not None})
