"""Search of a phrase in a text regardless of case and accents, by the rules of `fold_for_search`, on both databases."""

import sqlite3
import unicodedata
from functools import cache
from typing import Any

from sqlalchemy import JSON, ColumnElement, Text, cast, func, literal_column

from webapp.db.sql import DialectExpression
from webapp.text.normalization import ACCENTS_FROM, ALIKE, BLANK, JOINERS, NEVER_SEEN, SELECTORS, fold_for_search

LAST_ACCENT = 0x1FFFF


def casefold_contains(text: Any, phrase: str, key: str | None = None) -> ColumnElement[bool]:
    """Whether `phrase` is in `text`; with `key`, in that value of a JSON object. `%`, `_` and quotes are literal."""
    folded = fold_for_search(phrase)
    on_postgresql = cast(text, JSON).op("->>", return_type=Text())(key) if key else text
    on_sqlite = func.json_extract(text, f"$.{key}") if key else text
    return DialectExpression(
        on_postgresql=func.strpos(postgresql_fold(on_postgresql), folded) > 0,
        on_sqlite=func.instr(func.examhall_fold(on_sqlite), folded) > 0,
    )


def postgresql_fold(text: Any) -> ColumnElement[str]:
    """`fold_for_search` in PostgreSQL's functions: the same steps in the same order."""
    alike = {chr(sign): other for sign, other in ALIKE.items()}
    single = {sign: other for sign, other in alike.items() if len(other) == 1}
    translation = "".join(single), "".join(single.values())
    folded = func.lower(func.normalize(func.translate(text, *translation), literal_column("NFKD")))
    folded = func.regexp_replace(folded, _invisible_or_accent(), "", "g")
    # lower case and decomposition may have produced letters that are replaced
    folded = func.translate(func.lower(folded), *translation)
    for sign, other in {**alike, "ß": "ss"}.items():
        if len(other) > 1:
            folded = func.replace(folded, sign, other)
    composed = func.normalize(folded, literal_column("NFKC"))
    return func.btrim(func.regexp_replace(composed, f"[{BLANK}]+", " ", "g"))


@cache
def _invisible_or_accent() -> str:
    accents = [chr(sign) for sign in range(LAST_ACCENT) if unicodedata.combining(chr(sign)) >= ACCENTS_FROM]
    return f"[{NEVER_SEEN}{JOINERS}{SELECTORS}{''.join(accents)}]"


def register_sqlite_functions(connection: sqlite3.Connection) -> None:
    """Give a connection of SQLite `fold_for_search` as a function: its own `lower()` knows ASCII only."""
    connection.create_function("examhall_fold", 1, lambda text: fold_for_search(text or ""), deterministic=True)
