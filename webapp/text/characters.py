"""Characters that texts of people must not have."""

import re
import unicodedata

CONTROL_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
"""Control characters, lone surrogates, and the separators of lines and paragraphs."""
LOST = "\ufffd"
"""Stands for bytes that were not UTF-8."""


def find_unusable_character(text: str, allowed: str = "") -> tuple[int, str] | None:
    """Position, from 1, and character of the first control character or lost one that is not allowed."""
    if text.isascii() and text.isprintable():
        return None
    for position, character in enumerate(text, 1):
        is_control = unicodedata.category(character) in CONTROL_CATEGORIES
        if (is_control or character == LOST) and character not in allowed:
            return position, character
    return None


def has_control_characters(text: str) -> bool:
    """Whether the text has control characters, line ends included, or was not UTF-8."""
    return find_unusable_character(text, allowed=LOST) is not None


def is_filter_text(text: str) -> bool:
    """Whether a filter takes the text: storable and without ASCII control characters. Later line ends are spaces."""
    return re.search("[\0-\x1f\x7f\ud800-\udfff]", text) is None


def is_storable(text: str) -> bool:
    """Whether databases and pages take the text: PostgreSQL no NUL, and nothing takes a lone surrogate."""
    return re.search("[\0\ud800-\udfff]", text) is None
