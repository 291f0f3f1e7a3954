"""What the templates of the list get: rows as HTML, chips, addresses (R18)."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from flask import current_app, url_for
from flask_babel import format_decimal, gettext
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Row

from webapp.access import AccessScope, Right
from webapp.extensions import db
from webapp.help_requests.queue import count_waiting
from webapp.monitor.columns import COLUMN_BY_KEY, Column, query_string
from webapp.monitor.filters import CHOICES, LABELS, Filter
from webapp.monitor.incidents import OpenIncident, open_incidents
from webapp.monitor.listing import Listing
from webapp.monitor.query import View
from webapp.monitor.settings import settings_of
from webapp.monitor.tiles import Group, Tile, groups_of, tiles_of
from webapp.monitor.words import candidate_in_words, value_in_words
from webapp.web.templating import current_locale, icons

MAX_QUERY_LENGTH = 60_000
"""Characters. The server takes slightly more in its request line (`gunicorn.conf.py`)."""
OFFERED_SORTS = ("state", "name", "seat", "remaining", "saved")
MAX_CHIPS = 12
"""Chips of one name, because each has an address with the whole filter."""


def row_macros(view: View) -> Any:
    """The macros of `templates/monitor/_row.html` for the rows of a list, in the language of the request."""
    columns = tuple(view.presentation.shown_columns)
    return _row_macros(columns, view.shows_rooms, view.undated, view.filter.zone, current_locale())


@lru_cache(maxsize=64)  # words and icons that rows share are made once, and equal macros keep the cached rows
def _row_macros(
    columns: tuple[Column, ...], shows_rooms: bool, undated: tuple[datetime, datetime], zone: ZoneInfo, _locale: str
) -> Any:
    template = current_app.jinja_env.get_template("monitor/_row.html")
    keys = frozenset(column.key for column in columns)
    shared = {"columns": columns, "keys": keys, "shows_rooms": shows_rooms}
    return template.make_module({**shared, "undated": undated, "zone": zone, "filters": CHOICES})


@lru_cache(maxsize=4096)  # a hall's staff refresh the same rows every few seconds, and few of them change
def _render_row(
    row: Row[Any], macros: Any, messaged: datetime | None, help_comes: bool | None, may_send: bool, may_help: bool
) -> Markup:
    candidate = candidate_in_words(row.name, row.number, row.seat)
    html: Markup = macros.row(row, candidate, messaged, help_comes, may_send, may_help)
    return html


@dataclass(frozen=True)
class Sort:
    """An order of the list, as the menu offers it."""

    key: str
    words: str
    is_current: bool


def _sort_in_words(key: str) -> str:
    if key == "state":
        return str(gettext("Needs attention first"))
    label = COLUMN_BY_KEY[key.removeprefix("-")].label
    return str(gettext("%(column)s, descending", column=label) if key.startswith("-") else label)


def _digest(shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class MonitorPage:
    """The whole page and its refreshed part are rendered from this."""

    endpoint: ClassVar[str] = "monitor.monitor"
    """Where its addresses lead."""
    scope: AccessScope
    """All that this person may watch."""
    view: View
    listing: Listing
    titles: dict[str, str]
    """Titles of the tests that the filter names, by id."""
    asked_tag: str
    """The tag of what the page shows which asks; empty for a new page."""

    @property
    def groups(self) -> list[tuple[Group | None, list[Markup]]]:
        """The rows as HTML, by group where the list has groups."""
        macros, may_send = row_macros(self.view), self.tests_to_send
        may_help = self.scope.tests_with(Right.HELP_SIGN_IN) if may_send else frozenset()

        def rendered(rows: Iterable[Row[Any]]) -> list[Markup]:
            messaged, asking = self.listing.messaged, self.listing.asking
            return [
                _render_row(row, macros, messaged.get(row.id), asking.get(row.id), test in may_send, test in may_help)
                for row, test in ((row, row.test_id) for row in rows)
            ]

        if not self.view.is_grouped or self.listing.states is None:
            return [(None, rendered(self.listing.rows))] if self.listing.rows else []
        return [(group, rendered(rows)) for group, rows in groups_of(self.listing)]

    @cached_property
    def incidents(self) -> list[OpenIncident]:
        """Those that this person may end."""
        return open_incidents(db.session(), self.scope)

    @cached_property
    def help_waiting(self) -> int:
        """How many ask for help and nobody goes, of all whom this person may watch."""
        return count_waiting(db.session(), self.scope, self.listing.asking)

    @cached_property
    def tests_to_send(self) -> frozenset[int]:
        """The tests whose candidates this person may send messages to: nothing is offered that would be refused."""
        return self.scope.tests_with(Right.SEND)

    @property
    def may_send_to_all(self) -> bool:
        """Whether the filter looks at any of these tests."""
        return self.may_act_on_all(Right.SEND)

    def may_act_on_all(self, right: Right) -> bool:
        """Whether the filter looks at any test in which this person has the right."""
        named, tests = {int(value) for value in self.view.filter.values("test")}, self.scope.tests_with(right)
        return bool(tests & named if named else tests)

    @cached_property
    def tag(self) -> str:
        """A digest of everything that the refreshed part shows, so that an unchanged list is not sent again (R19). It
        begins with that of the frame."""
        return self.frame + _digest(self.shown)

    @cached_property
    def frame(self) -> str:
        """A digest of what menus, chips and head are made of: of the view and the person, and of no candidate."""
        view, scope = self.view, self.scope
        presentation = replace(view.presentation, named=frozenset()), sorted(view.presentation.named)
        rights = sorted(scope.roles.items()), sorted(scope.closed_tests)
        return _digest((
            current_user.id, current_locale(), icons(), self.density, self.address(), rights,
            presentation, self.titles, view.filter.by_words, bool(self.listing.count),
        ))  # fmt: skip

    @property
    def has_frame(self) -> bool:
        """Whether the page that asks shows the same frame: then it comes as empty elements, which change nothing."""
        return self.asked_tag.startswith(self.frame)

    @property
    def shown(self) -> tuple[object, ...]:
        """What stands within the frame."""
        view, listing = self.view, self.listing
        return (
            view.undated, view.shows_rooms, bool(self.scope.open_tests), listing.count, listing.is_capped,
            listing.states, [tuple(row) for row in listing.rows], listing.messaged, self.incidents,
            self.help_waiting, [listing.asking.get(row.id) for row in listing.rows],
        )  # fmt: skip

    def address(self, endpoint: str = "", **changes: Any) -> str:
        """The canonical address of this view, with another page, sorting or filter."""
        filter = changes.pop("filter", self.view.filter)
        return url_for(endpoint or self.endpoint) + query_string(filter, replace(self.view.presentation, **changes))

    @property
    def density(self) -> str:
        """How high a row is where a mouse is used, as the person has chosen."""
        return settings_of(current_user).density

    @property
    def sorts(self) -> list[Sort]:
        """The orders that the menu offers; the one that is set stands first if it is none of them."""
        current = self.view.presentation.sort
        keys = dict.fromkeys((*(key for key in OFFERED_SORTS if key in COLUMN_BY_KEY), current))
        return [Sort(key, _sort_in_words(key), key == current) for key in keys]

    @property
    def unfiltered_address(self) -> str:
        """The same view without any filter."""
        return self.address(page=1, filter=Filter())

    @property
    def tiles(self) -> list[Tile]:
        """All and each state, with their counts."""
        return tiles_of(self.listing, lambda filter: self.address(page=1, filter=filter))

    @property
    def chips(self) -> list[tuple[str, str]]:
        """(words, address without it) of each value that is set, or of all values of a name if they are many."""
        chips: list[tuple[str, str]] = []
        filter = self.view.filter
        for name, values in filter.conditions.items():
            words = [value_in_words(name, value, self.titles) for value in values]
            rests = [filter.without(name, value) for value in values]
            if len(values) > MAX_CHIPS:
                more = format_decimal(len(values) - 3)
                words = [gettext("%(first)s and %(count)s more", first=", ".join(words[:3]), count=more)]
                rests = [filter.without(name)]
            for text, rest in zip(words, rests, strict=True):
                chips.append((f"{LABELS[name]}: {text}", self.address(page=1, filter=rest)))
        return chips
