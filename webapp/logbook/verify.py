"""Checking the log: the first entry that was changed, removed, reordered or put in, in a database or an export (R14).

Entries and subjects are read side by side in order, a few at a time: memory does not grow with the log.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import Session

from webapp.db.transactions import read_snapshot
from webapp.logbook.chain import (
    NO_HASH,
    RESTORED,
    Broken,
    Digest,
    Fields,
    Subject,
    Written,
    WrongType,
    canonical_detail,
)
from webapp.logbook.exports import NOTHING, Reader
from webapp.models import LogEntry, LogHead, LogSubject

AT_ONCE = 1000
"""Rows held in memory at a time."""
SUBJECT_COLUMNS = [getattr(LogSubject, name) for name in Subject._fields]
ENTRY_COLUMNS: tuple[Any, ...] = (
    LogEntry.id,
    type_coerce(LogEntry.at, BigInteger),
    LogEntry.actor_id,
    LogEntry.actor_name,
    LogEntry.actor_role,
    LogEntry.action,
    LogEntry.detail,
    LogEntry.previous_hash,
    LogEntry.hash,
)


@dataclass(frozen=True)
class Verdict:
    """What a check has found. `entries` were right; `number` is the first that is not, and `reason` says why."""

    entries: int
    reason: str | None = None
    number: int | None = None
    last_hash: str = NO_HASH
    """The hash of the last entry looked at: noted elsewhere, it also shows a log that was written anew."""

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return self.reason is None


class Chain:
    """Follows the chain entry by entry; raises `Broken` at the first that does not fit."""

    def __init__(self) -> None:
        self.entries = 0
        """The number of the last entry."""
        self.left_out = 0
        """Numbers that restores have left out."""
        self.last_hash = NO_HASH

    def take(self, entry: Written, subjects: Iterable[Subject]) -> None:
        """Check the next entry with its subjects, which come in order of candidacy id."""
        number, expected = entry.fields.number, self.entries + 1
        if number > expected and not _leaves_out(entry.fields, self.entries):
            raise Broken(expected, f"is missing: entry {number} follows entry {self.entries}")
        if number < expected:
            raise Broken(number, f"is out of order: it follows entry {self.entries}")
        try:
            digest, count = Digest(self.last_hash, entry.fields), 0
            for subject in subjects:
                digest.add([subject])
                count += 1
        except WrongType as wrong:
            raise Broken(number, f"was changed: it {wrong}") from None
        if entry.previous_hash != self.last_hash:
            raise Broken(number, "does not carry the hash of the entry before it")
        if entry.hash != digest.hexdigest():
            raise Broken(number, f"was changed: its text or its subjects ({count} found) do not fit its hash")
        self.left_out += number - expected
        self.entries, self.last_hash = number, entry.hash

    def verdict(self, broken: Broken | None = None) -> Verdict:
        """What was found: nothing, or this."""
        if broken is None:
            return Verdict(self.entries - self.left_out, last_hash=self.last_hash)
        before = self.entries if broken.number is None else max(0, min(self.entries, broken.number - 1))
        return Verdict(max(0, before - self.left_out), broken.reason, broken.number, self.last_hash)

    def end(self, number: int, head_hash: str) -> None:
        """Check that the chain ends where the head says."""
        _whole(number, "has a head without a number")
        if number > self.entries:
            raise Broken(self.entries + 1, f"is missing: the head stands at entry {number}")
        if number < self.entries:
            raise Broken(number + 1, f"was put in: the head stands at entry {number}")
        if head_hash != self.last_hash:
            raise Broken(number, "does not carry the hash that the head has")


def _leaves_out(fields: Fields, last: int) -> bool:
    """Whether this is the entry of a restore that goes on after the last number: as it says, and its hash with it."""
    return fields.action == RESTORED and fields.detail == canonical_detail({"after": last})


def verify(session: Session) -> Verdict:
    """Check the whole log of a database; changes nothing. One moment's view, while others go on writing."""
    read_snapshot(session)  # entries, subjects and head belong together
    chain = Chain()
    try:
        with _any_text(session), closing(stored(session)) as entries:
            for entry, subjects in entries:
                chain.take(entry, subjects)
            heads = session.execute(select(LogHead.number, LogHead.hash)).all()
        if len(heads) != 1:
            raise Broken(None, f"has {len(heads)} heads instead of one")
        chain.end(*heads[0])
    except Broken as broken:
        return chain.verdict(broken)
    finally:
        session.rollback()
    return chain.verdict()


