"""Time filters as bounds: what `today`, `2h`, `next-15m` and a local minute mean at a moment, in a zone."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

PERIOD = re.compile(r"today|week|(?P<next>next-)?(?P<count>[1-9][0-9]{0,3})(?P<unit>[mhd])")
"""The local day or week, the last N (`15m` `2h` `3d`), or the next N (`next-15m`)."""
LOCAL_MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
EARLIEST, LATEST = datetime(1970, 1, 2), datetime(2999, 12, 31)  # noqa: DTZ001 local to any zone
BEGINNING, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
"""Before and after all moments that anybody can type."""


def parse_local_minute(text: str) -> datetime | None:
    """`YYYY-MM-DDTHH:MM` as a naive local time. None if there is no such minute, or it is out of all bounds."""
    try:
        minute = datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 local to any zone
    except ValueError:
        return None
    return minute if LOCAL_MINUTE.fullmatch(text) and EARLIEST <= minute <= LATEST else None


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
    period = PERIOD.fullmatch(value)
    if period is None:
        raise ValueError(f"{value!r} is no period")
    if period["unit"]:
        length = int(period["count"]) * UNITS[period["unit"]]
        return (now, now + length) if period["next"] else (now - length, now + timedelta(microseconds=1))
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    first = midnight - timedelta(days=midnight.weekday()) if value == "week" else midnight
    # local arithmetic: a day with a clock change has 23 or 25 hours
    after_last = first + timedelta(days=7 if value == "week" else 1)
    return first.astimezone(UTC), after_last.astimezone(UTC)
