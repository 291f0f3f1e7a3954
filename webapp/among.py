"""Many ids in one parameter of a statement.

`IN (…)` gets a parameter for each id, a text of its own for each number of them, and that text is looked through by
SQLAlchemy and by psycopg each time: for 1,500 ids 15 ms, most of what a page of the monitor cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, any_, bindparam, case, cast, func, select
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from webapp.by_database import ByDatabase


class _WrittenArray(UserDefinedType[str]):
    """An array of PostgreSQL's whose parameter is its text; cast in the statement, so that it is known when planned."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_options: Any) -> str:
        return "INTEGER[]"


class Ids(TypeDecorator[Any]):
    """Integers as one text: an array's for PostgreSQL (psycopg would look at each of a list), JSON for SQLite.

    Given as integers, or in one text already, as `together` has them.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_WrittenArray() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[int] | str | None, dialect: Dialect) -> str:
        written = value.strip("{}") if isinstance(value, str) else ",".join(map(str, value or ()))
        return f"{{{written}}}" if dialect.name == "postgresql" else f"[{written}]"


def together(column: Any, most: Any) -> ColumnElement[str | None]:
    """All integers of a column in one text, for `among` in a later statement; NULL of none, and of more than `most`.

    PostgreSQL collects them as they are, and writes them only if they are few enough.
    """
    in_text = ByDatabase(
        on_postgresql=cast(func.array_agg(column), Text), on_sqlite=func.group_concat(column), type_=Text()
    )
    return case((func.count() <= most, in_text))


def among(column: Any, ids: Iterable[int] | str) -> ColumnElement[bool]:
    """Whether an integer column is one of `ids`; a text names the parameter that gets them when the statement runs."""
    given = bindparam(ids, type_=Ids) if isinstance(ids, str) else bindparam(None, [*ids], type_=Ids)
    in_json = column.in_(select(func.json_each(given).table_valued("value").c.value))
    return ByDatabase(on_postgresql=column == any_(given), on_sqlite=in_json)
