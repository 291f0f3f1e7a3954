"""Characters that texts of people must not have."""

import unicodedata

CONTROL_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
"""Control characters, lone surrogates, and the separators of lines and paragraphs."""


def has_control_characters(text: str) -> bool:
    """Whether the text has control characters, line ends included, or was not UTF-8."""
    return any(unicodedata.category(character) in CONTROL_CATEGORIES for character in text)


def is_storable(text: str) -> bool:
    """Whether databases and pages take the text: PostgreSQL no NUL, and nothing takes a lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
