"""How the list is shown: sorting, page and columns, read from an address and written to one (R18)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import SQLColumnExpression
from werkzeug.datastructures import MultiDict

from webapp.exceptions import BadParameter
from webapp.models import Candidacy
from webapp.monitor.columns import COLUMN_BY_KEY, DEFAULT_COLUMNS, Column
from webapp.monitor.filters import Filter

DEFAULT_SORT = "name"


@dataclass(frozen=True)
class Presentation:
    """Sorting, page and columns of a list. The list may have fewer pages than `page`."""

    sort: str = DEFAULT_SORT
    """A column's key. With `-` before it the order is descending."""
    page: int = 1
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    """Keys of the columns, in their order."""

    @property
    def shown_columns(self) -> list[Column]:
        """The columns shown, in their order."""
        return [COLUMN_BY_KEY[key] for key in self.columns]

    def order(self) -> list[SQLColumnExpression[Any]]:
        """What the list is sorted by in SQL: missing values last in either direction, equal rows by their id."""
        order: list[SQLColumnExpression[Any]] = []
        for expression in COLUMN_BY_KEY[self.sort.removeprefix("-")].order:
            directed = expression.desc() if self.sort.startswith("-") else expression.asc()
            # an index serves the plain order only, and a column that is never missing needs no other
            order.append(directed.nulls_last() if getattr(expression, "nullable", True) else directed)
        return [*order, Candidacy.id]

    def pairs(self) -> list[tuple[str, str]]:
        """(name, value) of what differs from the default, in a fixed order."""
        sort = [("sort", self.sort)] if self.sort != DEFAULT_SORT else []
        columns = [("column", key) for key in self.columns] if self.columns != DEFAULT_COLUMNS else []
        return sort + columns + ([("page", str(self.page))] if self.page > 1 else [])

    @property
    def all_columns(self) -> list[Column]:
        """All columns, those shown first."""
        return [COLUMN_BY_KEY[key] for key in dict.fromkeys((*self.columns, *COLUMN_BY_KEY))]

    def moved(self, move: str) -> Presentation:
        """With a column moved by one place: `move` is its key and `:up` or `:down`. Raises `BadParameter`."""
        key, _, direction = move.partition(":")
        if key not in self.columns or direction not in ("up", "down"):
            raise BadParameter("move", move)
        columns = [other for other in self.columns if other != key]
        place = self.columns.index(key) + (1 if direction == "down" else -1)
        columns.insert(max(place, 0), key)
        return replace(self, columns=tuple(columns))


def parse_presentation(args: MultiDict[str, str]) -> Presentation:
    """What `sort`, `page` and `column` mean. Raises `BadParameter`."""
    sort, page = _single(args, "sort", DEFAULT_SORT), _single(args, "page", "1")
    if sort.removeprefix("-") not in COLUMN_BY_KEY:
        raise BadParameter("sort", sort)
    if not re.fullmatch(r"[0-9]{1,100}", page):
        raise BadParameter("page", page)
    columns = tuple(dict.fromkeys(args.getlist("column")))
    for key in columns:
        if key not in COLUMN_BY_KEY:
            raise BadParameter("column", key)
    return Presentation(sort, max(int(page), 1), columns or DEFAULT_COLUMNS)


def _single(args: MultiDict[str, str], name: str, default: str) -> str:
    values = set(args.getlist(name))
    if len(values) > 1:
        raise BadParameter(name, min(values))
    return values.pop() if values else default


def query_string(filter: Filter, presentation: Presentation) -> str:
    """The canonical query of an address with its `?`. Empty for the plain list."""
    query = urlencode(filter.pairs() + presentation.pairs())
    return f"?{query}" if query else ""
