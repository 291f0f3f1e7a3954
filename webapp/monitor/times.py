"""The filters of the list that are about time: periods and minutes of a moment, and spans that roll on with the clock.

A new one is one entry in `TIME_FIELDS` or `ROLLING` (docs/development.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, and_, or_

from webapp.models import Candidacy, Test
from webapp.models.status import is_writing, last_heard, last_sign, own_end

PERIOD = re.compile(r"today|week|(next-)?[1-9][0-9]{0,3}[mhd]")
"""The local day or week, the last N (`15m` `2h` `3d`), or the next N (`next-15m`)."""
SPAN = re.compile(r"[1-9][0-9]{0,3}[mhd]")
LOCAL_MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
EARLIEST, LATEST = datetime(1970, 1, 2), datetime(2999, 12, 31)  # noqa: DTZ001 local to any zone
BEGINNING, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
"""Before and after all moments that anybody can type."""


class TimeFilter(Protocol):
    """A filter by time."""

    @property
    def label(self) -> LazyString:
        """What people read."""

    def parse(self, name: str, value: str) -> str | None:
        """The value as it stands in addresses; None for one that means nothing."""

    def matches(self, name: str, values: Sequence[str], now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
        """Whether a candidacy is within any of these times. `name` is the parameter's."""


@dataclass(frozen=True, eq=False)
class TimeField:
    """A moment to filter by: within a period, after and before a local minute."""

    name: str
    label: LazyString
    column: Any

    def parse(self, name: str, value: str) -> str | None:
        is_valid = PERIOD.fullmatch if name.endswith("_within") else parse_local_minute
        return value if is_valid(value) is not None else None

    def matches(self, name: str, values: Sequence[str], now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
        spans = [bounds(name, value, now, zone) for value in values]
        return or_(*(and_(self.column >= since, self.column < until) for since, until in spans))


@dataclass(frozen=True, eq=False)
class RollingSpan:
    """A span from now, into the past or the future. `next-15m` is the same as `15m`: there is one direction only."""

    label: LazyString
    condition: Callable[[datetime, timedelta], ColumnElement[bool]]
    """Over candidacy and test, at a moment and for a span."""
    offers: tuple[str, ...]

    def parse(self, _name: str, value: str) -> str | None:
        span = value.removeprefix("next-")
        return span if SPAN.fullmatch(span) else None

    def matches(self, _name: str, values: Sequence[str], now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        return or_(*(self.condition(now, span_of(value)) for value in values))


TIME_FIELDS = (
    TimeField("seen", lazy_gettext("Last seen"), Candidacy.last_seen),
    TimeField("started", lazy_gettext("Started"), Candidacy.started_at),
    TimeField("saved", lazy_gettext("Saved"), Candidacy.saved_at),
    TimeField("submitted", lazy_gettext("Submitted"), Candidacy.submitted_at),
    TimeField("test_start", lazy_gettext("Test start"), Test.starts_at),
    TimeField("test_end", lazy_gettext("Test end"), Test.ends_at),
)
ROLLING = {
    # the own end is within the span, or has passed
    "ends_within": RollingSpan(
        lazy_gettext("Own end within"), lambda now, span: own_end() <= now + span, ("5m", "15m", "30m", "1h", "2h")
    ),
    # who has never come is not in it: that is a state of its own
    "unseen": RollingSpan(
        lazy_gettext("Not seen for"), lambda now, span: last_heard() <= now - span, ("2m", "5m", "15m", "30m", "1h")
    ),
    "unsaved": RollingSpan(
        lazy_gettext("Not saved for"),
        lambda now, span: and_(is_writing(), last_sign() <= now - span),
        ("5m", "10m", "15m", "30m", "1h"),
    ),
}
"""Name → what it means. Their conditions may be NULL, which matches nothing."""
TIMES: dict[str, TimeFilter] = {
    **{f"{field.name}_{kind}": field for field in TIME_FIELDS for kind in ("within", "after", "before")},
    **ROLLING,
}


def span_of(value: str) -> timedelta:
    """How long `15m`, `2h` or `3d` is."""
    return int(value[:-1]) * UNITS[value[-1]]


def parse_local_minute(text: str) -> datetime | None:
    """`YYYY-MM-DDTHH:MM` as a naive local time. None if there is no such minute, or it is out of all bounds."""
    try:
        minute = datetime.fromisoformat(text if LOCAL_MINUTE.fullmatch(text) else "")
    except ValueError:
        return None
    return minute if EARLIEST <= minute <= LATEST else None


def bounds(name: str, value: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """(since, until) in UTC of one time condition: `since` is included, `until` is not.

    `name` ends in `_within`, `_after` or `_before`; `value` comes from `parse_filter`. An hour that a clock change
    repeats belongs to both ends: what is shown between two times is found between them.
    """
    if name.endswith("_within"):
        return _period(value, now, zone)
    local = datetime.fromisoformat(value).replace(tzinfo=zone)
    if name.endswith("_after"):
        return local.astimezone(UTC), END
    return BEGINNING, local.replace(fold=1).astimezone(UTC)


def _period(value: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if value not in ("today", "week"):
        length = span_of(value.removeprefix("next-"))
        return (now, now + length) if value.startswith("next-") else (now - length, now + timedelta(microseconds=1))
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    first = midnight - timedelta(days=midnight.weekday()) if value == "week" else midnight
    # local arithmetic: a day with a clock change has 23 or 25 hours
    after_last = first + timedelta(days=7 if value == "week" else 1)
    return first.astimezone(UTC), after_last.astimezone(UTC)
