"""Column types and limits that both databases share."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000
"""In microseconds, as moments are stored."""
MAX_ID = 2**31 - 1
"""Ids are PostgreSQL's `integer`. A statement with a larger one fails there and finds nothing on SQLite."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, stored as whole microseconds since 1970; in Python an aware datetime.

    With a number the same arithmetic (own end = end + minutes) runs on SQLite and PostgreSQL and uses their indexes.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else EPOCH + value * MICROSECOND


def microseconds(moment: datetime) -> int:
    """An aware datetime as whole microseconds since 1970. Raises `ValueError` for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return (moment - EPOCH) // MICROSECOND
