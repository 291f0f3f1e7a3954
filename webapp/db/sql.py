"""SQL that PostgreSQL and SQLite answer in different ways, and how a statement is to be run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Dialect,
    SQLColumnExpression,
    Text,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

PREPARED = {"examhall_prepared": True}
"""Execution options of a statement whose best plan does not depend on its parameters: PostgreSQL plans it once for each
connection."""
TRIGRAM = 3
"""Characters."""
GLOB_SIGN = re.compile(r"[*?[]")
LIKE_SIGN = re.compile(r"[%_/]")


class DialectExpression(ColumnElement[Any]):
    """Two expressions of the same meaning, conditions if no type is said: one for PostgreSQL, the other for SQLite."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 as SQLAlchemy declares it
        ("type", InternalTraversal.dp_type),
        ("on_postgresql", InternalTraversal.dp_clauseelement),
        ("on_sqlite", InternalTraversal.dp_clauseelement),
    ]

    def __init__(
        self, *, on_postgresql: ColumnElement[Any], on_sqlite: ColumnElement[Any], type_: TypeEngine[Any] | None = None
    ) -> None:
        self.type = type_ or Boolean()
        self.on_postgresql = on_postgresql
        self.on_sqlite = on_sqlite

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002
        """As it is: SQLAlchemy would compare it with 1 on SQLite, which then finds nothing by an index."""
        return self


@compiles(DialectExpression)
def _for_postgresql(element: DialectExpression, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_postgresql, **options)})"


@compiles(DialectExpression, "sqlite")
def _for_sqlite(element: DialectExpression, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_sqlite, **options)})"


class _WrittenArray(UserDefinedType[str]):
    """An array of PostgreSQL's whose parameter is its text; cast in the statement, so that it is known when planned."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_options: Any) -> str:
        return "INTEGER[]"


class Ids(TypeDecorator[Any]):
    """Integers as one text: an array's for PostgreSQL (psycopg would look at each of a list), JSON for SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_WrittenArray() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> str:
        written = ",".join(map(str, value or ()))
        return f"{{{written}}}" if dialect.name == "postgresql" else f"[{written}]"


def id_in(column: Any, ids: Iterable[int] | str) -> ColumnElement[bool]:
    """Whether an integer column is one of `ids`; a text names the parameter that gets them when the statement runs."""
    given = bindparam(ids, type_=Ids) if isinstance(ids, str) else bindparam(None, [*ids], type_=Ids)
    in_json = column.in_(select(func.json_each(given).table_valued("value").c.value))
    return DialectExpression(on_postgresql=column == any_(given), on_sqlite=in_json)


def contains(column: SQLColumnExpression[str], phrase: str, *, by_index: bool) -> ColumnElement[bool]:
    """Whether `column` contains `phrase`, letter for letter. Its signs mean themselves, and case counts.

    With `by_index` PostgreSQL may look the phrase up in an index over trigrams, which serves LIKE only. Otherwise it
    looks at each text. SQLite always does, with GLOB, which takes half the time of its LIKE.
    """
    like = f"%{LIKE_SIGN.sub(lambda sign: f'/{sign[0]}', phrase)}%"
    glob = f"*{GLOB_SIGN.sub(lambda sign: f'[{sign[0]}]', phrase)}*"
    has_trigram = by_index and len(phrase) >= TRIGRAM
    return DialectExpression(
        on_postgresql=column.like(like, escape="/") if has_trigram else func.strpos(column, phrase) > 0,
        on_sqlite=column.op("GLOB", is_comparison=True)(glob),
    )
