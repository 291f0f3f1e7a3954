"""Exports the log and verifies it: finds the first entry that was changed, removed, moved or put in (R14).

A database and an export are read as the same stream of records, a few at a time: an `entry`, then each `subject` of it,
and last the `head`. A record is a pair of its kind and its values. An export has one JSON object per record.
"""

import hashlib
import heapq
import json
import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import Session

from webapp.db.transactions import read_snapshot
from webapp.logbook.append import RESTORED, Fields, Subject, WrongType, canonical_detail, entry_form, subject_form
from webapp.models import LogEntry, LogHead, LogSubject
from webapp.text.normalization import BYTE_ORDER_MARK

Record = tuple[str, dict[str, Any]]
KEYS: dict[str, set[str]] = {
    "entry": {*Fields._fields, "previous_hash", "hash"},
    "subject": {"entry", *Subject._fields},
    "head": {"number", "hash"},
}
END: Record = ("end", {})
ENTRIES = select(
    LogEntry.id.label("number"),
    type_coerce(LogEntry.at, BigInteger).label("at"),
    *(getattr(LogEntry, name) for name in (*Fields._fields[2:], "previous_hash", "hash")),
).order_by(LogEntry.id)
SUBJECTS = select(
    LogSubject.entry_id.label("entry"), *(getattr(LogSubject, name) for name in Subject._fields)
).order_by(LogSubject.entry_id, LogSubject.candidacy_id)
BATCHES = {"yield_per": 1000}


@dataclass(frozen=True)
class Verdict:
    """What a check has found: `entries` are sound; `number` is the first that is not, and `reason` says why."""

    entries: int
    reason: str | None = None
    number: int | None = None
    last_hash: str = ""
    """The hash of the last sound entry, if any. Noted elsewhere, it also reveals a log that was written anew."""

    @property
    def sound(self) -> bool:
        return self.reason is None


class Broken(Exception):
    """The first place where the chain does not hold: the number of the entry, None for the head, and the reason."""


def verify(session: Session) -> Verdict:
    """Check the whole log of a database; changes nothing."""
    with closing(_stored_records(session)) as records:
        verdict = _verify(records)
    session.rollback()
    return verdict


def verify_export(lines: Iterable[str]) -> Verdict:
    """Check an exported log."""
    return _verify(_exported_records(lines))


def export(session: Session) -> Iterator[str]:
    """The log of a database as lines of JSON, without line ends."""
    for kind, values in _stored_records(session):
        # bytes in a text's place are left by tampering; they are written in a way that the check finds too
        yield json.dumps({kind: values}, separators=(",", ":"), default=repr)


def _verify(records: Iterable[Record]) -> Verdict:
    count, number, last_hash = 0, 0, ""
    try:
        for number, last_hash in _sound_entries(chain(records, [END])):  # noqa: B007 the last ones are told
            count += 1
    except Broken as broken:
        bad, reason = broken.args
        left_out = number - count
        last_sound = number if bad is None else min(number, bad - 1)
        return Verdict(max(0, last_sound - left_out), reason, bad, last_hash)
    return Verdict(count, last_hash=last_hash)


def _sound_entries(records: Iterator[Record]) -> Iterator[tuple[int, str]]:
    """Number and hash of each entry that fits what is before it. Raises `Broken` at the first record that does not."""
    last, last_hash = 0, ""
    kind, values = next(records)
    while kind == "entry":
        entry, number = values, values["number"]
        _check_place(entry, number, last, last_hash)
        try:
            digest = hashlib.sha256(entry_form(last_hash, Fields(*(entry[name] for name in Fields._fields))))
            for kind, values in records:
                # by repr: True equals 1, but is not the number of an entry
                if kind != "subject" or repr(values["entry"]) != repr(number):
                    break
                digest.update(subject_form(Subject(*(values[name] for name in Subject._fields))))
        except WrongType as wrong:
            raise Broken(number, f"was changed: it {wrong}") from None
        if entry["hash"] != digest.hexdigest():
            raise Broken(number, "was changed: its text or its subjects do not fit its hash")
        last, last_hash = number, entry["hash"]
        yield last, last_hash
    if kind == "subject":
        number = values["entry"] if type(values["entry"]) is int else 0
        raise Broken(max(number, last + 1), "is missing: only subjects of it are there")
    if kind == "unreadable":
        raise Broken(last + 1, f"is missing: line {values['line']} is not part of an export")
    if kind == "end":
        raise Broken(last + 1, "is missing: the log ends without its head")
    _check_head(values["number"], values["hash"], last, last_hash)
    if next(records) is not END:
        raise Broken(last + 1, "was put in: it follows the head")


def _check_place(entry: dict[str, Any], number: Any, last: int, last_hash: str) -> None:
    """Check that an entry follows the last one. Only that of a restore leaves numbers out, as its detail says."""
    if type(number) is not int:
        raise Broken(last + 1, "has no number")
    restored = RESTORED, canonical_detail({"after": last})
    if number > last + 1 and (entry["action"], entry["detail"]) != restored:
        raise Broken(last + 1, f"is missing: entry {number} follows entry {last}")
    if number <= last:
        raise Broken(number, f"is out of order: it follows entry {last}")
    if entry["previous_hash"] != last_hash:
        raise Broken(number, "does not carry the hash of the entry before it")


def _check_head(number: Any, head_hash: Any, last: int, last_hash: str) -> None:
    if type(number) is not int:
        raise Broken(None, "has a head without a number")
    if number > last:
        raise Broken(last + 1, f"is missing: the head stands at entry {number}")
    if number < last:
        raise Broken(number + 1, f"was put in: the head stands at entry {number}")
    if head_hash != last_hash:
        raise Broken(number, "does not carry the hash that the head has")


def _stored_records(session: Session) -> Generator[Record, None, None]:
    """The log of a database, with values as they are stored; one moment's view, while others go on writing."""
    read_snapshot(session)
    with (
        _any_text(session),
        closing(session.execute(ENTRIES, execution_options=BATCHES)) as entries,
        closing(session.execute(SUBJECTS, execution_options=BATCHES)) as subjects,
    ):
        yield from heapq.merge(
            (("entry", row._asdict()) for row in entries), (("subject", row._asdict()) for row in subjects), key=_place
        )
        yield from [("head", row._asdict()) for row in session.execute(select(LogHead.number, LogHead.hash))]


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
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        driver.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        yield
    finally:
        if is_sqlite:
            driver.text_factory = str


def _exported_records(lines: Iterable[str]) -> Iterator[Record]:
    """Each line as a record; `unreadable` if it is not an object of exactly the keys of its kind, each of them once."""
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        try:
            ((kind, values),) = json.loads(text, object_pairs_hook=_unique_keys).items()
            is_record = values.keys() == KEYS.get(kind)
        except (ValueError, AttributeError, RecursionError):  # no JSON, no object, too deep
            is_record = False
        yield (kind, values) if is_record else ("unreadable", {"line": number})


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key is there twice")
    return values
