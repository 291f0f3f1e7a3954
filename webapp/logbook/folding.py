"""Finding a part of a text without regard to case, in any script, on both databases."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Engine, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

FOLD = "examhall_fold"


class part_of(GenericFunction[bool]):  # noqa: N801 an SQL function
    """`part_of(text, phrase, key)`: whether the phrase is part of the text, or of the value of `key` in JSON text."""

    type = Boolean()
    inherit_cache = True


@compiles(part_of, "sqlite")
def _on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    text, phrase, *key = [compiler.process(clause, **options) for clause in element.clauses]
    text = f"json_extract({text}, '$.' || {key[0]})" if key else text
    return f"(instr({FOLD}({text}), {FOLD}({phrase})) > 0)"


@compiles(part_of, "postgresql")
def _on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    text, phrase, *key = [compiler.process(clause, **options) for clause in element.clauses]
    text = f"(CAST({text} AS json) ->> {key[0]})" if key else text
    return f"(strpos(lower({text}), lower({phrase})) > 0)"


def contains(text: Any, phrase: str, key: str | None = None) -> ColumnElement[bool]:
    """The condition that `phrase` is part of `text`; `%`, `_` and quotes are plain characters.

    With `key`, of that value in a column that holds a JSON object.
    """
    return part_of(text, phrase) if key is None else part_of(text, phrase, key)


def teach_sqlite(engine: Engine) -> None:
    """SQLite's own `lower()` knows ASCII only: give its connections Python's."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.create_function(FOLD, 1, _folded, deterministic=True)


def _folded(text: str | None) -> str:
    return (text or "").casefold()
