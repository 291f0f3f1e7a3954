"""A phrase within a text, letter for letter, by what each database does best."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, func

from webapp.by_database import ByDatabase

TRIGRAM = 3
"""Characters."""
GLOB_SIGN = re.compile(r"[*?[]")


def contains(column: ColumnElement[str], phrase: str, *, by_index: bool) -> ColumnElement[bool]:
    """Whether `column` has `phrase` in it; its signs mean themselves, and case counts.

    PostgreSQL's index over trigrams answers LIKE, if there is one in the phrase: at once for what few have, and not as
    soon as a look at each text for what many have. Without `by_index` each text is looked at. SQLite does that always,
    with GLOB in half the time of its LIKE, which looks at every letter in both cases.
    """
    by_index = by_index and len(phrase) >= TRIGRAM
    like = column.contains(phrase, autoescape=True) if by_index else func.strpos(column, phrase) > 0
    pattern = GLOB_SIGN.sub(lambda sign: f"[{sign[0]}]", phrase)
    glob = column.op("GLOB", is_comparison=True)(f"*{pattern}*")
    return ByDatabase(on_postgresql=like, on_sqlite=glob)
