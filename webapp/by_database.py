"""A condition that each database answers best in words of its own."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal


class ByDatabase(ColumnElement[bool]):
    """Two conditions of the same meaning: the one is said to PostgreSQL, the other to SQLite."""

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012 as SQLAlchemy declares it
        ("on_postgresql", InternalTraversal.dp_clauseelement),
        ("on_sqlite", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, *, on_postgresql: ColumnElement[bool], on_sqlite: ColumnElement[bool]) -> None:
        self.on_postgresql = on_postgresql
        self.on_sqlite = on_sqlite

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002
        """As it is: SQLAlchemy would compare it with 1 on SQLite, which then finds nothing by an index."""
        return self


@compiles(ByDatabase)
def _for_postgresql(element: ByDatabase, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_postgresql, **options)})"


@compiles(ByDatabase, "sqlite")
def _for_sqlite(element: ByDatabase, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_sqlite, **options)})"
