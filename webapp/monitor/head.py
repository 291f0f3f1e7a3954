"""The head of the list and the menu of its columns: the same for every refresh of a view, so written once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from flask import current_app
from markupsafe import Markup

from webapp.monitor.columns import BY_KEY, COLUMNS, Column
from webapp.monitor.filters import Filter
from webapp.monitor.presentation import Presentation, query_string

KEPT = 256
"""Views kept, of about ten kilobytes each."""


@dataclass(frozen=True)
class Head:
    """What the templates of both get; `presentation` is on its first page."""

    filter: Filter
    presentation: Presentation
    locale: str

    @property
    def row(self) -> Markup:
        """The row with the columns' names; needs an application context."""
        return _written("monitor/_column_heads.html", self)

    @property
    def menu(self) -> Markup:
        """The menu in which columns are chosen and moved."""
        return _written("monitor/_columns.html", self)

    @property
    def columns(self) -> list[Column]:
        """The columns shown, in their order."""
        return [BY_KEY[key] for key in self.presentation.columns]

    @property
    def hidden_columns(self) -> list[Column]:
        """The other ones."""
        return [column for column in COLUMNS if column.key not in self.presentation.columns]

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
def _written(template: str, head: Head) -> Markup:
    return Markup(current_app.jinja_env.get_template(template).render(head=head))  # noqa: S704 the template escapes


def head_of(filter: Filter, presentation: Presentation, locale: str) -> Head:  # noqa: A002 the field's word
    """The head of a view, whichever page of it is shown."""
    return Head(filter, replace(presentation, page=1), locale)
