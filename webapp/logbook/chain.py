"""The canonical form of an entry and the hash over it: one definition for appending, verifying, exporting (R14).

The hash of an entry is the SHA-256 of UTF-8 lines, each ended by a line feed:

1. `["examhall-log-1", previous hash, number, at, actor id, actor name, actor role, action, detail]`
2. one line for each subject, in order of candidacy id:
   `[candidacy id, user id, test id, number, name, test title, room]`

Each line is a JSON array without spaces and with everything outside ASCII escaped, so a line feed never stands
inside one and no two entries share a form. `at` is in microseconds since 1970; `detail` is the stored text, as a
string.
"""

from __future__ import annotations

import hashlib
import json
import json.encoder
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from webapp.database import microseconds

FORM = "examhall-log-1"
NO_HASH = ""
"""What stands for the hash before the first entry."""


_encode = json.JSONEncoder(separators=(",", ":")).encode
_text = json.encoder.encode_basestring_ascii
"""A text as JSON, the way `_encode` writes it."""


class Subject(NamedTuple):
    """A candidacy that an entry is about, as it was then; fields in the order in which they are hashed."""

    candidacy_id: int
    user_id: int
    test_id: int
    number: str
    name: str
    test_title: str
    room: str


class Fields(NamedTuple):
    """What an entry says, without its place in the chain."""

    number: int
    at: datetime
    actor_id: int | None
    actor_name: str
    actor_role: str
    action: str
    detail: str


class Digest:
    """Hashes one entry, and as many subjects at a time as are given: memory does not grow with their number."""

    def __init__(self, previous_hash: str, fields: Fields) -> None:
        self._hash = hashlib.sha256()
        at = microseconds(fields.at)
        self._line([FORM, previous_hash, fields.number, at, *fields[2:]])

    def add(self, subjects: Iterable[Subject]) -> None:
        """Take the next subjects; they come in order of candidacy id."""
        # each line as `_line` would write it, in a third of the time: a hall's hash holds up everybody who writes
        lines = (
            f"[{one},{user},{test},{_text(number)},{_text(name)},{_text(title)},{_text(room)}]\n"
            for one, user, test, number, name, title, room in subjects
        )
        self._hash.update("".join(lines).encode("ascii"))

    def hexdigest(self) -> str:
        """The hash of the entry with the subjects so far, 64 hexadecimal digits."""
        return self._hash.hexdigest()

    def _line(self, values: list[Any]) -> None:
        self._hash.update(_encode(values).encode("ascii") + b"\n")


def canonical_detail(detail: dict[str, Any]) -> str:
    """A JSON object with sorted keys, without spaces, in readable script (the log is searched in it).

    Half of a surrogate pair, which neither databases nor pages take, becomes a question mark.
    """
    text = json.dumps(detail, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8")
