"""What the databases do for a list at size: indexes are used where the design counts on them.

In a test's scope PostgreSQL reads no table from end to end. Over all tests a count of what most candidates are has to
look at each of them; what few are, and every phrase of three letters or more, comes from an index. SQLite may read all
texts.
"""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.monitor.conftest import LargeHall
from webapp.access import AccessScope
from webapp.db.transactions import writing
from webapp.help_requests.queue import OPEN_REQUESTS, select_count_of_waiting
from webapp.logbook.append import SUBJECT_COLUMNS
from webapp.messaging.audience import Selection
from webapp.messaging.notices import OPEN_OF_SESSION
from webapp.models import Candidacy, Role, SessionClaims, User
from webapp.monitor.columns import Presentation
from webapp.monitor.filters import CHOICES, Filter, parse_filter
from webapp.monitor.listing import MAX_COUNT, ROWS_PER_PAGE
from webapp.monitor.query import select_candidacies
from webapp.monitor.times import ROLLING, TIME_FIELDS, TIMES

pytestmark = [pytest.mark.xdist_group("large hall plans"), pytest.mark.thorough]  # one worker makes it, not each
SIZE, TESTS = 20_000, 40
EVERYTHING = AccessScope(everything=True, roles={}, rooms={})
ONE_TEST = AccessScope(everything=False, roles={7: Role.CHIEF_INVIGILATOR}, rooms={})
FILTERS_TO_PLAN = [
    ("q", "lindström"),
    ("q", "n"),
    ("test", "7"),
    ("room", "Sal H150"),
    ("group", "Group 07"),
    *((name, value) for name, choice in CHOICES.items() for value in choice.values),
    *((f"{name}_within", "1h") for name in ("seen", "started", "saved", "submitted", "test_start", "test_end")),
    *((name, "1h") for name in ROLLING),
]
INDEXED_FILTERS = [
    ("q", "lindström"),
    ("q", "sal h15"),
    ("q", "107123"),
    ("room", "Sal H150"),
    ("group", "Group 07"),
    ("test", "7"),
    *(("progress", value) for value in CHOICES["progress"].values if value != "in_progress"),  # most are
    ("flag", "yes"),
    *(("attendance", value) for value in CHOICES["attendance"].values),
    ("started_within", "5m"),
    ("submitted_within", "5m"),
]
READ_WHOLE = re.compile(r"Seq Scan on (?:public\.)?(candidacy|answer|user_account|delivery)\b")


def test_each_filter_is_planned() -> None:
    """Fixed values are by themselves; a text or a moment has to be added to `FILTERS_TO_PLAN`."""
    names = {name for name, _ in FILTERS_TO_PLAN}
    assert names >= {"q", *CHOICES}
    assert {TIMES[name] for name in names & TIMES.keys()} == {*TIME_FIELDS, *ROLLING.values()}


def plan(session: Session, query: Select[Any]) -> str:
    """How the database would answer."""
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    made = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    rows = session.connection().exec_driver_sql(f"{'EXPLAIN' if on_postgresql else 'EXPLAIN QUERY PLAN'} {made}")
    return "\n".join(str(row[-1]) for row in rows)


