"""A phrase within a text, letter for letter, by what each database does best."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, Text, bindparam, func, literal

from webapp.by_database import ByDatabase

TRIGRAM = 3
"""Characters."""
GLOB_SIGN = re.compile(r"[*?[]")
LIKE_SIGN = re.compile(r"[%_/]")


def contains(column: ColumnElement[str], phrase: str, *, by_index: bool, named: bool = False) -> ColumnElement[bool]:
    """Whether `column` has `phrase` in it; its signs mean themselves, and case counts.

    PostgreSQL's index over trigrams answers LIKE, if there is one in the phrase: at once for what few have, and not as
    soon as a look at each text for what many have. Without `by_index` each text is looked at. SQLite does that always,
    with GLOB in half the time of its LIKE, which looks at every letter in both cases.

    If it is `named`, the condition is good for any phrase that has a trigram like this one, or none, and whoever runs
    the statement says which (`spellings`).
    """
    as_is, like, glob = (
        bindparam(name, type_=Text) if named else literal(spelling) for name, spelling in spellings(phrase).items()
    )
    looked_up = column.like(like, escape="/") if by_index and len(phrase) >= TRIGRAM else func.strpos(column, as_is) > 0
    return ByDatabase(on_postgresql=looked_up, on_sqlite=column.op("GLOB", is_comparison=True)(glob))


def spellings(phrase: str) -> dict[str, str]:
    """A phrase as the parameters of a statement: as it is, and as the pattern of LIKE (escaped by `/`) and of GLOB."""
    return {
        "phrase": phrase,
        "phrase_like": f"%{LIKE_SIGN.sub(lambda sign: f'/{sign[0]}', phrase)}%",
        "phrase_glob": f"*{GLOB_SIGN.sub(lambda sign: f'[{sign[0]}]', phrase)}*",
    }


def any_like(phrase: str) -> str:
    """The same for all phrases that are looked up in one way: those with a trigram, and those without."""
    return "x" * min(len(phrase), TRIGRAM)
