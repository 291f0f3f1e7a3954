"""Verifies the log: finds the first entry that was changed, removed, reordered or added (R14)."""

import hashlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from webapp.logbook import chain
from webapp.logbook.chain import Fields, Subject
from webapp.logbook.records import Record, exported_records, stored_records


@dataclass(frozen=True)
class Verdict:
    """What a check has found: `entries` are sound; `number` is the first that is not, and `reason` says why."""

    entries: int
    reason: str | None = None
    number: int | None = None
    last_hash: str = chain.NO_HASH
    """The hash of the last sound entry. Noted elsewhere, it also reveals a log that was written anew."""

    @property
    def sound(self) -> bool:
        return self.reason is None


def verify(session: Session) -> Verdict:
    """Check the whole log of a database; changes nothing."""
    with closing(stored_records(session)) as records:
        verdict = _verify(records)
    session.rollback()
    return verdict


def verify_export(lines: Iterable[str]) -> Verdict:
    """Check an exported log."""
    return _verify(exported_records(lines))


def _verify(records: Iterable[Record]) -> Verdict:
    log = Verifier()
    try:
        for kind, values in records:
            log.take(kind, values)
        log.end()
    except Broken as broken:
        before = log.number if broken.number is None else max(0, min(log.number, broken.number - 1))
        return Verdict(max(0, before - log.left_out), str(broken), broken.number, log.last_hash)
    return Verdict(log.number - log.left_out, last_hash=log.last_hash)


class Broken(Exception):
    """The first place where the chain does not hold."""

    def __init__(self, number: int | None, reason: str) -> None:
        super().__init__(reason)
        self.number = number


class Verifier:
    """Follows the records of a log; raises `Broken` at the first that does not fit."""

    def __init__(self) -> None:
        self.number = 0
        """Of the last sound entry."""
        self.left_out = 0
        """How many numbers restores have left out."""
        self.last_hash = chain.NO_HASH
        self._entry: dict[str, Any] | None = None
        """The entry whose subjects are being read; its hash is compared when they have ended."""
        self._digest = hashlib.sha256()
        self._has_head = False

    def take(self, kind: str, values: dict[str, Any]) -> None:
        """Check the next record."""
        if self._has_head:
            raise Broken(self.number + 1, "was put in: it follows the head")
        # by repr: True equals 1, but is not the number of an entry
        if kind == "subject" and self._entry and repr(values["entry"]) == repr(self._entry["number"]):
            subject = Subject(*(values[name] for name in Subject._fields))
            self._digest.update(_form(self._entry["number"], chain.subject_form, subject))
            return
        self._close_entry()
        following = self.number + 1
        if kind == "entry":
            self._open_entry(values, values["number"], following)
        elif kind == "subject":
            number = values["entry"] if type(values["entry"]) is int else following
            raise Broken(max(number, following), "is missing: only subjects of it are there")
        elif kind == "head":
            self._take_head(values["number"], values["hash"])
        else:
            raise Broken(following, f"is missing: line {values['line']} is not part of an export")

    def end(self) -> None:
        """Check that nothing is missing at the end."""
        self._close_entry()
        if not self._has_head:
            raise Broken(self.number + 1, "is missing: the log ends without its head")

    def _open_entry(self, entry: dict[str, Any], number: Any, expected: int) -> None:
        if type(number) is not int:
            raise Broken(expected, "has no number")
        # only the entry of a restore leaves numbers out: its detail, which is hashed, says so
        restored = chain.RESTORED, chain.canonical_detail({"after": self.number})
        if number > expected and (entry["action"], entry["detail"]) != restored:
            raise Broken(expected, f"is missing: entry {number} follows entry {self.number}")
        if number < expected:
            raise Broken(number, f"is out of order: it follows entry {self.number}")
        form = _form(number, chain.entry_form, self.last_hash, Fields(*(entry[name] for name in Fields._fields)))
        if entry["previous_hash"] != self.last_hash:
            raise Broken(number, "does not carry the hash of the entry before it")
        self._entry, self._digest = entry, hashlib.sha256(form)

    def _close_entry(self) -> None:
        if self._entry is None:
            return
        number, entry_hash = self._entry["number"], self._entry["hash"]
        if entry_hash != self._digest.hexdigest():
            raise Broken(number, "was changed: its text or its subjects do not fit its hash")
        self.left_out += number - self.number - 1
        self.number, self.last_hash, self._entry = number, entry_hash, None

    def _take_head(self, number: Any, head_hash: Any) -> None:
        if type(number) is not int:
            raise Broken(None, "has a head without a number")
        if number > self.number:
            raise Broken(self.number + 1, f"is missing: the head stands at entry {number}")
        if number < self.number:
            raise Broken(number + 1, f"was put in: the head stands at entry {number}")
        if head_hash != self.last_hash:
            raise Broken(number, "does not carry the hash that the head has")
        self._has_head = True


def _form(number: int, form: Any, *values: Any) -> bytes:
    try:
        line: bytes = form(*values)
    except chain.WrongType as wrong:
        raise Broken(number, f"was changed: it {wrong}") from None
    return line
