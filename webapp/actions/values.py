"""The values of an action, from the fields of a form: refused with what is wrong beside the field."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from webapp.actions.exceptions import BadValues
from webapp.actions.kinds import MOST_MINUTES, Kind
from webapp.exceptions import BadParameter
from webapp.messaging.exceptions import Problem
from webapp.messaging.text import unify_line_ends
from webapp.models import Attendance
from webapp.text.characters import find_unusable_character
from webapp.text.normalization import is_blank, normalize

LONGEST = {"note": 500, "reason": 500, "room": 100, "seat": 50}
"""In Unicode code points, after CRLF became LF."""
WHOLE = re.compile(r"[0-9]{1,6}")


def parse_values(kind: Kind, fields: Mapping[str, str]) -> dict[str, Any]:
    """What the fields mean for this action, by name; `reason` is always among them.

    Raises `BadParameter` for a choice that there is not and `BadValues` for everything that a person may have typed.
    """
    problems: dict[str, Problem] = {}
    values: dict[str, Any] = {}
    for name in (*kind.values, "reason"):
        parsed = PARSERS[name](name, fields.get(name))
        if isinstance(parsed, Problem):
            problems[name] = parsed
        else:
            values[name] = parsed
    if kind.name == "room" and not problems and not values["room"] and values["seat"] is None:
        problems["room"] = Problem("nothing")
    if problems:
        raise BadValues(problems)
    return values


def parse_reason(text: str) -> str:
    """The reason of an incident: on one line, and not empty. Raises `BadValues`."""
    reason = _line("reason", text)
    if not reason or isinstance(reason, Problem):
        raise BadValues({"reason": reason or Problem("empty")})
    return reason


def _attendance(name: str, text: str | None) -> Attendance | None:
    if text == "unset":
        return None
    if text is None or text not in [*Attendance]:
        raise BadParameter(name, text)
    return Attendance(text)


def _mode(name: str, text: str | None) -> str:
    if text not in (None, "set", "add"):
        raise BadParameter(name, text)
    return text or "set"


def _minutes(_name: str, text: str | None) -> int | Problem:
    typed = (text or "").strip()
    if not typed:
        return Problem("empty")
    if not WHOLE.fullmatch(typed) or int(typed) > MOST_MINUTES:
        return Problem("range")
    return int(typed)


def _text(name: str, text: str | None) -> str | Problem:
    """A text of several lines; nothing that can be seen is no text."""
    typed = unify_line_ends(text or "").strip()
    if is_blank(typed):
        return ""
    return _problem(name, typed, allowed="\n\t\u2028\u2029") or typed


def _note(name: str, text: str | None) -> str | Problem:
    if text is None:  # no text and an empty one are not the same: the empty one takes the note away
        raise BadParameter(name)
    return _text(name, text)


def _line(name: str, text: str | None) -> str | Problem | None:
    """A text on one line, as rosters have it; None if it is not given."""
    if text is None:
        return None
    return _problem(name, text.strip()) or normalize(text)


def _problem(name: str, text: str, allowed: str = "") -> Problem | None:
    if len(text) > LONGEST[name]:
        return Problem("long")
    if unusable := find_unusable_character(text, allowed):
        place, character = unusable
        return Problem("characters", place, f"U+{ord(character):04X}")
    return None


PARSERS: dict[str, Callable[[str, str | None], Any]] = {
    "attendance": _attendance, "note": _note, "minutes": _minutes, "mode": _mode, "room": _line, "seat": _line,
    "reason": _text,
}  # fmt: skip
