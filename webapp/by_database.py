"""What each database answers best in words of its own."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeEngine


class ByDatabase(ColumnElement[Any]):
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


@compiles(ByDatabase)
def _for_postgresql(element: ByDatabase, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_postgresql, **options)})"


@compiles(ByDatabase, "sqlite")
def _for_sqlite(element: ByDatabase, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_sqlite, **options)})"
