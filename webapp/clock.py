"""The one place that asks what time it is, so that a test can hold the clock still."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The present moment, with its zone (UTC)."""
    return datetime.now(UTC)
