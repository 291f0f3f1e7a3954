"""The log as a stream of records: an `entry`, then each `subject` of it, and last the `head` (R14).

A record is a pair of its kind and its values. Both a database and an export are read as such a stream, a few records at
a time; an export is a file with one JSON object per record.
"""

import heapq
import json
import math
from collections.abc import Collection, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import Session

from webapp.db.transactions import read_snapshot
from webapp.logbook.chain import Fields, Subject
from webapp.models import LogEntry, LogHead, LogSubject
from webapp.text.normalization import BYTE_ORDER_MARK

Record = tuple[str, dict[str, Any]]
KEYS: dict[str, Collection[str]] = {
    "entry": {*Fields._fields, "previous_hash", "hash"},
    "subject": {"entry", *Subject._fields},
    "head": {"number", "hash"},
}
UNREADABLE = "unreadable"
"""The kind of a line that is not part of an export; its value is the number of the line."""
ENTRIES = select(
    LogEntry.id.label("number"),
    type_coerce(LogEntry.at, BigInteger).label("at"),
    LogEntry.actor_id,
    LogEntry.actor_name,
    LogEntry.actor_role,
    LogEntry.action,
    LogEntry.detail,
    LogEntry.previous_hash,
    LogEntry.hash,
).order_by(LogEntry.id)
SUBJECTS = select(
    LogSubject.entry_id.label("entry"), *(getattr(LogSubject, name) for name in Subject._fields)
).order_by(LogSubject.entry_id, LogSubject.candidacy_id)
ROWS_AT_ONCE = 1000


def stored_records(session: Session) -> Generator[Record, None, None]:
    """The log of a database, with values as they are stored; one moment's view, while others go on writing."""
    read_snapshot(session)
    with _any_text(session):
        few = {"yield_per": ROWS_AT_ONCE}
        entries = session.execute(ENTRIES, execution_options=few)
        subjects = session.execute(SUBJECTS, execution_options=few)
        with closing(entries), closing(subjects):
            yield from heapq.merge(
                (("entry", row._asdict()) for row in entries),
                (("subject", row._asdict()) for row in subjects),
                key=_place,
            )
        for row in session.execute(select(LogHead.number, LogHead.hash)).all():
            yield "head", row._asdict()


def _place(record: Record) -> tuple[float, bool]:
    """Orders entries and subjects by number; a subject follows its entry."""
    kind, values = record
    number = values["number" if kind == "entry" else "entry"]
    return (number if type(number) is int else math.inf), kind == "subject"


@contextmanager
def _any_text(session: Session) -> Iterator[None]:
    """Read text that is not UTF-8, which SQLite can store, as lone surrogates, which no entry holds.

    Without this the driver raises an error of its own, and the check could not name the entry.
    """
    driver: Any = session.connection().connection.driver_connection
    if session.get_bind().dialect.name != "sqlite":
        yield
        return
    driver.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str


def export(session: Session) -> Iterator[str]:
    """The log of a database as lines of JSON, without line ends."""
    for kind, values in stored_records(session):
        # bytes in a text's place are left by tampering; they are written in a way that the check finds too
        yield json.dumps({kind: values}, separators=(",", ":"), default=repr)


def exported_records(lines: Iterable[str]) -> Iterator[Record]:
    """The log of an export; a line that is not part of one is `UNREADABLE`."""
    for number, line in enumerate(lines, 1):
        try:
            yield _parse(line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line)
        except (ValueError, RecursionError):
            yield UNREADABLE, {"line": number}


def _parse(line: str) -> Record:
    """Raises `ValueError` if the line is not an object of exactly the keys of its kind."""
    record = json.loads(line, object_pairs_hook=_unique_keys)
    if not isinstance(record, dict) or len(record) != 1:
        raise ValueError("not one record")
    ((kind, values),) = record.items()
    if not isinstance(values, dict) or values.keys() != KEYS.get(kind):
        raise ValueError("not the keys of an export")
    return kind, values


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key is there twice")
    return values
