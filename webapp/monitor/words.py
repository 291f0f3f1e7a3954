"""Filters in words: labels of names and values, for the page, for the compose dialog and for the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from flask_babel import format_decimal, gettext, lazy_gettext, ngettext
from flask_babel.speaklater import LazyString
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.models import Test
from webapp.monitor.filters import Filter
from webapp.monitor.periods import PERIOD, moment_of
from webapp.web.times import day_in_words

NAMES: dict[str, LazyString] = {
    "q": lazy_gettext("Search"),
    "test": lazy_gettext("Test"),
    "progress": lazy_gettext("Progress"),
    "status": lazy_gettext("Connection"),
    "warning": lazy_gettext("Warnings"),
    "room": lazy_gettext("Room"),
    "group": lazy_gettext("Group"),
    "flag": lazy_gettext("Flag"),
    "attendance": lazy_gettext("Attendance"),
    "seen": lazy_gettext("Last seen"),
    "started": lazy_gettext("Started"),
    "saved": lazy_gettext("Saved"),
    "submitted": lazy_gettext("Submitted"),
    "test_start": lazy_gettext("Test start"),
    "test_end": lazy_gettext("Test end"),
}
VALUES: dict[str, dict[str, LazyString]] = {
    "progress": {
        "inactive": lazy_gettext("Inactive"),
        "dashboard": lazy_gettext("Dashboard"),
        "in_progress": lazy_gettext("In progress"),
        "paused": lazy_gettext("Paused"),
        "submitted": lazy_gettext("Submitted"),
        "blank": lazy_gettext("Blank submission"),
        "withdrawn": lazy_gettext("Withdrawn"),
    },
    "status": {"online": lazy_gettext("Online"), "offline": lazy_gettext("Offline")},
    "warning": {
        "offline": lazy_gettext("Offline"),
        "idle": lazy_gettext("Idle"),
        "timed_out": lazy_gettext("Timed out"),
        "was_offline": lazy_gettext("Was offline"),
    },
    "flag": {"yes": lazy_gettext("Flagged"), "no": lazy_gettext("Not flagged")},
    "attendance": {
        "present": lazy_gettext("Present"),
        "absent": lazy_gettext("Absent"),
        "unset": lazy_gettext("Not noted"),
    },
}
NONE_ASSIGNED: dict[str, LazyString] = {
    "room": lazy_gettext("No room"),
    "group": lazy_gettext("No group"),
}
FIXED_GROUPS = ("warning", "progress", "room", "group", "test", "flag", "attendance", "status")
"""The filters with values to tick, in the order in which the page offers them: what needs somebody comes first, and
the bare connection, which is missing to everybody who is not writing, last."""
WITHIN_OFFERS = ("today", "week", "5m", "15m", "1h", "2h", "1d", "next-15m", "next-1h", "next-1d")


def filter_in_words(session: Session, filter: Filter) -> list[str]:  # noqa: A002 the field's word
    """One short phrase per condition ("Room: Aula or Sal B202"), in the filter's order; none without one."""
    titles = titles_of(session, filter)
    if filter.by_words:
        words = gettext("all words of “%(phrase)s”, which nobody has in one field", phrase=filter.q)
        return [f"{label('q')}: {words}", *filter_in_words(session, filter.without("q", filter.q))]
    return [
        f"{label(name)}: {_alternatives([value_in_words(name, value, titles) for value in values])}"
        for name, values in _grouped(filter)
    ]


def titles_of(session: Session, filter: Filter) -> dict[str, str]:  # noqa: A002
    """Test id as text → title, for the tests that a filter names."""
    wanted = [int(value) for value in filter.values("test")]
    if not wanted:
        return {}
    found = session.execute(select(Test.id, Test.title, Test.start_date).where(Test.id.in_(wanted))).all()
    return {str(number): test_in_words(title, day, [row.title for row in found]) for number, title, day in found}


def test_in_words(title: str, day: date, titles: list[str]) -> str:
    """A test's title, with its date where another of `titles` is the same."""
    return f"{title} ({day_in_words(day)})" if titles.count(title) > 1 else title


def candidate_in_words(name: str, number: str, seat: str = "") -> str:
    """A candidate as nobody else can be meant: by candidate ID, and by seat where there is one."""
    if seat:
        return str(gettext("%(name)s (%(number)s, seat %(seat)s)", name=name, number=number, seat=seat))
    return str(gettext("%(name)s (%(number)s)", name=name, number=number))


def label(name: str) -> str:
    """What a filter is called ("Room", "Last seen")."""
    kinds = ("_within", "_after", "_before")
    field = next((name.removesuffix(kind) for kind in kinds if name.endswith(kind)), name)
    return str(NAMES[field])


def value_in_words(name: str, value: str, titles: dict[str, str]) -> str:
    """One value of a filter as people read it; `titles` are those of the tests in the filter."""
    if name == "q":
        return str(gettext("“%(phrase)s”", phrase=value))
    if name == "test":
        return titles.get(value, str(gettext("test %(number)s", number=value)))
    if name in VALUES:
        return str(VALUES[name][value])
    if name in NONE_ASSIGNED:
        return value or str(NONE_ASSIGNED[name])
    if name.endswith("_within"):
        return period_in_words(value)
    return _minute_in_words(name, value)


def period_in_words(value: str) -> str:
    """ "today", "this week", "the last 15 minutes", "the next 2 hours"."""
    found = PERIOD.fullmatch(value)
    if found is None:
        raise ValueError(f"{value!r} is no period")
    if value == "today":
        return str(gettext("today"))
    if value == "week":
        return str(gettext("this week"))
    count = int(found["count"])
    words = {
        ("m", False): ngettext("the last minute", "the last %(shown)s minutes", count, shown=format_decimal(count)),
        ("h", False): ngettext("the last hour", "the last %(shown)s hours", count, shown=format_decimal(count)),
        ("d", False): ngettext("the last day", "the last %(shown)s days", count, shown=format_decimal(count)),
        ("m", True): ngettext("the next minute", "the next %(shown)s minutes", count, shown=format_decimal(count)),
        ("h", True): ngettext("the next hour", "the next %(shown)s hours", count, shown=format_decimal(count)),
        ("d", True): ngettext("the next day", "the next %(shown)s days", count, shown=format_decimal(count)),
    }
    return str(words[found["unit"], found["next"] is not None])


def _minute_in_words(name: str, value: str) -> str:
    moment = moment_of(value)
    if moment is None:
        raise ValueError(f"{value!r} is no local minute")
    shown = f"{day_in_words(moment.date())} {moment:%H:%M}"
    if name.endswith("_after"):
        return str(gettext("after %(moment)s", moment=shown))
    return str(gettext("before %(moment)s", moment=shown))


def _alternatives(phrases: list[str]) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return str(gettext("%(some)s or %(last)s", some=", ".join(phrases[:-1]), last=phrases[-1]))


def _grouped(filter: Filter) -> Iterator[tuple[str, tuple[str, ...]]]:  # noqa: A002
    if filter.q:
        yield "q", (filter.q,)
    yield from filter.choices
    yield from filter.times
