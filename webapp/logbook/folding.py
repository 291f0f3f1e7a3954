"""Finding a phrase in the log as the monitor's search does (`fold_for_search`), on both databases."""

from __future__ import annotations

import sqlite3
import unicodedata
from functools import cache
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Engine, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from webapp.text.normalization import ACCENTS_FROM, ALIKE, BLANK, JOINERS, NEVER_SEEN, SELECTORS, fold_for_search

FOUND = "examhall_found"
LAST_ACCENT = 0x1FFFF


class part_of(GenericFunction[bool]):  # noqa: N801 an SQL function
    """`part_of(text, phrase, key)`: whether the phrase, as `fold_for_search()` gives it, is part of the text, or
    of the value of `key` in JSON text."""

    type = Boolean()
    inherit_cache = True


@compiles(part_of, "sqlite")
def _on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    text, phrase, *key = [compiler.process(clause, **options) for clause in element.clauses]
    text = f"json_extract({text}, '$.' || {key[0]})" if key else text
    return f"(instr({FOUND}({text}), {phrase}) > 0)"


@compiles(part_of, "postgresql")
def _on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    text, phrase, *key = [compiler.process(clause, **options) for clause in element.clauses]
    text = f"(CAST({text} AS json) ->> {key[0]})" if key else text
    return f"(strpos({found_on_postgresql(text)}, {phrase}) > 0)"


def found_on_postgresql(text: str) -> str:
    """The SQL of `fold_for_search()` for an SQL expression: the same steps in the same order."""
    alike = {chr(sign): other for sign, other in ALIKE.items()}
    single = {sign: other for sign, other in alike.items() if len(other) == 1}
    translation = f"{_literal(''.join(single))}, {_literal(''.join(single.values()))}"
    text = f"lower(normalize(translate({text}, {translation}), NFKD))"
    text = f"regexp_replace({text}, {_literal(_unseen_or_accent())}, '', 'g')"
    # once more: what another case, or another form, has made of a letter
    text = f"translate(lower({text}), {translation})"
    for sign, other in {**alike, "ß": "ss"}.items():
        if len(other) > 1:
            text = f"replace({text}, {_literal(sign)}, {_literal(other)})"
    return f"btrim(regexp_replace(normalize({text}, NFKC), {_literal(f'[{BLANK}]+')}, ' ', 'g'))"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@cache
def _unseen_or_accent() -> str:
    accents = [chr(sign) for sign in range(LAST_ACCENT) if unicodedata.combining(chr(sign)) >= ACCENTS_FROM]
    return f"[{NEVER_SEEN}{JOINERS}{SELECTORS}{''.join(accents)}]"


def contains(text: Any, phrase: str, key: str | None = None) -> ColumnElement[bool]:
    """The condition that `phrase` is found in `text`; `%`, `_` and quotes are plain characters.

    With `key`, in that value of a column that holds a JSON object.
    """
    return part_of(text, fold_for_search(phrase)) if key is None else part_of(text, fold_for_search(phrase), key)


def teach_sqlite(engine: Engine) -> None:
    """Give SQLite's connections the function: its own `lower()` knows ASCII only."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.create_function(FOUND, 1, _found, deterministic=True)


def _found(text: str | None) -> str:
    return fold_for_search(text or "")
