"""Many ids in one parameter of a statement.

`IN (…)` gets a parameter for each id, a text of its own for each number of them, and that text is looked through by
SQLAlchemy and by psycopg each time: for 1,500 ids 15 ms, most of what a page of the monitor cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Dialect,
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


class _Among(ColumnElement[bool]):
    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012 as SQLAlchemy declares it
        ("in_array", InternalTraversal.dp_clauseelement),
        ("in_json", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[int], ids: BindParameter[Any]) -> None:
        self.in_array = column == any_(ids)
        self.in_json = column.in_(select(func.json_each(ids).table_valued("value").c.value))

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002
        """As it is: SQLAlchemy would compare it with 1 on SQLite, which then finds nothing by an index."""
        return self


def among(column: Any, ids: Iterable[int] | str) -> ColumnElement[bool]:
    """Whether an integer column is one of `ids`; a text names the parameter that gets them when the statement runs."""
    given = bindparam(ids, type_=Ids) if isinstance(ids, str) else bindparam(None, [*ids], type_=Ids)
    return _Among(column, given)


@compiles(_Among)
def _by_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.in_array, **options)})"


@compiles(_Among, "sqlite")
def _by_json(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.in_json, **options)})"
