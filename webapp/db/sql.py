"""SQL that differs between PostgreSQL and SQLite."""

import re
from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Dialect,
    Integer,
    SQLColumnExpression,
    Text,
    any_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine

PREPARED = {"examhall_prepared": True}
"""Execution options of a statement whose best plan does not depend on its parameters: PostgreSQL plans it once per
connection."""
TRIGRAM = 3
"""Characters."""
GLOB_SIGN = re.compile(r"[*?[]")
LIKE_SIGN = re.compile(r"[%_/]")


class DialectExpression(ColumnElement[Any]):
    """Two expressions of the same meaning, one per database; conditions unless `type_` says otherwise."""

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
        """Unchanged: SQLAlchemy would compare it with 1 on SQLite, which then uses no index."""
        return self


@compiles(DialectExpression)
def _for_postgresql(element: DialectExpression, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_postgresql, **options)})"


@compiles(DialectExpression, "sqlite")
def _for_sqlite(element: DialectExpression, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_sqlite, **options)})"


class Ids(TypeDecorator[Any]):
    """Integers as one text: an array's for PostgreSQL, JSON for SQLite.

    As a list, psycopg would adapt each of them; in `IN (…)`, SQLAlchemy and psycopg would process a parameter each.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> str:
        numbers = ",".join(map(str, value or ()))
        return f"{{{numbers}}}" if dialect.name == "postgresql" else f"[{numbers}]"


def id_in(column: Any, ids: Iterable[int] | str) -> ColumnElement[bool]:
    """Whether an integer column is one of `ids`; a string names the parameter that gets them at execution."""
    parameter = bindparam(ids, type_=Ids) if isinstance(ids, str) else bindparam(None, [*ids], type_=Ids)
    return DialectExpression(
        on_postgresql=column == any_(cast(parameter, ARRAY(Integer))),
        on_sqlite=column.in_(select(func.json_each(parameter).table_valued("value").c.value)),
    )


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
