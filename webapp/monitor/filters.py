"""The monitor's filter: from the parameters of an address to conditions, and back (R6, R18).

Several values of one name mean any of them; several names mean all of them. What is not known is refused,
never dropped: dropping a condition would widen the list, and with it the audience of a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.access import AccessScope
from webapp.exceptions import BadParameter
from webapp.models import Attendance, Candidacy, Test
from webapp.models.status import Progress
from webapp.models.status import Warning as CandidateWarning
from webapp.monitor.periods import LOCAL_MINUTE, PERIOD, moment_of
from webapp.planning.search_text import SEPARATOR
from webapp.text.normalization import fold_for_search, is_blank, normalize

STATUSES = ("online", "offline")
FLAGS = ("yes", "no")
ATTENDANCES = (*(one.value for one in Attendance), "unset")
TIME_FIELDS = ("seen", "started", "saved", "submitted", "test_start", "test_end")
TIME_NAMES = tuple(f"{name}_{kind}" for name in TIME_FIELDS for kind in ("within", "after", "before"))
FIXED_VALUES: dict[str, tuple[str, ...]] = {
    "progress": tuple(one.value for one in Progress),
    "status": STATUSES,
    "warning": tuple(one.value for one in CandidateWarning),
    "flag": FLAGS,
    "attendance": ATTENDANCES,
}
CHOICE_NAMES = ("test", "progress", "status", "warning", "room", "group", "flag", "attendance")
FILTER_NAMES = ("q", *CHOICE_NAMES, *TIME_NAMES)
PRESENTATION_NAMES = ("sort", "page", "view", "column")
"""How the list is shown: accepted here and without meaning for which candidacies match."""

LONGEST_PHRASE = 200
MOST_VALUES = 500
"""Of one name; more is no filter that a person set, and databases bound the parameters of a statement."""
MOST_TIMES = 10
EXACT_TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{0,100}")
"""What a room or group can be called: as long as the column, without control characters."""


@dataclass(frozen=True)
class Filter:
    """Which candidacies are meant. Values are canonical: known, without doubles, in a fixed order."""

    q: str = ""
    """One phrase as it was typed, but for spaces and invisible signs (`normalization.normalize`)."""
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(name, any of these values), in the order of `CHOICE_NAMES`."""
    times: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(time name, any of these values), in the order of `TIME_NAMES`."""
    by_words: bool = False
    """Nobody has the phrase in one column, so each of its words is looked for in any. Not in an address: it depends on
    who has what at the moment (`query.resolve_phrase`)."""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"), compare=False)
    """The zone in which days begin and moments without a zone are meant."""

    def __bool__(self) -> bool:
        return bool(self.q or self.choices or self.times)

    @property
    def has_several_words(self) -> bool:
        """Whether there is a word to look for apart from the others."""
        return " " in fold_for_search(self.q)

    def pairs(self) -> list[tuple[str, str]]:
        """(name, value) in canonical order; `parse_filter` makes the same filter of them."""
        phrase = [("q", self.q)] if self.q else []
        return phrase + [(name, value) for name, values in self.choices + self.times for value in values]

    def values(self, name: str) -> tuple[str, ...]:
        """The values set for a name, empty if none are."""
        if name == "q":
            return (self.q,) if self.q else ()
        return dict(self.choices + self.times).get(name, ())

    def narrowed(self, name: str, value: str) -> Filter:
        """The part of this filter's matches that have `value` for `name` (test, room, group …).

        Raises ValueError if the filter asks for other values of that name: nothing would be left of it.
        """
        if name not in CHOICE_NAMES or (self.values(name) and value not in self.values(name)):
            raise ValueError(f"{name}={value!r} is no part of this filter")
        kept = dict(self.choices) | {name: (value,)}
        return replace(self, choices=tuple((key, kept[key]) for key in CHOICE_NAMES if key in kept))

    def without(self, name: str, value: str | None = None) -> Filter:
        """The same without one of its conditions, or without all of one name (the link on a filter's chip)."""
        if name == "q":
            return replace(self, q="", by_words=False)
        if value is None:
            left = [tuple(one for one in held if one[0] != name) for held in (self.choices, self.times)]
            return replace(self, choices=left[0], times=left[1])
        return replace(self, choices=_less(self.choices, name, value), times=_less(self.times, name, value))


def _less(
    held: tuple[tuple[str, tuple[str, ...]], ...], name: str, value: str
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    left = ((key, tuple(one for one in values if (key, one) != (name, value))) for key, values in held)
    return tuple((key, values) for key, values in left if values)


def parse_filter(args: MultiDict[str, str], zone: ZoneInfo) -> Filter:
    """The filter that the parameters of an address or form mean; moments in them are local to `zone`.

    Raises `BadParameter` for every unknown name and value (R6). A blank phrase and blank times are not set:
    an empty field of a form sends them.
    """
    for name in args:
        if name not in FILTER_NAMES and name not in PRESENTATION_NAMES:
            raise BadParameter(printable(name))
    return Filter(
        q=_phrase(args.getlist("q")),
        choices=tuple(_gathered(args, CHOICE_NAMES, _choices)),
        times=tuple(_gathered(args, TIME_NAMES, _times)),
        zone=zone,
    )


def _gathered(
    args: MultiDict[str, str],
    names: Iterable[str],
    parse: Callable[[str, list[str]], tuple[str, ...]],
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in names:
        values = parse(name, args.getlist(name))
        if values:
            yield name, values


def _phrase(given: Sequence[str]) -> str:
    for phrase in given:
        # before the ends are cut: Python takes the separator for a space
        if any(sign in phrase for sign in (SEPARATOR, "\0")) or not _is_text(phrase):
            _refuse("q", phrase)
    phrases = {normalize(phrase) for phrase in given} - {""}
    for phrase in phrases:
        if len(phrase) > LONGEST_PHRASE or len(phrases) > 1:
            _refuse("q", phrase)
    return phrases.pop() if phrases else ""


def _choices(name: str, given: list[str]) -> tuple[str, ...]:
    if len(given) > MOST_VALUES:
        _refuse(name, given[MOST_VALUES])
    if name == "test":
        return tuple(str(number) for number in sorted({_number(value) for value in given}))
    if name in FIXED_VALUES:
        known = FIXED_VALUES[name]
        for value in given:
            if value not in known:
                _refuse(name, value)
        return tuple(value for value in known if value in given)
    for value in given:
        if not EXACT_TEXT.fullmatch(value) or (value and is_blank(value)):
            _refuse(name, value)
    return tuple(sorted({normalize(value) for value in given}))


def _number(value: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", value):
        _refuse("test", value)
    return int(value)


def _times(name: str, given: list[str]) -> tuple[str, ...]:
    known = PERIOD if name.endswith("_within") else LOCAL_MINUTE
    values = sorted({value.strip() for value in given} - {""})
    for value in values:
        if not known.fullmatch(value) or len(values) > MOST_TIMES:
            _refuse(name, value)
        if known is LOCAL_MINUTE and moment_of(value) is None:
            _refuse(name, value)
    return tuple(values)


def _refuse(name: str, value: str) -> NoReturn:
    raise BadParameter(name, printable(value))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(value: str) -> str:
    """A value as an error page can repeat it: short, and without what no page can be encoded with."""
    return value[:100].encode("utf-8", "replace").decode()


def tests_shown(scope: AccessScope, filter: Filter) -> AccessScope:  # noqa: A002 the field's word
    """What a filter looks in: the tests that it names, else those that are open now (R26)."""
    return scope if filter.values("test") else scope.open_now()


def check_values(session: Session, scope: AccessScope, filter: Filter) -> None:  # noqa: A002 the field's word
    """Refuse tests, rooms and groups that nobody within reach has (R6); `BadParameter` names the first.

    "None assigned" (a blank room or group) and the room that somebody is limited to are always known: whether
    anybody is in it changes while people look.
    """
    _check("test", filter, _known_tests(session, scope, filter))
    for name, column in (("room", Candidacy.room), ("group", Candidacy.group_name)):
        wanted = set(filter.values(name)) - {""}
        if name == "room":
            wanted -= set(scope.rooms.values())
        if wanted:
            found = select(column).where(scope.condition(), column.in_(wanted)).distinct()
            _check(name, filter, {"", *scope.rooms.values(), *session.scalars(found)})


def _known_tests(session: Session, scope: AccessScope, filter: Filter) -> set[str]:  # noqa: A002
    if scope.everything and filter.values("test"):
        wanted = [int(value) for value in filter.values("test")]
        return {str(number) for number in session.scalars(select(Test.id).where(Test.id.in_(wanted)))}
    return {str(number) for number in scope.roles}


def _check(name: str, filter: Filter, known: set[str]) -> None:  # noqa: A002
    for value in filter.values(name):
        if value not in known:
            _refuse(name, value)
