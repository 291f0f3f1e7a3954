"""SQL that differs between PostgreSQL and SQLite."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any, Self

from sqlalchemy import ARRAY, JSON, Boolean, ColumnElement, Integer, Text, bindparam, func, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from webapp.text.normalization import ACCENTS_FROM, ALIKE, BLANK, JOINERS, NEVER_SEEN, SELECTORS, fold_for_search

PREPARED = {"examhall_prepared": True}
"""Execution options of a statement whose best plan does not depend on its parameters: PostgreSQL plans it once per
connection."""


class DialectExpression(FunctionElement[bool]):
    """Two conditions of the same meaning, one per database."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, *, on_postgresql: ColumnElement[bool], on_sqlite: ColumnElement[bool]) -> None:
        super().__init__(on_postgresql, on_sqlite)

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002
        """Unchanged: SQLAlchemy would compare it with 1 on SQLite, which then uses no index."""
        return self


@compiles(DialectExpression)
def _compile(element: DialectExpression, compiler: SQLCompiler, **options: Any) -> str:
    on_postgresql, on_sqlite = element.clauses
    condition = on_sqlite if compiler.dialect.name == "sqlite" else on_postgresql
    return f"({compiler.process(condition, **options)})"


class Ids(TypeDecorator[Any]):
    """Integers as one text: an array's for PostgreSQL, JSON for SQLite.

    As a list, psycopg would adapt each of them; in `IN (…)`, SQLAlchemy and psycopg would process a parameter each.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[int] | None, dialect: Any) -> str:
        numbers = ",".join(map(str, value or ()))
        return f"{{{numbers}}}" if dialect.name == "postgresql" else f"[{numbers}]"


def id_in(column: Any, ids: Iterable[int] | str, *, many: bool = False) -> ColumnElement[bool]:
    """Whether an integer column is one of `ids`; a string names the parameter that gets them at execution.

    With `many` PostgreSQL looks each of them up. Otherwise it may compare each row with all of them, one by one, which
    for a thousand of a thousand rows is a million comparisons.
    """
    parameter = bindparam(ids, type_=Ids) if isinstance(ids, str) else bindparam(None, [*ids], type_=Ids)
    array = parameter.cast(ARRAY(Integer))
    return DialectExpression(
        on_postgresql=column.in_(select(func.unnest(array))) if many else column == func.any(array),
        on_sqlite=column.in_(select(func.json_each(parameter).table_valued("value").c.value)),
    )


def contains(column: Any, phrase: str, *, by_index: bool) -> ColumnElement[bool]:
    """Whether `column` contains `phrase`, letter for letter. Its signs mean themselves, and case counts.

    With `by_index` PostgreSQL may look the phrase up in an index over trigrams, which serves LIKE only. Otherwise it
    looks at each text. SQLite always does, with GLOB, which takes half the time of its LIKE.
    """
    glob = re.sub(r"[*?[]", r"[\g<0>]", phrase)
    has_trigram = by_index and len(phrase) >= 3
    return DialectExpression(
        on_postgresql=column.contains(phrase, autoescape=True) if has_trigram else func.strpos(column, phrase) > 0,
        on_sqlite=column.op("GLOB", is_comparison=True)(f"*{glob}*"),
    )


def casefold_contains(text: Any, phrase: str, key: str | None = None) -> ColumnElement[bool]:
    """Whether `phrase` is in `text` regardless of case and accents, by the rules of `fold_for_search`.

    With `key`, in that value of a JSON object. `%`, `_` and quotes are literal.
    """
    folded = fold_for_search(phrase)
    on_postgresql = func.json_extract_path_text(text.cast(JSON), key) if key else text
    on_sqlite = func.json_extract(text, f"$.{key}") if key else text
    return DialectExpression(
        on_postgresql=func.strpos(postgresql_fold(on_postgresql), folded) > 0,
        on_sqlite=func.instr(func.examhall_fold(on_sqlite), folded) > 0,
    )


def postgresql_fold(text: Any) -> ColumnElement[str]:
    """`fold_for_search` in PostgreSQL's functions: the same steps in the same order."""
    alike = {chr(sign): other for sign, other in ALIKE.items()}
    single = {sign: other for sign, other in alike.items() if len(other) == 1}
    translation = "".join(single), "".join(single.values())
    folded = func.lower(func.normalize(func.translate(text, *translation), literal_column("NFKD")))
    folded = func.regexp_replace(folded, _invisible_or_accent(), "", "g")
    # lower case and decomposition may have produced letters that are replaced
    folded = func.translate(func.lower(folded), *translation)
    for sign, other in {**alike, "ß": "ss"}.items():
        if len(other) > 1:
            folded = func.replace(folded, sign, other)
    composed = func.normalize(folded, literal_column("NFKC"))
    return func.btrim(func.regexp_replace(composed, f"[{BLANK}]+", " ", "g"))


@cache
def _invisible_or_accent() -> str:
    accents = [chr(sign) for sign in range(0x1FFFF) if unicodedata.combining(chr(sign)) >= ACCENTS_FROM]
    return f"[{NEVER_SEEN}{JOINERS}{SELECTORS}{''.join(accents)}]"
