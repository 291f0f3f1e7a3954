"""The canonical form of an entry and the hash over it: one definition for appending, verifying, exporting (R14).

The hash of an entry is the SHA-256 of UTF-8 lines, each ended by a line feed:

1. `["examhall-log-1", previous hash, number, at, actor id, actor name, actor role, action, detail]`
2. one line for each subject, in order of candidacy id:
   `[candidacy id, user id, test id, number, name, test title, room]`

Each line is a JSON array without spaces and with everything outside ASCII escaped, so a line feed never stands
inside one. Each value is encoded by itself, and only after its type has been checked, so no two entries share a form.
`at` is in microseconds since 1970; `detail` is the stored text, as a string.
"""

from __future__ import annotations

import hashlib
import json
import json.encoder
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

FORM = "examhall-log-1"
RESTORED = "log.restored"
"""The action of the only entry that may leave numbers out; its detail names the last one before it."""
NO_HASH = ""
"""What stands for the hash before the first entry."""


_encode = json.JSONEncoder(separators=(",", ":")).encode
_text = json.encoder.encode_basestring_ascii
"""A text as JSON, the way `_encode` writes it."""


class WrongType(ValueError):
    """A value that the log does not hold: text in a number's place, or text that is not Unicode."""


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
    at: int
    """Microseconds since 1970, UTC."""
    actor_id: int | None
    actor_name: str
    actor_role: str
    action: str
    detail: str


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


class Digest:
    """Hashes one entry, and as many subjects at a time as are given: memory does not grow with their number.

    Raises `WrongType` for a value of another type than its field says: an array in which text stood for a number
    could be read as two.
    """

    def __init__(self, previous_hash: str, fields: Fields) -> None:
        self._hash = hashlib.sha256(entry_form(previous_hash, fields))

    def add(self, subjects: Iterable[Subject]) -> None:
        """Take the next subjects; they come in order of candidacy id."""
        self._hash.update(subjects_form(subjects))

    def hexdigest(self) -> str:
        """The hash of the entry with the subjects so far, 64 hexadecimal digits."""
        return self._hash.hexdigest()


def entry_form(previous_hash: str, fields: Fields) -> bytes:
    """The line of an entry. Raises `WrongType`."""
    number, at, actor_id, *texts = fields
    _check([number, at] if actor_id is None else [number, at, actor_id], [previous_hash, *texts])
    return _encode([FORM, previous_hash, *fields]).encode("ascii") + b"\n"


def subjects_form(subjects: Iterable[Subject]) -> bytes:
    """The lines of subjects, in the order given. Raises `WrongType`."""
    rows = list(subjects)
    columns = list(zip(*rows, strict=True))
    _check(chain(*columns[:3]), list(chain(*columns[3:])))
    # as `_encode` would write each, in a third of the time: a hall's hash holds up everybody who writes
    lines = (
        f"[{candidacy},{user},{test},{_text(number)},{_text(name)},{_text(title)},{_text(room)}]\n"
        for candidacy, user, test, number, name, title, room in rows
    )
    return "".join(lines).encode("ascii")


def _check(numbers: Iterable[Any], texts: Sequence[Any]) -> None:
    if set(map(type, numbers)) - {int}:
        raise WrongType("holds something else where a whole number belongs")
    if set(map(type, texts)) - {str}:
        raise WrongType("holds something else where text belongs")
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:  # two halves of a surrogate pair are escaped as the character that they would make
        raise WrongType("holds text that is not Unicode") from None


def canonical_detail(detail: dict[str, Any]) -> str:
    """A JSON object with sorted keys, without spaces, in readable script (the log is searched in it).

    Half of a surrogate pair, which neither databases nor pages take, becomes a question mark.
    """
    text = json.dumps(detail, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8")
