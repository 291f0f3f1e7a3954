"""What the fields of both files may hold: a parser for each kind."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from webapp.accounts.passwords import problem_with
from webapp.accounts.users import LONGEST_USERNAME
from webapp.models import Role
from webapp.models.people import sign_in_name
from webapp.text.characters import LOST, find_unusable_character
from webapp.text.normalization import normalize, strip_invisible

Parser = Callable[[str], tuple[Any, str]]
"""Takes a field without spaces at its ends; gives its value, and what is wrong with it, if anything."""
DAY = re.compile(r"2\d{3}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?", re.ASCII)
LOCAL_TIME = re.compile(r"2\d{3}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):\d\d(?::\d\d)?", re.ASCII)
MOST_EXTRA_MINUTES = 1440
DAMAGE = (
    (re.compile(r"[+-]?\d(?:[.,]\d+)?E\+\d{1,3}", re.IGNORECASE), "a number that a spreadsheet has rounded"),
    (
        re.compile(r"#¡?[^\W\d_a-z][^\sa-z]{0,20}[!?]|#[^\W\d_a-z]/[^\W\d_a-z]|#NV|#GETTING_DATA|#{3,}|Err:\d{3}"),
        "an error of a spreadsheet",
    ),
    (re.compile(r'=\s*(?:".*"|[\w.]+\(.*\)|\$?[A-Z]{1,3}\$?\d{1,7})', re.DOTALL), "a formula of a spreadsheet"),
)
"""What a spreadsheet leaves of a value that it misread."""


def text(longest: int, *, required: bool = False) -> Parser:
    """A parser of texts of at most `longest` characters, normalized."""

    def parse(written: str) -> tuple[str, str]:
        value = normalize(written)
        reason = _damage(written, value)
        if not reason and required and not value:
            reason = "has invisible characters only" if written else "is empty"
        elif not reason and len(value) > longest:
            reason = f"has {len(value)} characters; at most {longest} fit"
        return value, reason

    return parse


def username(written: str) -> tuple[str, str]:
    value, reason = text(LONGEST_USERNAME, required=True)(written)
    if not reason and len(sign_in_name(value)) > LONGEST_USERNAME:
        reason = f"is longer than {LONGEST_USERNAME} characters when case is folded"
    return value, reason


def password(written: str) -> tuple[str | None, str]:
    """A password without invisible characters at its ends; None for an empty field."""
    value = strip_invisible(written)
    return value or None, value and (_damage(value, value) or problem_with(value) or "")


def role(written: str) -> tuple[str, str]:
    value, reason = text(20, required=True)(written)
    if not reason and value not in set(Role):
        reason = f"{quote(value)} is not a role; use one of {', '.join(Role)}"
    return value, reason


def minutes(written: str) -> tuple[int, str]:
    """Minutes of extra time; an empty field has none."""
    if re.fullmatch(r"\d{0,4}", written, re.ASCII) and int(written or 0) <= MOST_EXTRA_MINUTES:
        return int(written or 0), ""
    return 0, f"{quote(written)} is not a whole number from 0 to {MOST_EXTRA_MINUTES}"


def day(written: str) -> tuple[date | None, str]:
    """A date, with or without a time; None for an empty field."""
    try:
        return date.fromisoformat(written[:10] if DAY.fullmatch(written) else "") if written else None, ""
    except ValueError:
        return None, f"{quote(written)} is not a date; write it like 2026-11-24"


def moment(zone: ZoneInfo) -> Parser:
    """A parser of local times of `zone`, which gives moments in UTC.

    A time that the clocks skip in spring is a problem. Of one that they show twice in autumn, it is the first.
    """

    def parse(written: str) -> tuple[datetime | None, str]:
        try:
            here = datetime.fromisoformat(written if LOCAL_TIME.fullmatch(written) else "")
        except ValueError:
            return None, f"{quote(written)} is not a local time; write it like 2026-11-24T08:00"
        value = here.replace(tzinfo=zone).astimezone(UTC)
        if value.astimezone(zone).replace(tzinfo=None) != here:
            return None, f"{written} does not exist in {zone}: the clocks go forward then"
        return value, ""

    return parse


def quote(value: str) -> str:
    """Quote a value for a message, escaped and cut short."""
    return ascii(value[:40]) if encoding_problem(value) else f"“{value[:40]}”"


def encoding_problem(written: str) -> str:
    """Why a field is not text, with the first bad character; empty if it is text."""
    if (unusable := find_unusable_character(written)) is None:
        return ""
    place, character = unusable
    if "\ud800" <= character <= "\udfff":
        return "is not UTF-8 text; save the file as “CSV UTF-8”"
    if character == LOST:
        return f"has lost a letter (character {place} is U+FFFD); correct it, and save the file as “CSV UTF-8”"
    return f"holds a control character or a line break (character {place} is U+{ord(character):04X})"


def _damage(written: str, value: str) -> str:
    if reason := encoding_problem(written):
        return reason
    for pattern, what in DAMAGE:
        if pattern.fullmatch(value):
            return f"{quote(value)} is {what}; give the column the format “Text” and enter it anew"
    return ""
