"""A phrase within a text, letter for letter, by what each database does best."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, SQLColumnExpression, Text, bindparam, func, literal

from webapp.by_database import ByDatabase

TRIGRAM = 3
"""Characters."""
GLOB_SIGN = re.compile(r"[*?[]")
LIKE_SIGN = re.compile(r"[%_/]")


def contains(
    column: SQLColumnExpression[str], phrase: str, *, by_index: bool, name: str | None = None
) -> ColumnElement[bool]:
    """Whether `column` has `phrase` in it; its signs mean themselves, and case counts.

    PostgreSQL's index over trigrams answers LIKE, if there is one in the phrase: at once for what few have, and not as
    soon as a look at each text for what many have. Without `by_index` each text is looked at. SQLite does that always,
    with GLOB in half the time of its LIKE, which looks at every letter in both cases.

    With a `name`, the condition is good for any phrase that has a trigram like this one, or none, and whoever runs the
    statement says which (`spellings`).
    """
    as_is, like, glob = (
        bindparam(key, type_=Text) if name else literal(spelling)
        for key, spelling in spellings(phrase, name or "").items()
    )
    looked_up = column.like(like, escape="/") if by_index and len(phrase) >= TRIGRAM else func.strpos(column, as_is) > 0
    return ByDatabase(on_postgresql=looked_up, on_sqlite=column.op("GLOB", is_comparison=True)(glob))


def spellings(phrase: str, name: str) -> dict[str, str]:
    """A phrase as the parameters of a statement: as it is, and as the pattern of LIKE (escaped by `/`) and of GLOB."""
    return {
        name: phrase,
        f"{name}_like": f"%{LIKE_SIGN.sub(lambda sign: f'/{sign[0]}', phrase)}%",
        f"{name}_glob": f"*{GLOB_SIGN.sub(lambda sign: f'[{sign[0]}]', phrase)}*",
    }


def any_like(phrase: str) -> str:
    """The same for all phrases that are looked up in one way: those with a trigram, and those without."""
    return "x" * min(len(phrase), TRIGRAM)
