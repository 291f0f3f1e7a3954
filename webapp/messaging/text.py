"""The text of a message: what can be sent (R7)."""

from webapp.messaging.exceptions import BadText, Problem
from webapp.text.characters import find_unusable_character
from webapp.text.normalization import is_blank

SUBJECT_LIMIT = 120
BODY_LIMIT = 4000
"""In Unicode code points, after CRLF became LF."""


def unify_line_ends(text: str) -> str:
    """The text with LF as its only line end; browsers send CRLF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_text(subject: str, body: str) -> tuple[str, str]:
    """Subject and body as they are stored. Raises `BadText`, which names every problem."""
    subject, body = unify_line_ends(subject), unify_line_ends(body)
    found = {"subject": _problem(subject, SUBJECT_LIMIT, one_line=True), "body": _problem(body, BODY_LIMIT)}
    if problems := {name: problem for name, problem in found.items() if problem}:
        raise BadText(problems)
    return subject, body


def _problem(text: str, limit: int, *, one_line: bool = False) -> Problem | None:
    if is_blank(text):
        return Problem("empty")
    if len(text) > limit:
        return Problem("long")
    if one_line and "\n" in text:
        return Problem("line")
    if unusable := find_unusable_character(text, allowed="\n\t\u2028\u2029"):
        place, character = unusable
        return Problem("characters", place, f"U+{ord(character):04X}")
    return None
