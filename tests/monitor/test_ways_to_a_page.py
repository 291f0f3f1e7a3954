"""However a page is found, it is the same: few matches are sorted, many are met on a walk along the names (R17)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.monitor.conftest import Nation
from webapp.access import Reach
from webapp.models import Candidacy, Role, RosterEntry
from webapp.monitor.columns import BY_KEY
from webapp.monitor.filters import FIXED_VALUES, Filter, parse_filter
from webapp.monitor.finding import ROWS_PER_PAGE, Found, find, ordered, pages_of
from webapp.monitor.matching import matching, matching_alone, walking
from webapp.monitor.presentation import Presentation

pytestmark = pytest.mark.xdist_group("nation ways_to_a_page")  # one worker makes it, not each
SIZE, TESTS = 3000, 6
EVERYTHING = Reach(everything=True, roles={}, rooms={})
A_TEST = Reach(everything=False, roles={1: Role.CHIEF_INVIGILATOR}, rooms={})
A_ROOM = Reach(everything=False, roles={1: Role.INVIGILATOR, 2: Role.INVIGILATOR}, rooms={1: "Sal B110"})
REACHES = {"everything": EVERYTHING, "a test": A_TEST, "a room of one test and another test": A_ROOM}
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
    [("seen_within", "5m")],
    [("test_start_within", "today"), ("flag", "no")],
    [("submitted_within", "1h"), ("attendance", "unset")],
    *([(name, value)] for name, values in FIXED_VALUES.items() for value in values),
]


def asked(pairs: list[tuple[str, str]]) -> Filter:
    return parse_filter(MultiDict(pairs), ZoneInfo("UTC"))


@pytest.mark.parametrize("within", REACHES.values(), ids=REACHES)
def test_r17_the_three_ways_to_ask_match_the_same_candidacies(
    nations_session: Session, nation: Nation, within: Reach
) -> None:
    """With all tables, with those only that the filter asks about, and wrapped for the walk."""
    met = set()
    for pairs in FILTERS:
        ways = [
            set(nations_session.scalars(way(within, asked(pairs), nation[1])))
            for way in (matching, matching_alone, walking)
        ]
        assert ways[0] == ways[1] == ways[2], pairs
        met |= ways[0]
    assert met == set(nations_session.scalars(select(RosterEntry.id).where(within.condition()))) != set()


EVERY_WAY = [(most, expected) for most in (10_000, 0) for expected in (None, 1, 10_001)]
"""Sorted from all or met on a walk; with nothing known before, few expected, or many."""


def found(session: Session, within: Reach, filter: Filter, shown: Presentation, nation: Nation) -> Found:  # noqa: A002
    """A page, the same whichever way it is found."""
    now = nation[1]
    ways = [
        find(session.connection(), within, filter, shown, now, sorted_up_to=most, expected=expected)
        for most, expected in EVERY_WAY
    ]
    assert {(one.count, one.page, *one.ids) for one in ways} == {(ways[0].count, ways[0].page, *ways[0].ids)}
    return ways[0]


@pytest.mark.parametrize("sort", [f"{sign}{key}" for key in BY_KEY for sign in ("", "-")])
def test_found_and_sorted_or_met_on_a_walk_it_is_the_same_page(
    nations_session: Session, nation: Nation, sort: str
) -> None:
    everybody = nations_session.scalar(select(func.count()).where(Candidacy.test_id == 1))
    for number in (1, 2, 9, 999, 10**99):
        shown = Presentation(sort=sort, page=number)
        page = found(nations_session, A_TEST, Filter(), shown, nation)
        assert (page.count, page.page) == (everybody, min(number, pages_of(page.count)))
        in_order = ordered(matching(A_TEST, Filter(), nation[1]), shown, nation[1])
        first = (page.page - 1) * ROWS_PER_PAGE
        assert list(page.ids) == list(nations_session.scalars(in_order.limit(ROWS_PER_PAGE).offset(first)))


@pytest.mark.parametrize("pairs", FILTERS, ids=str)
def test_the_same_for_each_filter(nations_session: Session, nation: Nation, pairs: list[tuple[str, str]]) -> None:
    for within in (EVERYTHING, A_TEST):
        page = found(nations_session, within, asked(pairs), Presentation(sort="-name"), nation)
        assert page.count == len(set(nations_session.scalars(matching(within, asked(pairs), nation[1]))))
