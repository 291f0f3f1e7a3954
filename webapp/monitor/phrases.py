"""A phrase within a text, letter for letter, by what each database does best."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

GLOB_SIGN = re.compile(r"[*?[]")


class _Contains(ColumnElement[bool]):
    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012 as SQLAlchemy declares it
        ("by_like", InternalTraversal.dp_clauseelement),
        ("by_glob", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, like: ColumnElement[bool], glob: ColumnElement[bool]) -> None:
        self.by_like = like
        self.by_glob = glob


def contains(column: InstrumentedAttribute[str], phrase: str) -> ColumnElement[bool]:
    """Whether `column` has `phrase` in it; its signs mean themselves, and case counts."""
    pattern = GLOB_SIGN.sub(lambda sign: f"[{sign[0]}]", phrase)
    return _Contains(column.contains(phrase, autoescape=True), column.op("GLOB", is_comparison=True)(f"*{pattern}*"))


@compiles(_Contains)
def _by_trigrams(element: _Contains, compiler: SQLCompiler, **options: Any) -> str:
    """LIKE is what PostgreSQL's index over trigrams answers."""
    return compiler.process(element.by_like, **options)


@compiles(_Contains, "sqlite")
def _by_reading(element: _Contains, compiler: SQLCompiler, **options: Any) -> str:
    """SQLite reads all texts, with GLOB in half the time of LIKE, which looks at every letter in both cases."""
    return compiler.process(element.by_glob, **options)
