"""Reading an exported log, line by line (R14)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from webapp.logbook.chain import Broken, Fields, Subject, Written
from webapp.text.normalization import BYTE_ORDER_MARK

KEYS: dict[str, Collection[str]] = {
    "entry": {*Fields._fields, "previous_hash", "hash"},
    "subject": {"entry", *Subject._fields},
    "head": {"number", "hash"},
}
NOTHING = ""
UNREADABLE = "unreadable"


class Reader:
    """Reads an export; looks one line ahead. Raises `Broken` for what is not in the form of an export."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.line = 0
        self.kind = NOTHING
        """`entry`, `subject`, `head`, or `UNREADABLE`; `NOTHING` at the end."""
        self._value: dict[str, Any] = {}
        self._number = 0
        self._advance()

    def _advance(self) -> None:
        text = next(self._lines, None)
        self.line += 1
        if text is None:
            self.kind = NOTHING
            return
        try:
            # unreadable is a finding only once the entry before has been checked
            self.kind, self._value = _parsed(text.removeprefix(BYTE_ORDER_MARK) if self.line == 1 else text)
        except (ValueError, RecursionError):
            self.kind = UNREADABLE

    def entry(self) -> Written:
        """The entry at this line."""
        value = self._value
        number = value["number"]
        if type(number) is not int:
            raise Broken(self._number + 1, f"has no number (line {self.line} of the file)")
        self._number = number
        self._advance()
        return Written(Fields(*(value[name] for name in Fields._fields)), value["previous_hash"], value["hash"])

    def subjects(self, number: int) -> Iterator[Subject]:
        """The subjects that follow the entry with this number."""
        while self.kind == "subject":
            value, of = self._value, self._value["entry"]
            if type(of) is not int or of != number:
                raise Broken(number, f"is followed by a subject of another entry (line {self.line} of the file)")
            self._advance()
            yield Subject(*(value[name] for name in Subject._fields))

    def head(self) -> tuple[Any, Any]:
        """The number and the hash of the head at this line."""
        value = self._value
        self._advance()
        return value["number"], value["hash"]


def _parsed(text: str) -> tuple[str, dict[str, Any]]:
    """The kind and the values of a line. Raises `ValueError` if it is no object of exactly the keys of its kind."""
    line = json.loads(text, object_pairs_hook=_each_key_once)
    if not isinstance(line, dict) or len(line) != 1:
        raise ValueError("not one thing")
    ((kind, value),) = line.items()
    if not isinstance(value, dict) or value.keys() != KEYS.get(kind):
        raise ValueError("not the keys of an export")
    return kind, value


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key is there twice")
    return values
