"""A phrase within a text, letter for letter, by what each database does best."""

from __future__ import annotations

import re
from typing import Any, Self

from sqlalchemy import Boolean, ColumnElement, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

GLOB_SIGN = re.compile(r"[*?[]")


class _Contains(ColumnElement[bool]):
    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012 as SQLAlchemy declares it
        ("on_postgresql", InternalTraversal.dp_clauseelement),
        ("on_sqlite", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, postgresql: ColumnElement[bool], sqlite: ColumnElement[bool]) -> None:
        self.on_postgresql = postgresql
        self.on_sqlite = sqlite

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002
        """As it is: SQLAlchemy would compare it with 1 on SQLite, which then finds nothing by an index."""
        return self


def contains(column: InstrumentedAttribute[str], phrase: str, *, by_index: bool) -> ColumnElement[bool]:
    """Whether `column` has `phrase` in it; its signs mean themselves, and case counts.

    PostgreSQL's index over trigrams answers LIKE: at once for what few have, and not as soon as a look at each text
    for what many have. Without `by_index` each text is looked at. SQLite does that always, with GLOB in half the time
    of its LIKE, which looks at every letter in both cases.
    """
    like = column.contains(phrase, autoescape=True) if by_index else func.strpos(column, phrase) > 0
    pattern = GLOB_SIGN.sub(lambda sign: f"[{sign[0]}]", phrase)
    return _Contains(like, column.op("GLOB", is_comparison=True)(f"*{pattern}*"))


@compiles(_Contains)
def _for_postgresql(element: _Contains, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_postgresql, **options)})"


@compiles(_Contains, "sqlite")
def _for_sqlite(element: _Contains, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.on_sqlite, **options)})"
