"""The head of the list and the menu of its columns: the same for every refresh of a view, so written once.

What the menu offers does not depend on the filter either, and is written once for each choice of columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from flask import current_app
from markupsafe import Markup

from webapp.monitor.columns import COLUMNS
from webapp.monitor.filters import Filter
from webapp.monitor.presentation import Presentation, query_string

KEPT = 256
"""Views kept, of about ten kilobytes each."""
LONGEST_KEPT = 1000
"""Letters of the query of a view that is kept; the head has one address for each column."""


@dataclass(frozen=True)
class Offer:
    """The columns that can be shown, with those that are first; in one language."""

    shown: tuple[str, ...]
    """Their keys, in their order."""
    locale: str

    @property
    def written(self) -> Markup:
        """The list in the menu: to tick and to move. Needs an application context."""
        return _written("monitor/_column_choices.html", self)

    @property
    def labels(self) -> dict[str, str]:
        """Key → name of each column, those shown first."""
        hidden = (column.key for column in COLUMNS if column.key not in self.shown)
        words = _labels(self.locale)
        return {key: words[key] for key in (*self.shown, *hidden)}


@dataclass(frozen=True)
class Head:
    """What the templates of both get; `presentation` is on its first page."""

    filter: Filter
    presentation: Presentation
    locale: str

    @property
    def row(self) -> Markup:
        """The row with the columns' names; needs an application context."""
        return self._write("monitor/_column_heads.html")

    @property
    def menu(self) -> Markup:
        """The menu in which columns are chosen and moved."""
        return self._write("monitor/_columns.html")

    def _write(self, template: str) -> Markup:
        """Kept, unless its addresses are so long that a few hundred of them would fill the memory."""
        is_long = len(query_string(self.filter)) > LONGEST_KEPT
        return (_written.__wrapped__ if is_long else _written)(template, self)

    @property
    def offer(self) -> Offer:
        """What the menu offers."""
        return Offer(self.presentation.columns, self.locale)

    @property
    def labels(self) -> dict[str, str]:
        """Key → name of the columns shown, in their order."""
        words = _labels(self.locale)
        return {key: words[key] for key in self.presentation.columns}

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Filter and sorting, for the form of the columns."""
        return self.filter.pairs() + [pair for pair in self.presentation.pairs() if pair[0] == "sort"]

    def sorted_address(self, key: str) -> str:
        """The list sorted by a column, or the other way round."""
        return "/monitor" + query_string(self.filter, self.presentation.sorted_by(key))

    def aria_sort(self, key: str) -> str | None:
        """The `aria-sort` of a column's header."""
        if key != self.presentation.sort_column:
            return None
        return "descending" if self.presentation.descending else "ascending"


@lru_cache(maxsize=KEPT)
def _written(template: str, head: Head | Offer) -> Markup:
    return Markup(current_app.jinja_env.get_template(template).render(head=head))  # noqa: S704 the template escapes


@lru_cache(maxsize=8)
def _labels(locale: str) -> dict[str, str]:  # noqa: ARG001 the language of the request, in which they are said
    return {column.key: str(column.label) for column in COLUMNS}


def head_of(filter: Filter, presentation: Presentation, locale: str) -> Head:  # noqa: A002 the field's word
    """The head of a view, whichever page of it is shown."""
    return Head(filter, replace(presentation, page=1), locale)
