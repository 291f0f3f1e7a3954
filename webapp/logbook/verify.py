"""Checking the log: the first entry that was changed, removed, reordered or put in, in a database or an export (R14).

Entries and subjects are read side by side in order, a few at a time: memory does not grow with the log.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.database import EPOCH, in_one_moment, microseconds
from webapp.logbook.chain import NO_HASH, Digest, Fields, Subject
from webapp.models import LogEntry, LogHead, LogSubject

AT_ONCE = 1000
"""Rows held in memory at a time."""
SUBJECT_COLUMNS = [getattr(LogSubject, name) for name in Subject._fields]


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


class Written(NamedTuple):
    """An entry as it is stored, with the hashes it carries."""

    fields: Fields
    previous_hash: str
    hash: str


class Broken(Exception):
    """The first place where the chain does not hold."""

    def __init__(self, number: int | None, reason: str) -> None:
        super().__init__(reason)
        self.number = number
        self.reason = reason


class Chain:
    """Follows the chain entry by entry; raises `Broken` at the first that does not fit."""

    def __init__(self) -> None:
        self.entries = 0
        self.last_hash = NO_HASH

    def take(self, entry: Written, subjects: Iterable[Subject]) -> None:
        """Check the next entry with its subjects, which come in order of candidacy id."""
        number, expected = entry.fields.number, self.entries + 1
        if number > expected:
            raise Broken(expected, f"is missing: entry {number} follows entry {self.entries}")
        if number < expected:
            raise Broken(number, f"is out of order: it follows entry {self.entries}")
        digest, count = Digest(self.last_hash, entry.fields), 0
        for subject in subjects:
            digest.add([subject])
            count += 1
        if entry.previous_hash != self.last_hash:
            raise Broken(number, "does not carry the hash of the entry before it")
        if entry.hash != digest.hexdigest():
            raise Broken(number, f"was changed: its text or its subjects ({count} found) do not fit its hash")
        self.entries, self.last_hash = number, entry.hash

    def verdict(self, broken: Broken | None = None) -> Verdict:
        """What was found: nothing, or this."""
        if broken is None:
            return Verdict(self.entries, last_hash=self.last_hash)
        before = self.entries if broken.number is None else max(0, min(self.entries, broken.number - 1))
        return Verdict(before, broken.reason, broken.number, self.last_hash)

    def end(self, number: int, head_hash: str) -> None:
        """Check that the chain ends where the head says."""
        if number > self.entries:
            raise Broken(self.entries + 1, f"is missing: the head stands at entry {number}")
        if number < self.entries:
            raise Broken(number + 1, f"was put in: the head stands at entry {number}")
        if head_hash != self.last_hash:
            raise Broken(number, "does not carry the hash that the head has")


def verify(session: Session) -> Verdict:
    """Check the whole log of a database; changes nothing. One moment's view, while others go on writing."""
    in_one_moment(session)  # entries, subjects and head belong together
    chain = Chain()
    try:
        with closing(stored(session)) as entries:
            for entry, subjects in entries:
                chain.take(entry, subjects)
        heads = session.execute(select(LogHead.number, LogHead.hash)).all()
        if len(heads) != 1:
            raise Broken(None, f"the log has {len(heads)} heads instead of one")
        chain.end(*heads[0])
    except Broken as broken:
        return chain.verdict(broken)
    finally:
        session.rollback()
    return chain.verdict()


def stored(session: Session) -> Generator[tuple[Written, Iterator[Subject]], None, None]:
    """The entries of a database in order of number, each with its subjects, which are to be read before the next.

    Raises `Broken` for a subject that belongs to no entry.
    """
    rows = session.execute(
        select(LogSubject.entry_id, *SUBJECT_COLUMNS)
        .order_by(LogSubject.entry_id, LogSubject.candidacy_id)
        .execution_options(yield_per=AT_ONCE)
    )
    entries = session.execute(
        select(
            LogEntry.id,
            LogEntry.at,
            LogEntry.actor_id,
            LogEntry.actor_name,
            LogEntry.actor_role,
            LogEntry.action,
            LogEntry.detail,
            LogEntry.previous_hash,
            LogEntry.hash,
        )
        .order_by(LogEntry.id)
        .execution_options(yield_per=AT_ONCE)
    )
    with closing(rows), closing(entries):
        subjects = Subjects(tuple(row) for row in rows)
        for row in entries:
            entry = Written(Fields(*row[:7]), *row[7:])
            yield entry, subjects.of(entry.fields.number)
            subjects.none_before(entry.fields.number + 1)
        subjects.none_left()


