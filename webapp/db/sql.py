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
    case,
    cast,
    func,
    literal,
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
    """Integers as one text: an array's for PostgreSQL (psycopg would look at each of a list), JSON for SQLite.

    Given as integers, or in one text already, as `ids_as_text` has them.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_WrittenArray() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[int] | str | None, dialect: Dialect) -> str:
        written = value.strip("{}") if isinstance(value, str) else ",".join(map(str, value or ()))
        return f"{{{written}}}" if dialect.name == "postgresql" else f"[{written}]"


def ids_as_text(column: Any, most: Any) -> ColumnElement[str | None]:
    """All integers of a column in one text, for `id_in` in a later statement; NULL of none, and of more than `most`.

    PostgreSQL collects them as they are, and writes them only if they are few enough.
    """
    in_text = DialectExpression(
        on_postgresql=cast(func.array_agg(column), Text), on_sqlite=func.group_concat(column), type_=Text()
    )
    return case((func.count() <= most, in_text))


def id_in(column: Any, ids: Iterable[int] | str) -> ColumnElement[bool]:
    """Whether an integer column is one of `ids`; a text names the parameter that gets them when the statement runs."""
    given = bindparam(ids, type_=Ids) if isinstance(ids, str) else bindparam(None, [*ids], type_=Ids)
    in_json = column.in_(select(func.json_each(given).table_valued("value").c.value))
    return DialectExpression(on_postgresql=column == any_(given), on_sqlite=in_json)


def contains(
    column: SQLColumnExpression[str], phrase: str, *, by_index: bool, name: str | None = None
) -> ColumnElement[bool]:
    """Whether `column` has `phrase` in it; its signs mean themselves, and case counts.

    PostgreSQL's index over trigrams answers LIKE, if there is one in the phrase: at once for what few have, and not as
    soon as a look at each text for what many have. Without `by_index` each text is looked at. SQLite does that always,
    with GLOB in half the time of its LIKE, which looks at every letter in both cases.

    With a `name`, the condition is good for any phrase that has a trigram like this one, or none, and whoever runs the
    statement says which (`phrase_parameters`).
    """
    as_is, like, glob = (
        bindparam(key, type_=Text) if name else literal(spelling)
        for key, spelling in phrase_parameters(phrase, name or "").items()
    )
    looked_up = column.like(like, escape="/") if by_index and len(phrase) >= TRIGRAM else func.strpos(column, as_is) > 0
    return DialectExpression(on_postgresql=looked_up, on_sqlite=column.op("GLOB", is_comparison=True)(glob))


def phrase_parameters(phrase: str, name: str) -> dict[str, str]:
    """A phrase as the parameters of a statement: as it is, and as the pattern of LIKE (escaped by `/`) and of GLOB."""
    return {
        name: phrase,
        f"{name}_like": f"%{LIKE_SIGN.sub(lambda sign: f'/{sign[0]}', phrase)}%",
        f"{name}_glob": f"*{GLOB_SIGN.sub(lambda sign: f'[{sign[0]}]', phrase)}*",
    }


def phrase_shape(phrase: str) -> str:
    """The same for all phrases that are looked up in one way: those with a trigram, and those without."""
    return "x" * min(len(phrase), TRIGRAM)
