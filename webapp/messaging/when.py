"""When a message goes out, as a compose form says it, and which moment that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from webapp.messaging.exceptions import BadTime, Problem
from webapp.monitor.times import parse_local_minute

MOST_MINUTES = 240
"""Before each one's own end."""


class WhenKind(StrEnum):
    """The choices of a form."""

    NOW = "now"
    AT = "at"
    """At a time."""
    BEFORE_END = "before_end"
    """So many minutes before each one's own end."""


class Timing(NamedTuple):
    """When something is due: at a moment for everybody, or so many minutes before each one's own end."""

    at: datetime | None
    minutes: int | None

    @property
    def before_end(self) -> timedelta:
        """How long before each one's own end."""
        return timedelta(minutes=self.minutes or 0)


@dataclass(frozen=True)
class When:
    """The choice of a form, with what was typed."""

    kind: WhenKind = WhenKind.NOW
    at: str = ""
    """A minute local to the installation, such as 2026-11-28T14:45."""
    minutes: str = ""
    late: bool = False
    """Whether those who have fewer minutes already get it at once."""

    @classmethod
    def of(cls, at: datetime | None, minutes: int | None, zone: ZoneInfo) -> When:
        """A time as its form shows it."""
        if at is None:
            return cls(WhenKind.BEFORE_END, minutes=str(minutes))
        return cls(WhenKind.AT, at=f"{at.astimezone(zone):%Y-%m-%dT%H:%M}")

    @property
    def is_later(self) -> bool:
        """Whether it does not go out at once."""
        return self.kind is not WhenKind.NOW

    @property
    def content(self) -> list[str]:
        """What tells a later time from another one, and from now, which has nothing (R2)."""
        if self.kind is WhenKind.AT:
            return [self.kind, self.at]
        return [self.kind, self.minutes, *(["late"] if self.late else [])] if self.is_later else []

    def timing(self, now: datetime, zone: ZoneInfo) -> Timing:
        """When it is due. Raises `BadTime` for what is no time, or one that has passed."""
        if self.kind is WhenKind.AT:
            return Timing(_next_moment(self.at, now, zone), None)
        if not re.fullmatch(r"[0-9]{1,9}", self.minutes):
            raise BadTime({"minutes": Problem("number" if self.minutes else "empty")})
        if not 1 <= int(self.minutes) <= MOST_MINUTES:
            raise BadTime({"minutes": Problem("range")})
        return Timing(None, int(self.minutes))


AT_ONCE = When()


def _next_moment(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a local minute; of an hour that a clock change repeats, the first that is still to come."""
    minute = parse_local_minute(text)
    if minute is None:
        raise BadTime({"at": Problem("format" if text else "empty")})
    moments = [minute.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    real = sorted(moment for moment in moments if moment.astimezone(zone).replace(tzinfo=None) == minute)
    if not real:
        raise BadTime({"at": Problem("skipped")})
    to_come = [moment for moment in real if moment > now]
    if not to_come:
        raise BadTime({"at": Problem("past")})
    return to_come[0]
