"""The one place that asks what time it is, so that a test can hold the clock still."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

UNDATED_FOR = timedelta(hours=12)


def utcnow() -> datetime:
    """The present moment, with its zone (UTC)."""
    return datetime.now(UTC)


def undated(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments that their time of day tells, from the first and before the second: of today and of 12 hours.

    Just after midnight a save of five minutes ago needs no date. The first is a whole hour: pages and their tags change
    with the hour at most.
    """
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    recent = (now - UNDATED_FOR).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return min(midnight.astimezone(UTC), recent), (midnight + timedelta(days=1)).astimezone(UTC)