class Subjects:
    """The subjects of all entries in one stream, handed out entry by entry."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, number: int) -> Iterator[Subject]:
        """Those of the entry with this number."""
        self.none_before(number)
        while self._next is not None and self._next[0] == number:
            row, self._next = self._next, next(self._rows, None)
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
    in_one_moment(session)  # entries, subjects and head belong together
    with closing(stored(session)) as entries:
        yield from _lines(entries)
    head = session.execute(select(LogHead.number, LogHead.hash)).one()
    yield _line({"head": {"number": head.number, "hash": head.hash}})


def _lines(entries: Iterable[tuple[Written, Iterator[Subject]]]) -> Iterator[str]:
    for entry, subjects in entries:
        fields = entry.fields._asdict() | {"at": microseconds(entry.fields.at)}
        yield _line({"entry": fields | {"previous_hash": entry.previous_hash, "hash": entry.hash}})
        for subject in subjects:
            yield _line({"subject": {"entry": entry.fields.number, **subject._asdict()}})


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def verify_export(lines: Iterable[str]) -> Verdict:
    """Check an exported log, line by line. A line that is no part of an export is a finding too."""
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
    if reader.kind != "head":
        raise Broken(chain.entries + 1, f"is missing: the file ends or is damaged at line {reader.line}")
    chain.end(*reader.head())
    if reader.kind:
        raise Broken(chain.entries + 1, f"was put in: line {reader.line} follows the head")


class Reader:
    """Reads an export; looks one line ahead. Raises `Broken` for what is not in the form of an export."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.line = 0
        self.kind = ""
        self._value: dict[str, Any] = {}
        self._number = 0
        self._advance()

    def _advance(self) -> None:
        text = next(self._lines, None)
        self.line += 1
        if text is None or not text.strip():
            self.kind = ""
            return
        try:
            ((kind, value),) = json.loads(text).items()
        except (ValueError, AttributeError, RecursionError):
            kind, value = "unreadable", {}  # a finding once the entry before it has been checked
        self.kind, self._value = (kind, value) if isinstance(value, dict) else ("unreadable", {})

    def _unreadable(self, number: int) -> Broken:
        return Broken(number, f"cannot be read: line {self.line} of the file is no line of an exported log")

    def entry(self) -> Written:
        """The entry at this line."""
        value = self._value
        try:
            moment = EPOCH + timedelta(microseconds=_whole(value["at"]))
            number = _whole(value["number"])
            fields = Fields(number, moment, *(value[name] for name in Fields._fields[2:]))
            written = Written(fields, value["previous_hash"], value["hash"])
        except (KeyError, TypeError, OverflowError):
            raise self._unreadable(self._number + 1) from None
        self._number = number
        self._advance()
        return written

    def subjects(self, number: int) -> Iterator[Subject]:
        """The subjects that follow the entry with this number."""
        while self.kind == "subject":
            if self._value.get("entry") != number:
                raise Broken(number, f"is followed by a subject of another entry (line {self.line} of the file)")
            try:
                subject = Subject(*(self._value[name] for name in Subject._fields))
            except KeyError:
                raise self._unreadable(number) from None
            self._advance()
            yield subject

    def head(self) -> tuple[int, str]:
        """The head at this line."""
        try:
            found = (_whole(self._value["number"]), str(self._value["hash"]))
        except (KeyError, TypeError):
            raise self._unreadable(self._number + 1) from None
        self._advance()
        return found


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value