@contextmanager
def _any_text(session: Session) -> Iterator[None]:
    """Read text that is not UTF-8, which SQLite stores, as lone surrogates, which no entry holds: a finding.

    Its driver raises an error of its own otherwise.
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


def stored(session: Session) -> Generator[tuple[Written, Iterator[Subject]], None, None]:
    """The entries of a database in order of number, each with its subjects, which are to be read before the next.

    Values are as they are stored. Raises `Broken` for a subject that belongs to no entry, and for a number that is
    none.
    """
    rows = session.execute(
        select(LogSubject.entry_id, *SUBJECT_COLUMNS)
        .order_by(LogSubject.entry_id, LogSubject.candidacy_id)
        .execution_options(yield_per=AT_ONCE)
    )
    entries = session.execute(select(*ENTRY_COLUMNS).order_by(LogEntry.id).execution_options(yield_per=AT_ONCE))
    with closing(rows), closing(entries):
        subjects = Subjects(tuple(row) for row in rows)
        for row in entries:
            entry = Written(Fields(*row[:7]), *row[7:])
            number = _whole(entry.fields.number, "holds an entry without a number")
            yield entry, subjects.of(number)
            subjects.none_before(number + 1)
        subjects.none_left()


def _whole(value: Any, otherwise: str) -> int:
    if type(value) is not int:
        raise Broken(None, otherwise)
    return value


class Subjects:
    """The subjects of all entries in one stream, handed out entry by entry."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next: tuple[Any, ...] | None = None
        self._advance()

    def _advance(self) -> None:
        self._next = next(self._rows, None)
        if self._next is not None:
            _whole(self._next[0], "holds a subject that has no entry's number")

    def of(self, number: int) -> Iterator[Subject]:
        """Those of the entry with this number."""
        self.none_before(number)
        while self._next is not None and self._next[0] == number:
            row = self._next
            self._advance()
            yield Subject(*row[1:])

    def none_before(self, number: int) -> None:
        """Raise if a subject is left that belongs to an earlier number."""
        if self._next is not None and self._next[0] < number:
            raise Broken(self._next[0], "has subjects but is not there")

    def none_left(self) -> None:
        """Raise if any subject is left."""
        if self._next is not None:
            raise Broken(self._next[0], "has subjects but is not there")


def export(session: Session) -> Iterator[str]:
    """The log as JSON lines without line ends: an `entry`, then each `subject` of it, and last the `head`."""
    read_snapshot(session)  # entries, subjects and head belong together
    with _any_text(session), closing(stored(session)) as entries:
        yield from _lines(entries)
        head = session.execute(select(LogHead.number, LogHead.hash)).one()
    yield _line({"head": {"number": head.number, "hash": head.hash}})


def _lines(entries: Iterable[tuple[Written, Iterator[Subject]]]) -> Iterator[str]:
    for entry, subjects in entries:
        yield _line({"entry": {**entry.fields._asdict(), "previous_hash": entry.previous_hash, "hash": entry.hash}})
        for subject in subjects:
            yield _line({"subject": {"entry": entry.fields.number, **subject._asdict()}})


def _line(value: dict[str, Any]) -> str:
    # bytes in a text's place, which only tampering leaves, are written in a way that is found too
    return json.dumps(value, separators=(",", ":"), default=repr)


def verify_export(lines: Iterable[str]) -> Verdict:
    """Check an exported log. Nothing may follow its head, and a line that is no part of an export is a finding."""
    chain = Chain()
    try:
        _follow(chain, Reader(lines))
    except Broken as broken:
        return chain.verdict(broken)
    return chain.verdict()


def _follow(chain: Chain, reader: Reader) -> None:
    while reader.kind == "entry":
        entry = reader.entry()
        chain.take(entry, reader.subjects(entry.fields.number))
    if reader.kind == "subject":
        raise Broken(chain.entries + 1, f"is missing: line {reader.line} is a subject of no entry")
    if reader.kind != "head":
        raise Broken(chain.entries + 1, f"is missing: the file ends or is damaged at line {reader.line}")
    chain.end(*reader.head())
    if reader.kind != NOTHING:
        raise Broken(chain.entries + 1, f"was put in: line {reader.line} follows the head")
