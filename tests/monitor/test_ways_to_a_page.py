"""However a page is found, it is the same: few matches are sorted, many are met on a walk along the names (R17)."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.monitor.conftest import Nation
from webapp.access import AccessScope
from webapp.models import Candidacy, Role
from webapp.monitor.columns import BY_KEY
from webapp.monitor.filters import FIXED_VALUES, Filter, parse_filter
from webapp.monitor.finding import COUNT_KEPT_FOR, FEW, ROWS_PER_PAGE, Found, Size, find, ordered, pages_of
from webapp.monitor.presentation import Presentation
from webapp.monitor.query import in_general, matching_alone, select_candidacies, walking

pytestmark = pytest.mark.xdist_group("nation ways_to_a_page")  # one worker makes it, not each
SIZE, TESTS = 3000, 6
HOUR = timedelta(hours=1)
EVERYTHING = AccessScope(everything=True, roles={}, rooms={})
A_TEST = AccessScope(everything=False, roles={1: Role.CHIEF_INVIGILATOR}, rooms={})
A_ROOM = AccessScope(everything=False, roles={1: Role.INVIGILATOR, 2: Role.INVIGILATOR}, rooms={1: "Sal B110"})
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
    [("q", "a1")],
    [("seen_within", "5m")],
    [("seen_within", "2h")],
    [("seen_within", "1m"), ("seen_within", "1d")],
    [("started_after", "2026-01-01T00:00")],
    [("started_after", "2999-01-01T00:00")],
    [("started_before", "2026-01-01T00:00"), ("started_before", "2999-01-01T00:00")],
    [("test_start_within", "today"), ("flag", "no")],
    [("submitted_within", "1h"), ("attendance", "unset")],
    *([(name, value)] for name, values in FIXED_VALUES.items() for value in values),
]


def asked(pairs: list[tuple[str, str]]) -> Filter:
    return parse_filter(MultiDict(pairs), ZoneInfo("UTC"))


@pytest.mark.parametrize("within", REACHES.values(), ids=REACHES)
def test_r17_the_three_ways_to_ask_match_the_same_candidacies(
    nations_session: Session, nation: Nation, within: AccessScope
) -> None:
    """With all tables, with those only that the filter asks about, and wrapped for the walk."""
    met = set()
    for pairs in FILTERS:
        ways = [
            set(nations_session.scalars(way(within, asked(pairs), nation[1])))
            for way in (select_candidacies, matching_alone, walking)
        ]
        assert ways[0] == ways[1] == ways[2], pairs
        met |= ways[0]
    assert met == set(nations_session.scalars(select(Candidacy.id).where(within.condition()))) != set()


EVERY_WAY = [(most, last) for most in (10_000, 0) for last in (None, 1, 10_001)]
"""Sorted from all or met on a walk; with nothing known before, or few or many a while ago."""


def found(session: Session, within: AccessScope, filter: Filter, shown: Presentation, nation: Nation) -> Found:  # noqa: A002
    """A page, the same whichever way it is found."""
    now = nation[1]
    ways = [
        find(session.connection(), within, filter, shown, now, sorted_up_to=most, last=last and Size(last, now - HOUR))
        for most, last in EVERY_WAY
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
        in_order = ordered(select_candidacies(A_TEST, Filter(), nation[1]), shown, nation[1])
        first = (page.page - 1) * ROWS_PER_PAGE
        assert list(page.ids) == list(nations_session.scalars(in_order.limit(ROWS_PER_PAGE).offset(first)))


@pytest.mark.parametrize("pairs", FILTERS, ids=str)
def test_the_same_for_each_filter(nations_session: Session, nation: Nation, pairs: list[tuple[str, str]]) -> None:
    for within in (EVERYTHING, A_TEST):
        shown = Presentation(sort="-name")
        page = found(nations_session, within, asked(pairs), shown, nation)
        assert page.count == len(set(nations_session.scalars(select_candidacies(within, asked(pairs), nation[1]))))
        for most in (page.count, page.count - 1):  # all that are still sorted, and one too many
            edge = find(nations_session.connection(), within, asked(pairs), shown, nation[1], sorted_up_to=most)
            assert (edge.count, *edge.ids) == (page.count, *page.ids)


def test_phrases_and_times_of_one_kind_are_asked_by_one_statement() -> None:
    """Who types asks at every letter; what differs is said when the statement runs."""
    pairs = [("q", "lind"), ("seen_within", "5m"), ("started_after", "2026-01-01T00:00")]
    others = [("q", "ström"), ("seen_within", "today"), ("started_after", "2026-02-03T04:05")]
    assert in_general(asked(pairs)) == in_general(asked(others))
    assert in_general(asked([("q", "å")])) != in_general(asked([("q", "ström")]))  # has no trigram
    assert in_general(asked([("group", "Group 01")])) != in_general(asked([("group", "Group 02")]))


def seen_last(
    nation: Nation, within: AccessScope, count: int, ago: timedelta, session: Session, page: int = 1
) -> Found:
    """A page of everybody within reach, who were so many so long ago."""
    now = nation[1]
    shown = Presentation(page=page)
    return find(session.connection(), within, Filter(), shown, now, last=Size(count, now - ago))


def test_very_many_over_all_tests_are_not_counted_again_for_some_seconds(
    nations_session: Session, nation: Nation
) -> None:
    many, lately = FEW + 1, COUNT_KEPT_FOR / 2
    kept = seen_last(nation, EVERYTHING, many, lately, nations_session)
    assert kept.size == Size(many, nation[1] - lately)
    assert kept.ids == find(nations_session.connection(), EVERYTHING, Filter(), Presentation(), nation[1]).ids
    for within, count, ago, page in (
        (EVERYTHING, many, COUNT_KEPT_FOR, 1),
        (EVERYTHING, many, -lately, 1),  # the clock was set back
        (EVERYTHING, FEW, lately, 1),
        (EVERYTHING, many, lately, 10**9),  # its last page is not there any more
        (A_TEST, many, lately, 1),
    ):
        found = seen_last(nation, within, count, ago, nations_session, page)
        true = nations_session.scalar(select(func.count()).select_from(Candidacy).where(within.condition()))
        assert (found.count, found.size.at, found.page) == (true, nation[1], min(page, pages_of(found.count)))
        assert found.ids
