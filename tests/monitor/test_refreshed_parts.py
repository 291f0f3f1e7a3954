"""A refresh brings what candidates change; what the page has of menus and head comes as empty elements (R19)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import accumulate

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from tests.hall import Hall, signed_in
from tests.monitor.test_page import got
from tests.monitor.test_settings import remember
from tests.nightly import named
from webapp.db.transactions import writing
from webapp.models import Candidacy, Contribution, Role

pytestmark = pytest.mark.one_database

HTMX = {"HX-Request": "true"}
NOON = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)
EMPTY = re.compile(r'<(\w+) id="([\w-]+)" data-unchanged></\1>')
WITHOUT_END = {"input"}


class Elements(HTMLParser):
    """The elements of a text that have an id, as they stand in it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.text, self.by_id = text, dict[str, str]()
        self._lines = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        self._open: list[tuple[str | None, int]] = []
        self.feed(text)

    def _place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in WITHOUT_END:
            self._open.append((dict(attrs).get("id"), self._place()))

    def handle_endtag(self, tag: str) -> None:
        name, start = self._open.pop()
        if name:
            self.by_id[name] = self.text[start : self._place() + len(f"</{tag}>")]


def merged(shown: str, refresh: str) -> str:
    """What a page shows after a refresh."""
    known = Elements(shown).by_id
    return EMPTY.sub(lambda empty: known[empty[2]], refresh)


def without_spaces(html: str) -> str:
    return re.sub(r"\s*(<|>|\s)\s*", r"\1", html)


class Watching:
    """A test of 60 candidates in two rooms, and a chief who watches it at a moment that stands still."""

    def __init__(self, app: Flask, hall: Hall) -> None:
        self.app, self.hall = app, hall
        self.test = hall.test("Algebra")
        hall.candidacies(self.test, 55, entered_at=NOON)
        hall.candidacies(self.test, 5, room="Room 2", seat="A1", flagged=True)
        self.chief = hall.contributor(self.test, role=Role.CHIEF_INVIGILATOR)
        self.client: FlaskClient = signed_in(app, self.chief)

    def set(self, **columns: object) -> None:
        with writing(self.hall.session):
            some = update(Candidacy).where(Candidacy.id % 7 == 0)
            self.hall.session.execute(some.values(columns))

    def refreshed(self, address: str, tag: str) -> tuple[str, str]:
        """The fragment, empty if nothing has changed; and its tag."""
        answer = self.client.get(address, headers={**HTMX, "HX-PTag": tag})
        assert answer.status_code in (200, 304)
        return answer.text, answer.headers["HX-PTag"]


@pytest.fixture
def watching(app: Flask, hall: Hall) -> Watching:
    with time_machine.travel(NOON, tick=False):
        return Watching(app, hall)


CHANGES: dict[str, Callable[[Watching], object]] = {
    "a save": lambda watching: watching.set(saved_at=NOON - timedelta(minutes=2)),
    "submissions": lambda watching: watching.set(submitted_at=NOON),
    "other rooms": lambda watching: watching.set(room="Room 3"),
    "a new candidate": lambda watching: watching.hall.candidacies(watching.test, 1),
    "a second page": lambda watching: watching.hall.candidacies(watching.test, 70, flagged=True),
}


ADDRESSES = ["/monitor", "/monitor?flag=no&q=b&sort=-name", "/monitor?column=name&column=marks", "/monitor?page=2",
             "/monitor/plan", "/monitor/plan?flag=no"]  # fmt: skip
CASES = {f"{name} in {address}": (address, name) for address in ADDRESSES for name in CHANGES}
BY_DAY = {case for case, (address, name) in CASES.items() if address == "/monitor" or name == "a save"}


@pytest.mark.thorough
@pytest.mark.parametrize(("address", "name"), named(CASES, BY_DAY))
def test_a_page_and_its_refresh_show_what_a_new_page_would(watching: Watching, address: str, name: str) -> None:
    change = CHANGES[name]
    with time_machine.travel(NOON, tick=False):
        shown, tag = watching.refreshed(address, "none")
        assert not EMPTY.search(shown)
        change(watching)
        new, new_tag = watching.refreshed(address, "none")
        refresh, its_tag = watching.refreshed(address, tag)
        assert its_tag == new_tag
        assert bool(refresh) == bool(EMPTY.search(refresh)) == (new_tag != tag)
        assert without_spaces(merged(shown, refresh) or shown) == without_spaces(new)


def test_menus_and_head_come_as_empty_elements(watching: Watching) -> None:
    with time_machine.travel(NOON, tick=False):
        shown, tag = watching.refreshed("/monitor", "none")
        CHANGES["a save"](watching)
        refresh, _ = watching.refreshed("/monitor", tag)
    empty = {name for _, name in EMPTY.findall(refresh)}
    assert empty == {"tools-filter", "list-or-plan", "sort-menu", "columns-menu", "list-menu", "list-head"}
    assert len(refresh) < 0.85 * len(shown)
    for word in ("Save list as CSV", "Compact", "Room and seat"):
        assert word in shown
        assert word not in refresh


def leave_the_chair(watching: Watching) -> None:
    with writing(watching.hall.session):
        chief = Contribution.user_id == watching.chief.id
        watching.hall.session.execute(update(Contribution).where(chief).values(role=Role.INVIGILATOR))


def close_the_test(watching: Watching) -> None:
    with writing(watching.hall.session):
        watching.hall.session.merge(watching.test).closed_at = NOON
        watching.hall.session.merge(watching.chief).is_admin = True


def take_all_away(watching: Watching) -> None:
    with writing(watching.hall.session):
        watching.hall.session.execute(delete(Candidacy))


OTHERS: dict[str, Callable[[Watching], object]] = {
    "fewer rights": leave_the_chair,
    "a closed test": close_the_test,
    "nobody left": take_all_away,
    "lower rows": lambda watching: remember(watching.client, density="32"),
    "another order as one's own": lambda watching: remember(watching.client, sort="name"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_another_view_comes_whole(watching: Watching, change: Callable[[Watching], object]) -> None:
    with time_machine.travel(NOON, tick=False):
        _, tag = watching.refreshed("/monitor", "none")
        change(watching)
        refresh, _ = watching.refreshed("/monitor", tag)
    assert refresh
    assert not EMPTY.search(refresh)


def test_another_address_comes_whole(watching: Watching) -> None:
    """Another filter, order or column, and the plan."""
    with time_machine.travel(NOON, tick=False):
        _, tag = watching.refreshed("/monitor", "none")
        for address in ("/monitor?room=Room+1", "/monitor?sort=name", "/monitor?column=name", "/monitor/plan"):
            refresh, _ = watching.refreshed(address, tag)
            assert refresh, address
            assert not EMPTY.search(refresh), address


def test_of_another_person_nothing_is_taken_for_known(watching: Watching) -> None:
    with time_machine.travel(NOON, tick=False):
        _, tag = watching.refreshed("/monitor", "none")
        other = watching.hall.contributor(watching.test, role=Role.CHIEF_INVIGILATOR)
        watching.client = signed_in(watching.app, other)
        refresh, _ = watching.refreshed("/monitor", tag)
    assert not EMPTY.search(refresh)


def test_a_new_page_is_whole_whatever_its_tag(watching: Watching) -> None:
    """Only HTMX knows what the page shows."""
    with time_machine.travel(NOON, tick=False):
        _, tag = watching.refreshed("/monitor", "none")
        assert not EMPTY.search(got(watching.client, "/monitor", **{"HX-PTag": tag}))
