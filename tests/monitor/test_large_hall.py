"""Every filter and every sorting gives the people of a plain reference, in count, pages, file and audience (R17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.monitor import reference
from tests.monitor.conftest import LargeHall
from tests.nightly import at_night
from tests.statements import statements
from webapp.access import AccessScope
from webapp.db.transactions import read_snapshot
from webapp.extensions import db
from webapp.models import Candidacy, Role, Test
from webapp.monitor import listing
from webapp.monitor.columns import COLUMN_BY_KEY, Presentation
from webapp.monitor.filters import CHOICES, Filter, parse_filter
from webapp.monitor.listing import ROWS_PER_PAGE, all_rows, load_listing
from webapp.monitor.query import View, select_candidacies
from webapp.monitor.times import ROLLING, TIME_FIELDS, TIMES

pytestmark = [pytest.mark.xdist_group("large hall listing"), pytest.mark.thorough]  # one worker makes it, not each
SIZE, TESTS = 1320, 6  # more in all than `ROWS_PER_CHUNK`
EVERYTHING = AccessScope(everything=True, roles={}, rooms={})
ONE_TEST = AccessScope(everything=False, roles={1: Role.CHIEF_INVIGILATOR}, rooms={})
ONE_ROOM = AccessScope(everything=False, roles={1: Role.INVIGILATOR, 2: Role.INVIGILATOR}, rooms={1: "Sal B110"})
SCOPES: dict[str, tuple[AccessScope, Callable[[Candidacy], bool]]] = {
    "everything": (EVERYTHING, lambda _one: True),
    "a test": (ONE_TEST, lambda one: one.test_id == 1),
    "a room of one test and another test": (
        ONE_ROOM,
        lambda one: one.test_id == 2 or (one.test_id == 1 and one.room == "Sal B110"),
    ),
}
FILTERS: list[list[tuple[str, str]]] = [
    [],
    [("q", "lind")],
    [("q", "å")],
    [("q", "sal b1")],
    [("q", "[a-z]*?%_")],
    [("test", "1"), ("test", "3")],
    [("room", "Sal B110"), ("room", "Sal C111")],
    [("group", "Group 07"), ("status", "online")],
    [("progress", "submitted"), ("progress", "paused")],
    [("saved_within", "15m"), ("warning", "offline")],
    [("q", "a1")],
    [("seen_within", "5m")],
    [("seen_within", "2h")],
    [("seen_within", "1m"), ("seen_within", "1d")],
    [("started_after", "2026-01-01T00:00")],
    [("started_after", "2999-01-01T00:00")],
    [("started_before", "2026-01-01T00:00"), ("started_before", "2999-01-01T00:00")],
    [("test_start_within", "today"), ("flag", "no")],
    [("submitted_within", "1h"), ("attendance", "unset")],
    [("test_end_after", "2026-01-01T00:00"), ("room", "Sal B110")],
    [("ends_within", "1h"), ("ends_within", "4h")],
    [("ends_within", "next-3d"), ("extra", "yes")],
    [("unseen", "5m")],
    [("unseen", "2h"), ("progress", "in_progress")],
    [("unsaved", "10m")],
    [("unsaved", "1d"), ("unsaved", "30m"), ("room", "Sal B110")],
    *([(name, value)] for name, choice in CHOICES.items() for value in choice.values),
]


def parsed(pairs: list[tuple[str, str]]) -> Filter:
    return parse_filter(MultiDict(pairs), ZoneInfo("UTC"))


def test_each_filter_is_compared_with_the_reference() -> None:
    """Fixed values are by themselves; a text or a moment has to be added to `FILTERS`."""
    compared = {name for pairs in FILTERS for name, _ in pairs}
    assert compared >= {"q", *CHOICES}
    assert {TIMES[name] for name in compared & TIMES.keys()} == {*TIME_FIELDS, *ROLLING.values()}


Found = list[tuple[Any, list[bool]]]


@pytest.fixture(scope="module")
def found(large_hall: LargeHall) -> Found:
    """Each candidacy, and which of `FILTERS` find it by the reference: once for all scopes."""
    with large_hall[0].app_context():
        tests = {test.id: test for test in _plain(Test)}
        return [
            (one, [reference.matches(one, tests[one.test_id], pairs, large_hall[1]) for pairs in FILTERS])
            for one in _plain(Candidacy)
        ]


def _plain(model: type[Any]) -> list[Any]:
    """All rows of a table as plain objects: the reference reads millions of values of them."""
    return [SimpleNamespace(**row._mapping) for row in db.session.execute(select(*model.__table__.columns))]


def whole_list(
    session: Session, scope: AccessScope, filter: Filter, presentation: Presentation, now: datetime
) -> list[int]:
    """The ids of a file."""
    read_snapshot(session)
    ids = [row.id for rows in all_rows(session, View(scope, filter, presentation, now)) for row in rows]
    session.rollback()
    return ids


thoroughly = pytest.mark.parametrize("step", [3, *at_night(1)], ids=["some", "all"])
"""By day each scope gets every third filter, and the next scope the next ones; at night each gets all."""


@thoroughly
@pytest.mark.parametrize("name", SCOPES)
def test_r17_count_page_file_and_audience_are_those_of_the_reference(
    large_hall_session: Session,
    large_hall: LargeHall,
    found: Found,
    name: str,
    step: int,
) -> None:
    scope, is_within = SCOPES[name]
    now, people = large_hall[1], 0
    within = [(one.id, matched) for one, matched in found if is_within(one)]
    for number in range(list(SCOPES).index(name) % step, len(FILTERS), step):
        pairs = FILTERS[number]
        expected = {each for each, matched in within if matched[number]}
        page = load_listing(large_hall_session, View(scope, parsed(pairs), Presentation(), now))
        file = whole_list(large_hall_session, scope, parsed(pairs), Presentation(), now)
        audience = list(large_hall_session.scalars(select_candidacies(scope, parsed(pairs), now)))
        assert (page.count, page.is_capped) == (len(expected), False), pairs
        assert set(audience) == set(file) == expected, pairs
        assert len(audience) == len(file) == len(expected), pairs
        assert [row.id for row in page.rows] == file[:ROWS_PER_PAGE], pairs
        people += len(expected)
    assert people > len(FILTERS) // step


@thoroughly
def test_each_page_is_a_part_of_the_whole_list(large_hall_session: Session, large_hall: LargeHall, step: int) -> None:
    """In the order of each column, both ways: by day some of these, of both ways."""
    for sort in [f"{sign}{key}" for key in COLUMN_BY_KEY for sign in ("", "-")][::step]:
        whole = whole_list(large_hall_session, ONE_TEST, Filter(), Presentation(sort=sort), large_hall[1])
        assert len(whole) == len(set(whole)) == SIZE // TESTS, sort
        pages = -(-len(whole) // ROWS_PER_PAGE)
        for number in (1, 2, pages - 1, 10**99):
            page = load_listing(
                large_hall_session, View(ONE_TEST, Filter(), Presentation(sort=sort, page=number), large_hall[1])
            )
            assert (page.count, page.view.presentation.page, page.pages) == (len(whole), min(number, pages), pages)
            first = (page.view.presentation.page - 1) * ROWS_PER_PAGE
            assert [row.id for row in page.rows] == whole[first : first + ROWS_PER_PAGE], (sort, number)


def test_over_many_tests_no_more_than_some_are_counted(
    large_hall_session: Session, large_hall: LargeHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_COUNT", 100)
    many, few = parsed([("progress", "in_progress")]), parsed([("group", "Group 07")])
    for scope, filter, expected in (
        (EVERYTHING, many, (100, True, 2)),
        (EVERYTHING, few, (54, False, 2)),
        (ONE_TEST, many, (183, False, 4)),
    ):
        page = load_listing(large_hall_session, View(scope, filter, Presentation(page=99), large_hall[1]))
        assert (page.count, page.is_capped, page.pages) == expected
        assert page.view.presentation.page == page.pages


def test_for_nobody_no_page_is_asked_for(large_hall_session: Session, large_hall: LargeHall) -> None:
    with statements(large_hall[0]) as made:
        page = load_listing(
            large_hall_session, View(EVERYTHING, parsed([("q", "zzzz")]), Presentation(), large_hall[1])
        )
    counted, asking = made
    assert (page.count, list(page.rows)) == (0, [])
    assert "count(" in counted
    assert "FROM help_request" in asking  # the badge counts those who are not in the list too
