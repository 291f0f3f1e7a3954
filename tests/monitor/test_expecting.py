"""PostgreSQL's guess chooses the way to a page that nobody asked for lately; what is told is counted all the same."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.monitor.conftest import Nation
from tests.statements import statements
from webapp.access import AccessScope
from webapp.db.engine import EXPLAINED
from webapp.monitor import finding
from webapp.monitor.expecting import expected_count
from webapp.monitor.filters import parse_filter
from webapp.monitor.finding import Size, Statements, find
from webapp.monitor.presentation import Presentation
from webapp.monitor.query import in_general, parameters, select_candidacies

pytestmark = pytest.mark.xdist_group("nation expecting")  # one worker makes it, not each
SIZE, TESTS = 4000, 8
EVERYTHING = AccessScope(everything=True, roles={}, rooms={})
PARALLEL_AT_ANY_SIZE = (
    "SET min_parallel_table_scan_size = 0",
    "SET min_parallel_index_scan_size = 0",
    "SET parallel_setup_cost = 0",
    "SET parallel_tuple_cost = 0",
)
PAIRS = [[], [("q", "campus n")], [("flag", "no")], [("saved_within", "1h")]]


def counting(pairs: list[tuple[str, str]]) -> Select[int]:
    asked = parse_filter(MultiDict(pairs), ZoneInfo("UTC"))
    return Statements(EVERYTHING, in_general(asked), "name").number_looked_up


def first_look(session: Session, nation: Nation, pairs: list[tuple[str, str]], sorted_up_to: int) -> int:
    """How many somebody is told who asks for this for the first time."""
    asked = parse_filter(MultiDict(pairs), ZoneInfo("UTC"))
    return find(session.connection(), EVERYTHING, asked, Presentation(), nation[1], sorted_up_to=sorted_up_to).count


@pytest.mark.parametrize("pairs", PAIRS, ids=str)
def test_what_is_expected_is_near_whoever_shares_the_work(
    nations_session: Session, nation: Nation, pairs: list[tuple[str, str]]
) -> None:
    asked, now = parse_filter(MultiDict(pairs), ZoneInfo("UTC")), nation[1]
    said = parameters(asked, now)
    if nations_session.get_bind().dialect.name == "sqlite":
        assert expected_count(nations_session.connection(), counting(pairs), said) is None
        return
    there = (
        nations_session.scalar(select(func.count()).select_from(select_candidacies(EVERYTHING, asked, now).subquery()))
        or 0
    )
    assert there > 500
    for setting in PARALLEL_AT_ANY_SIZE:
        nations_session.execute(text(setting))
    for workers in (0, 1, 2, 4):
        nations_session.execute(text(f"SET max_parallel_workers_per_gather = {workers}"))
        plan = nations_session.scalar(counting(pairs).execution_options(**{EXPLAINED: True}), said)
        assert ("Workers Planned" in str(plan)) is bool(workers)
        expected = expected_count(nations_session.connection(), counting(pairs), said)
        assert expected == pytest.approx(there, rel=0.2)


@pytest.mark.only_on("postgresql")
def test_a_first_look_at_many_counts_them_and_does_not_collect_them(nations_session: Session, nation: Nation) -> None:
    with statements(nation[0]) as made:
        assert first_look(nations_session, nation, [], sorted_up_to=100) == SIZE
        assert not [one for one in made if "array_agg" in one]
        assert first_look(nations_session, nation, [("q", "zzzz")], sorted_up_to=100) == 0
        assert [one for one in made if "array_agg" in one]


@pytest.mark.only_on("postgresql")
def test_a_phrase_is_looked_up_unless_very_many_are_expected_to_have_it(
    nations_session: Session, nation: Nation, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for looked_up in (SIZE, 100):
        monkeypatch.setattr(finding, "LOOKED_UP", looked_up)
        with statements(nation[0]) as made:
            told.append(first_look(nations_session, nation, [("q", "campus n")], sorted_up_to=10))
        _plan, counted, *_page = made
        assert ("LIKE" in counted, "strpos" in counted) == (looked_up == SIZE, looked_up != SIZE)
    assert told[0] == told[1] > 500


@pytest.mark.parametrize("wrong", [1, 10, 100_000])
def test_however_wrong_the_guess_is_the_page_is_the_same(
    nations_session: Session, nation: Nation, monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    for pairs in (*PAIRS, [("q", "zzzz")], [("group", "Group 07")]):
        asked = parse_filter(MultiDict(pairs), ZoneInfo("UTC"))
        pages = [find(nations_session.connection(), EVERYTHING, asked, Presentation(), nation[1], sorted_up_to=300)]
        with monkeypatch.context() as guessing:
            guessing.setattr(finding, "expected_count", lambda *_: wrong)
            pages.append(
                find(nations_session.connection(), EVERYTHING, asked, Presentation(), nation[1], sorted_up_to=300)
            )
        assert (pages[0].count, *pages[0].ids) == (pages[1].count, *pages[1].ids)


def test_nobody_is_not_walked_after(nations_session: Session, nation: Nation) -> None:
    """A walk that meets nobody passes all of half a million: seconds."""
    asked, now = parse_filter(MultiDict([("q", "zzzz")]), ZoneInfo("UTC")), nation[1]
    with statements(nation[0]) as made:
        page = find(nations_session.connection(), EVERYTHING, asked, Presentation(), now, last=Size(0, now))
    assert (page.count, list(page.ids), len(made)) == (0, [], 1)
