"""Many ids in one parameter of a statement.

`IN (…)` gets a parameter for each id, a text of its own for each number of them, and that text is looked through by
SQLAlchemy and by psycopg each time: for 1,500 ids 15 ms, most of what a page of the monitor cost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import BindParameter, Boolean, ColumnElement, Dialect, Integer, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine


class Ids(TypeDecorator[Any]):
    """Integers: an array for PostgreSQL, JSON for SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Integer()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> Any:
        ids = [*(value or ())]
        return ids if dialect.name == "postgresql" else json.dumps(ids)


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


def among(column: Any, ids: Iterable[int] | str) -> ColumnElement[bool]:
    """Whether an integer column is one of `ids`; a text names the parameter that gets them when the statement runs."""
    given = bindparam(ids, type_=Ids) if isinstance(ids, str) else bindparam(None, [*ids], type_=Ids)
    return _Among(column, given)


@compiles(_Among)
def _by_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.in_array, **options)


@compiles(_Among, "sqlite")
def _by_json(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.in_json, **options)
