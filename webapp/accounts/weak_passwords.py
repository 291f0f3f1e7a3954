"""Which passwords nobody may choose: those that are guessed first."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

from webapp.accounts.passwords import LONGEST, SHORTEST, is_typable
from webapp.text.normalization import strip_invisible

LIST = Path(__file__).parent / "lists" / "common-passwords.txt"


def problem_with(password: str) -> str | None:
    """What is wrong with a password that somebody chooses, to follow its name in a sentence; None if it will do."""
    if not is_typable(password) or len(strip_invisible(password)) < SHORTEST:
        return f"must have {SHORTEST} to {LONGEST} characters"
    if unicodedata.normalize("NFKC", strip_invisible(password)).casefold() in _common():
        return "is one of the first that are guessed; choose another"
    return None


@cache
def _common() -> frozenset[str]:
    return frozenset(LIST.read_text(encoding="utf-8").splitlines())