def statements(scope: AccessScope, pair: tuple[str, str], now: datetime) -> tuple[Select[Any], Select[Any]]:
    """What a list asks: how many match, and the first page by name."""
    matches = select_candidacies(scope, parse_filter(MultiDict([pair]), ZoneInfo("UTC")), now)
    limited = matches if scope is ONE_TEST else matches.limit(MAX_COUNT + 1)
    page = matches.order_by(*Presentation().order()).limit(ROWS_PER_PAGE)
    return select(func.count()).select_from(limited.subquery()), page


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("pair", FILTERS_TO_PLAN, ids=str)
def test_in_a_test_no_table_is_read_whole(
    large_hall_session: Session, large_hall: LargeHall, pair: tuple[str, str]
) -> None:
    for statement in statements(ONE_TEST, pair, large_hall[1]):
        chosen = plan(large_hall_session, statement)
        assert not READ_WHOLE.search(chosen), chosen


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("pair", [("group", "Group 07"), ("room", "Sal H150")], ids=str)
def test_whom_a_sending_is_for_is_looked_up(
    large_hall_session: Session, large_hall: LargeHall, pair: tuple[str, str]
) -> None:
    """With name and title, as the log notes them; as many as a sending may reach, of all that there are."""
    matches = select_candidacies(ONE_TEST, parse_filter(MultiDict([pair]), ZoneInfo("UTC")), large_hall[1])
    noted = matches.join(User, User.id == Candidacy.user_id)
    chosen = plan(large_hall_session, noted.with_only_columns(*SUBJECT_COLUMNS, maintain_column_froms=True))
    assert not READ_WHOLE.search(chosen), chosen


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("way", ["listed", "frozen"])
def test_of_many_who_are_picked_none_is_compared_with_all(
    large_hall_session: Session, large_hall: LargeHall, way: str
) -> None:
    """A thousand of a test's candidacies would be a million comparisons."""
    ids = large_hall_session.scalars(select(Candidacy.id).where(Candidacy.test_id == 7).limit(1000)).all()
    selection = Selection(Filter(), **{way: tuple(ids)})
    chosen = plan(large_hall_session, selection.query(ONE_TEST, large_hall[1]))
    assert "ANY" not in chosen, chosen
    assert not READ_WHOLE.search(chosen), chosen


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("pair", INDEXED_FILTERS, ids=str)
def test_over_all_tests_the_same_for_what_an_index_knows(
    large_hall_session: Session, large_hall: LargeHall, pair: tuple[str, str]
) -> None:
    for statement in statements(EVERYTHING, pair, large_hall[1]):
        chosen = plan(large_hall_session, statement)
        assert not READ_WHOLE.search(chosen), chosen


@pytest.mark.only_on("postgresql")
def test_a_phrase_is_looked_up_by_its_trigrams(large_hall_session: Session, large_hall: LargeHall) -> None:
    how_many, _page = statements(EVERYTHING, ("q", "lindström"), large_hall[1])
    assert "ix_candidacy_search_text" in plan(large_hall_session, how_many)


@pytest.mark.one_database("postgresql")
@pytest.mark.parametrize("scope", [EVERYTHING, ONE_TEST], ids=["all tests", "a test"])
def test_what_happens_is_counted_without_names(
    large_hall_session: Session, large_hall: LargeHall, scope: AccessScope
) -> None:
    """Nothing is joined to the candidacies but the test."""
    for pair in (("status", "online"), ("progress", "paused"), ("warning", "offline"), ("saved_within", "1h")):
        chosen = plan(large_hall_session, statements(scope, pair, large_hall[1])[0])
        assert "user_account" not in chosen, chosen


@pytest.mark.one_database("postgresql")
def test_a_page_of_many_comes_from_an_index_of_names(large_hall_session: Session, large_hall: LargeHall) -> None:
    """They are not sorted first."""
    for scope, index in ((EVERYTHING, "ix_candidacy_sort_name"), (ONE_TEST, "ix_candidacy_test_id_sort_name")):
        for pair in (("progress", "in_progress"), ("status", "online"), ("flag", "no")):
            chosen = plan(large_hall_session, statements(scope, pair, large_hall[1])[1])
            assert index in chosen, chosen


def test_who_asks_for_help_is_looked_up_from_the_requests(large_hall_session: Session, large_hall: LargeHall) -> None:
    """Each refresh of a monitor asks for it: not by a look at each candidacy, all over the place or in a test."""
    for query in (OPEN_REQUESTS, select_count_of_waiting(EVERYTHING), select_count_of_waiting(ONE_TEST)):
        chosen = plan(large_hall_session, query)
        assert not re.search(r"(SCAN|Seq Scan on) candidacy|ix_candidacy", chosen), chosen


@pytest.mark.only_on("postgresql")
def test_what_streams_begin_with_is_looked_up(large_hall_session: Session, large_hall: LargeHall) -> None:
    """Where 20,000 people have three messages each."""
    with contextlib.suppress(ZeroDivisionError), writing(large_hall_session):
        large_hall_session.execute(
            text("INSERT INTO delivery (user_id, message_id) SELECT id, n FROM user_account, generate_series(1, 3) n")
        )
        large_hall_session.execute(text("ANALYZE delivery"))
        chosen = plan(large_hall_session, OPEN_OF_SESSION.params(SessionClaims(7, 0, "s").parameters))
        assert not READ_WHOLE.search(chosen), chosen
        assert "Index Scan using pk_user_account" in chosen, chosen
        assert "pk_delivery" in chosen, chosen
        raise ZeroDivisionError  # takes the messages back
