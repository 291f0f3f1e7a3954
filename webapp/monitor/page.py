"""What the templates of the list get: the page's words and addresses (R18)."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, url_for
from flask_babel import format_datetime, format_decimal, gettext
from markupsafe import Markup
from sqlalchemy import Row

from webapp.access import AccessScope, Right
from webapp.monitor.choices import Offer
from webapp.monitor.columns import Column
from webapp.monitor.filters import CHOICES, TIMES, Filter
from webapp.monitor.listing import Listing, View
from webapp.monitor.presentation import Presentation, query_string
from webapp.monitor.words import candidate_in_words, label, value_in_words
from webapp.web.languages import current_locale

MAX_QUERY_LENGTH = 60_000
"""Characters. The server takes slightly more in its request line (`gunicorn.conf.py`)."""
MAX_CHIPS = 12
"""Chips of one name, because each has an address with the whole filter."""


@dataclass(frozen=True)
class RowStyle:
    """What the look of rows depends on beside their values."""

    columns: tuple[Column, ...]
    today: date
    """In `zone`: its times are shown without the date."""
    zone: ZoneInfo
    locale: str

    @cached_property
    def macros(self) -> Any:
        """`templates/monitor/_row.html`, with the words that all rows share looked up once."""
        return current_app.jinja_env.get_template("monitor/_row.html").make_module({"style": self})

    @property
    def words(self) -> dict[str, dict[str, str]]:
        """Filter → value → words."""
        return {name: {value: str(words) for value, words in choice.values.items()} for name, choice in CHOICES.items()}

    def minute(self, moment: datetime) -> Markup:
        """`<time>` to the minute. Its title has date and zone (trap 24)."""
        local = moment.astimezone(self.zone)
        full = f"{format_datetime(local, 'd MMM yyyy HH:mm', rebase=False)} {local.tzname()}"
        is_today = local.date() == self.today
        short = f"{local:%H:%M}" if is_today else format_datetime(local, "d MMM HH:mm", rebase=False)
        tag = Markup('<time datetime="{}" title="{}">{}</time>')
        return tag.format(local.isoformat(timespec="minutes"), full, short)


_shared_style = lru_cache(maxsize=64)(RowStyle)  # one object for equal styles: cached rows hold its macros


def row_style(view: View) -> RowStyle:
    """The style of a list's rows, in the language of the request."""
    columns, zone = tuple(view.presentation.shown_columns), view.filter.zone
    return _shared_style(columns, view.now.astimezone(zone).date(), zone, current_locale())


@lru_cache(maxsize=4096)
def _render_row(row: Row[Any], style: RowStyle, may_send: bool, may_help: bool) -> Markup:
    """A `<tr>`. Cached, because a hall's staff refresh the same rows every few seconds, and few of them change."""
    html: Markup = style.macros.row(row, candidate_in_words(row.name, row.number, row.seat), may_send, may_help)
    return html


@dataclass(frozen=True)
class MonitorPage:
    """The whole page and its refreshed part are rendered from this."""

    user_id: int
    scope: AccessScope
    """All that this person may watch."""
    view: View
    """With the page that the list has."""
    listing: Listing
    titles: dict[str, str]
    """Titles of the tests that the filter names, by id."""
    offers: dict[str, list[Offer]]
    """Values to tick, by filter. The refreshed part leaves the filters alone and has none."""

    @property
    def filter(self) -> Filter:
        """The filter of the list."""
        return self.view.filter

    @property
    def presentation(self) -> Presentation:
        """How the list is shown."""
        return self.view.presentation

    @cached_property
    def style(self) -> RowStyle:
        """The style of the rows."""
        return row_style(self.view)

    @property
    def rows(self) -> list[Markup]:
        """The rows as HTML."""
        return [
            _render_row(row, self.style, row.test_id in self.tests_to_send, row.test_id in self.tests_to_help)
            for row in self.listing.rows
        ]

    @cached_property
    def tests_to_send(self) -> frozenset[int]:
        """The tests whose candidates this person may send messages to: nothing is offered that would be refused."""
        return self.scope.tests_with(Right.SEND)

    @cached_property
    def tests_to_help(self) -> frozenset[int]:
        """The tests whose candidates this person may help to sign in."""
        return self.scope.tests_with(Right.HELP_SIGN_IN)

    @property
    def may_send_to_all(self) -> bool:
        """Whether the filter looks at any of these tests."""
        named = {int(value) for value in self.filter.values("test")}
        return bool(self.tests_to_send & named if named else self.tests_to_send)

    @property
    def nobody(self) -> str:
        """Why the list is empty, and what to do."""
        if not self.scope.open_tests and not self.filter.values("test"):
            return str(gettext("None of your tests is open now. Choose a test in the filter “Test” to see it."))
        if self.filter:
            return str(gettext("No candidates match. Remove a filter or shorten the search."))
        return str(gettext("There are no candidates here yet."))

    @cached_property
    def tag(self) -> str:
        """A digest of everything that the refreshed part shows, so that an unchanged list is not sent again (R19)."""
        shown = (
            self.user_id, self.address(), self.nobody, self.titles, self.style.today, self.style.locale,
            sorted(self.tests_to_send), sorted(self.tests_to_help), self.listing.count, self.listing.is_capped,
            self.listing.by_words, [tuple(row) for row in self.listing.rows],
        )  # fmt: skip
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]

    def address(self, endpoint: str = "monitor.monitor", **changes: Any) -> str:
        """The canonical address of this view, with another page, sorting or filter."""
        filter = changes.pop("filter", self.filter)
        return url_for(endpoint) + query_string(filter, replace(self.presentation, **changes))

    @property
    def unfiltered_address(self) -> str:
        """The same view without any filter."""
        return self.address(page=1, filter=Filter())

    @property
    def number_of_times(self) -> int:
        """How many time filters are set."""
        return sum(name in TIMES for name, _ in self.filter.conditions)

    @property
    def chips(self) -> list[tuple[str, str]]:
        """(words, address without it) of each value that is set, or of all values of a name if they are many."""
        return [
            (f"{label(name)}: {words}", self.address(page=1, filter=self.filter.without(name, value)))
            for name, values in self.filter.conditions
            for value, words in self._values_in_words(name, values)
        ]

    def _values_in_words(self, name: str, values: tuple[str, ...]) -> list[tuple[str | None, str]]:
        words = [value_in_words(name, value, self.titles) for value in values[:MAX_CHIPS]]
        if len(values) <= MAX_CHIPS:
            return list(zip(values, words, strict=True))
        rest = format_decimal(len(values) - 3)
        return [(None, gettext("%(first)s and %(count)s more", first=", ".join(words[:3]), count=rest))]

    @property
    def page_numbers(self) -> list[int | None]:
        """The pages worth a link. None stands for a gap."""
        here, last = self.listing.page, self.listing.pages
        near = sorted({1, last, *range(max(1, here - 2), min(last, here + 2) + 1)})
        numbers: list[int | None] = []
        for number in near:
            if numbers and number - (numbers[-1] or 0) > 1:
                numbers.append(None)
            numbers.append(number)
        return numbers
