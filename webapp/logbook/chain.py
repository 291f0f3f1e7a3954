"""The canonical form of an entry and the hash over it: one definition for appending, verifying and exporting (R14).

`docs/reference.md` describes the form. A value is encoded only after its type has been checked, and a line contains no
line feed, so no two entries share a form.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

FORM = "examhall-log-1"
RESTORED = "log.restored"
"""The action of the only entry that may leave numbers out; its detail names the last one before it."""
NO_HASH = ""
"""The previous hash of the first entry."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


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
    """What an entry says, without its place in the chain; `at` is in microseconds since 1970, UTC."""

    number: int
    at: int
    actor_id: int | None
    actor_name: str
    actor_role: str
    action: str
    detail: str


def entry_hash(previous_hash: str, fields: Fields, subjects: Iterable[Subject]) -> str:
    """The hash of an entry, 64 hexadecimal digits; subjects come in order of candidacy id. Raises `WrongType`."""
    digest = hashlib.sha256(entry_form(previous_hash, fields))
    for subject in subjects:
        digest.update(subject_form(subject))
    return digest.hexdigest()


def entry_form(previous_hash: str, fields: Fields) -> bytes:
    """The line of an entry. Raises `WrongType`."""
    number, at, actor_id, *texts = fields
    numbers = (number, at) if actor_id is None else (number, at, actor_id)
    return _line([FORM, previous_hash, *fields], numbers, [previous_hash, *texts])


def subject_form(subject: Subject) -> bytes:
    """The line of a subject. Raises `WrongType`."""
    return _line(subject, subject[:3], subject[3:])


def _line(values: Sequence[Any], numbers: Sequence[Any], texts: Sequence[Any]) -> bytes:
    if any(type(number) is not int for number in numbers):
        raise WrongType("holds something else where a whole number belongs")
    if any(type(text) is not str for text in texts):
        raise WrongType("holds something else where text belongs")
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:  # two lone surrogates would be escaped like the character that they form together
        raise WrongType("holds text that is not Unicode") from None
    return _encode(values).encode() + b"\n"


def canonical_detail(detail: dict[str, Any]) -> str:
    """A JSON object with sorted keys, without spaces, in readable script, because the log is searched in it.

    A lone surrogate, which neither databases nor pages take, becomes a question mark.
    """
    text = json.dumps(detail, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode()
