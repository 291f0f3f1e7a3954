"""What the monitor's templates get, and every address on the page (R18)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode

from flask_babel import format_decimal, gettext

from webapp.access import RoomLimit
from webapp.monitor.choices import Choices
from webapp.monitor.filters import Filter
from webapp.monitor.head import Head, head_of
from webapp.monitor.presentation import Presentation, query_string
from webapp.monitor.rows import Look, WrittenRow
from webapp.monitor.table import TablePage
from webapp.monitor.words import label, value_in_words

LONGEST_QUERY = 60_000
"""Letters of an address's query: what the server takes in its first line (`gunicorn.conf.py`), with some left over."""

MOST_CHIPS = 12
"""Of one name; each has an address that holds the whole filter."""


@dataclass(frozen=True)
class Chip:
    """An active condition with the address of the list without it."""

    text: str
    without: str


@dataclass(frozen=True)
class MonitorPage:
    """The page and the fragment are drawn from this alone."""

    user_id: int
    filter: Filter
    presentation: Presentation
    table: TablePage
    titles: dict[str, str]
    """Titles of the tests that the filter names."""
    now: datetime
    zone: str
    look: Look
    """How its rows look."""
    helped_tests: frozenset[int] = frozenset()
    """Tests in which who looks may help candidates sign in."""
    open_tests: int = 0
    """How many tests within reach are open now."""
    sendable_tests: frozenset[int] = frozenset()
    """The tests whose candidates may be sent messages: nobody is offered what would be refused."""
    room_limit: RoomLimit | None = None
    other_tests: bool = False
    """There are tests within reach that are closed or still ahead: they are shown if the filter names them."""
    choices: Choices | None = None
    """What the filters offer; the fragment leaves the filters alone and needs none."""

    @property
    def address(self) -> str:
        """The canonical address of this view."""
        return self._at(self.filter, self.presentation)

    @property
    def query(self) -> str:
        """The query of that address: what the page's controls say."""
        return query_string(self.filter, self.presentation).removeprefix("?")

    @property
    def csv_address(self) -> str:
        """The same list as CSV."""
        return "/monitor.csv" + query_string(self.filter, replace(self.presentation, page=1))

    @property
    def print_address(self) -> str:
        """The same list for paper."""
        return "/monitor/print" + query_string(self.filter, replace(self.presentation, page=1))

    @property
    def compose_all_address(self) -> str:
        """The compose dialog for everyone whom the filter matches."""
        return "/messages/new?" + urlencode([("scope", "filtered"), *self.filter.pairs()])

    @property
    def plain_address(self) -> str:
        """The same view without any filter."""
        return self._at(Filter(), replace(self.presentation, page=1))

    @property
    def filter_key(self) -> str:
        """The filter alone: a selection of rows lives as long as it stays the same."""
        return urlencode(self.filter.pairs())

    @cached_property
    def rows(self) -> list[WrittenRow]:
        """The candidates' rows."""
        return [self._look_of(row.test_id).written(row) for row in self.table.rows]

    def _look_of(self, test_id: int) -> Look:
        """The look of a test's rows: with what may be done there."""
        offers_help, offers_sending = test_id in self.helped_tests, test_id in self.sendable_tests
        return replace(self.look, offers_help=offers_help, offers_sending=offers_sending)

    @property
    def may_send(self) -> bool:
        """Whether anybody within reach may be sent a message."""
        return bool(self.sendable_tests)

    @property
    def may_send_to_all(self) -> bool:
        """The same of those whom this filter looks for."""
        named = {int(value) for value in self.filter.values("test")}
        return bool(self.sendable_tests & named) if named else self.may_send

    @property
    def nobody(self) -> str:
        """Why the list is empty, and what to do."""
        if not self.open_tests and not self.filter.values("test"):
            return str(gettext("None of your tests is open now. Choose a test in the filter “Test” to see it."))
        if self.filter:
            return str(gettext("No candidate matches. Take a filter away or search for less."))
        return str(gettext("There are no candidates here yet."))

    @cached_property
    def tag(self) -> str:
        """A digest of all that the fragment shows: it changes whenever that would look different."""
        parts = (
            self.user_id,
            self.address,
            self.look.today,
            self.table.count,
            self.table.by_words,
            self.nobody,
            *self.titles.values(),
        )
        told = [str(part).encode() for part in parts] + [row.digest for row in self.rows]
        return hashlib.sha256(b"\0".join(told)).hexdigest()[:32]

    @cached_property
    def head(self) -> Head:
        """The head of the list and the menu of its columns."""
        return head_of(self.filter, self.presentation, self.look.locale)

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Sorting and columns, for the form of the filters."""
        return replace(self.presentation, page=1).pairs()

    @property
    def chips(self) -> list[Chip]:
        """One per value that is set; a single one for the many values of a name."""
        first_page = replace(self.presentation, page=1)
        return [
            Chip(f"{label(name)}: {words}", self._at(self.filter.without(name, value), first_page))
            for name in dict.fromkeys(name for name, _ in self.filter.pairs())
            for value, words in self._values_in_words(name)
        ]

    def _values_in_words(self, name: str) -> list[tuple[str | None, str]]:
        """(value, its words), or (None, words for all of them) where they are many."""
        values = self.filter.values(name)
        if len(values) <= MOST_CHIPS:
            return [(value, value_in_words(name, value, self.titles)) for value in values]
        first = ", ".join(value_in_words(name, value, self.titles) for value in values[:3])
        return [(None, gettext("%(first)s and %(count)s more", first=first, count=format_decimal(len(values) - 3)))]

    @property
    def page_numbers(self) -> list[int | None]:
        """The pages worth a link; None stands for a gap."""
        here, last = self.table.page, self.table.pages
        near = sorted({1, last, *range(max(1, here - 2), min(last, here + 2) + 1)})
        shown: list[int | None] = []
        for number in near:
            if shown and shown[-1] is not None and number - shown[-1] > 1:
                shown.append(None)
            shown.append(number)
        return shown

    def page_address(self, number: int) -> str:
        """Another page of the list."""
        return self._at(self.filter, replace(self.presentation, page=number))

    @staticmethod
    def _at(filter: Filter, presentation: Presentation) -> str:  # noqa: A002 the field's word
        return "/monitor" + query_string(filter, presentation)
