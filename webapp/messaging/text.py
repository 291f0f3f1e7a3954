"""Subject and body: what they may be (R7)."""

from __future__ import annotations

import unicodedata

from webapp.messaging.refusals import BadText
from webapp.text.normalization import is_blank

SUBJECT_LIMIT = 120
BODY_LIMIT = 4000
"""In Unicode code points, after CRLF became LF."""
UNREADABLE = "\ufffd"
"""What the form parser puts where bytes were no UTF-8 (a lone surrogate, say)."""


def one_line_end(text: str) -> str:
    """The text with LF as its only line end; browsers send CRLF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def checked(subject: str, body: str) -> tuple[str, str]:
    """Subject and body as they are stored. Raises `BadText` that names every problem."""
    subject, body = one_line_end(subject), one_line_end(body)
    problems = {
        name: problem
        for name, problem in (
            ("subject", _problem(subject, SUBJECT_LIMIT, one_line=True)),
            ("body", _problem(body, BODY_LIMIT, one_line=False)),
        )
        if problem
    }
    if problems:
        places = {"subject": _unreadable(subject), "body": _unreadable(body)}
        raise BadText(problems, {name: place for name, place in places.items() if place})
    return subject, body


def _problem(text: str, limit: int, *, one_line: bool) -> str | None:
    if is_blank(text):
        return "empty"
    if len(text) > limit:
        return "long"
    if one_line and "\n" in text:
        return "line"
    if _unreadable(text):
        return "characters"
    return None


def _unreadable(text: str) -> tuple[int, str] | None:
    """Place and code of the first control character but tab and line end, surrogate, or what could not be decoded."""
    for place, character in enumerate(text, 1):
        if character == UNREADABLE or (character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cs"}):
            return place, f"U+{ord(character):04X}"
    return None
