"""How a list is shown: sorting, page, columns; read from the address and written back to it (R18)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from webapp.exceptions import BadParameter
from webapp.monitor.columns import AT_FIRST, BY_KEY
from webapp.monitor.filters import Filter, printable

DEFAULT_SORT = "name"
KEPT = 256
"""Filters and presentations whose part of an address is kept."""


@dataclass(frozen=True)
class Presentation:
    """Sorting, page and columns of a list. `page` is what was asked for: the list may have fewer."""

    sort: str = DEFAULT_SORT
    """A column's key; with `-` before it the order is descending."""
    page: int = 1
    columns: tuple[str, ...] = AT_FIRST
    """Keys of the columns shown, in their order."""

    @property
    def sort_column(self) -> str:
        """The key of the column that the list is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the order is reversed."""
        return self.sort.startswith("-")

    def pairs(self) -> list[tuple[str, str]]:
        """(name, value) of what differs from the default, in a fixed order."""
        sort = [("sort", self.sort)] if self.sort != DEFAULT_SORT else []
        columns = [("column", key) for key in self.columns] if self.columns != AT_FIRST else []
        return sort + columns + ([("page", str(self.page))] if self.page > 1 else [])

    def sorted_by(self, key: str) -> Presentation:
        """The first page sorted by a column; the other way round if it is sorted by it already."""
        return replace(self, sort=f"-{key}" if self.sort == key else key, page=1)

    def moved(self, move: str) -> Presentation:
        """With a column moved one place: `move` is its key and `:up` or `:down`. `BadParameter` if unknown."""
        key, _, direction = move.partition(":")
        if key not in self.columns or direction not in ("up", "down"):
            raise BadParameter("move", printable(move))
        left = [one for one in self.columns if one != key]
        place = self.columns.index(key) + (1 if direction == "down" else -1)
        left.insert(max(place, 0), key)
        return replace(self, columns=tuple(left))


def parse_presentation(args: MultiDict[str, str]) -> Presentation:
    """What `sort`, `page` and `column` mean; `BadParameter` for values that no list can have."""
    sort = _single(args, "sort", DEFAULT_SORT)
    if sort.removeprefix("-") not in BY_KEY:
        raise BadParameter("sort", printable(sort))
    page = _single(args, "page", "1")
    if not re.fullmatch(r"[0-9]{1,100}", page):
        raise BadParameter("page", printable(page))
    for key in args.getlist("column"):
        if key not in BY_KEY:
            raise BadParameter("column", printable(key))
    columns = tuple(dict.fromkeys(args.getlist("column"))) or AT_FIRST
    return Presentation(sort=sort, page=max(int(page), 1), columns=columns)


def _single(args: MultiDict[str, str], name: str, default: str) -> str:
    given = set(args.getlist(name))
    if len(given) > 1:
        raise BadParameter(name, printable(min(given)))
    return given.pop() if given else default


def query_string(filter: Filter, presentation: Presentation | None = None) -> str:  # noqa: A002 the field's word
    """The canonical query of an address, with its `?`; empty for the plain monitor."""
    said = [_written(one) for one in (filter, presentation) if one is not None]
    query = "&".join(one for one in said if one)
    return f"?{query}" if query else ""


@lru_cache(maxsize=KEPT)
def _written(pairs_of: Filter | Presentation) -> str:
    """Kept, because the head of each list has an address for each of its columns."""
    return urlencode(pairs_of.pairs())
