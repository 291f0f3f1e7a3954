"""What the databases do for a list at size: indexes are used where the design counts on them.

In a test's scope PostgreSQL reads no table from end to end. Over all tests a count of what most candidates are has to
look at each of them; what few are, and every phrase of three letters or more, comes from an index. SQLite may read all
texts.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Select, func, text
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.monitor.conftest import Nation
from webapp.access import AccessScope
from webapp.db.transactions import writing
from webapp.logbook.append import SUBJECT_COLUMNS
from webapp.messaging.inbox import OPEN_OF_EACH
from webapp.models import Role
from webapp.monitor.filters import FIXED_VALUES, parse_filter
from webapp.monitor.finding import FEW, ROWS_PER_PAGE, Statements, ordered
from webapp.monitor.presentation import Presentation
from webapp.monitor.query import in_general, matching_alone, parameters, walking

pytestmark = pytest.mark.xdist_group("nation plans")  # one worker makes it, not each
SIZE, TESTS = 60_000, 40
EVERYTHING = AccessScope(everything=True, roles={}, rooms={})
A_TEST = AccessScope(everything=False, roles={7: Role.CHIEF_INVIGILATOR}, rooms={})
EACH_FILTER = [
    ("q", "lindström"),
    ("q", "n"),
    ("room", "Sal H150"),
    ("group", "Group 07"),
    *((name, value) for name, values in FIXED_VALUES.items() for value in values),
    *((f"{name}_within", "1h") for name in ("seen", "started", "saved", "submitted", "test_start")),
]
FROM_AN_INDEX = [
    ("q", "lindström"),
    ("q", "sal h15"),
    ("q", "107123"),
    ("room", "Sal H150"),
    ("group", "Group 07"),
    ("test", "7"),
    *(("progress", value) for value in FIXED_VALUES["progress"] if value != "in_progress"),  # most are
    ("flag", "yes"),
    *(("attendance", value) for value in FIXED_VALUES["attendance"]),
    ("started_within", "5m"),
    ("submitted_within", "5m"),
]
READ_WHOLE = re.compile(r"Seq Scan on (?:public\.)?(candidacy|answer|user_account|delivery)\b")


def plan(session: Session, query: Select[Any]) -> str:
    """How the database would answer."""
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    made = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    rows = session.connection().exec_driver_sql(f"{'EXPLAIN' if on_postgresql else 'EXPLAIN QUERY PLAN'} {made}")
    return "\n".join(str(row[-1]) for row in rows)


def statements(within: AccessScope, pair: tuple[str, str], now: datetime) -> Iterator[Select[Any]]:
    """Who they are, how many, and the first by name; and the first two at once, as a page asks them."""
    asked = parse_filter(MultiDict([pair]), ZoneInfo("UTC"))
    yield matching_alone(within, asked, now)
    yield matching_alone(within, asked, now).with_only_columns(func.count(), maintain_column_froms=True)
    yield ordered(walking(within, asked, now), Presentation(), now).limit(ROWS_PER_PAGE)
    made = Statements(within, in_general(asked), "name")
    few = made.few if within is A_TEST else made.few_at_most
    yield few.params(**parameters(asked, now), most=FEW)


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("pair", EACH_FILTER, ids=str)
def test_in_a_test_no_table_is_read_whole(nations_session: Session, nation: Nation, pair: tuple[str, str]) -> None:
    for statement in statements(A_TEST, pair, nation[1]):
        chosen = plan(nations_session, statement)
        assert not READ_WHOLE.search(chosen), chosen


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("pair", [("group", "Group 07"), ("room", "Sal H150")], ids=str)
def test_whom_a_sending_is_for_is_looked_up(nations_session: Session, nation: Nation, pair: tuple[str, str]) -> None:
    """With name and title, as the log notes them; as many as a sending may reach, of all that there are."""
    asked = parse_filter(MultiDict([pair]), ZoneInfo("UTC"))
    noted = matching_alone(A_TEST, asked, nation[1], named=True).with_only_columns(
        *SUBJECT_COLUMNS, maintain_column_froms=True
    )
    chosen = plan(nations_session, noted)
    assert not READ_WHOLE.search(chosen), chosen


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("pair", FROM_AN_INDEX, ids=str)
def test_over_all_tests_the_same_for_what_an_index_knows(
    nations_session: Session, nation: Nation, pair: tuple[str, str]
) -> None:
    who, how_many, *_others, both = statements(EVERYTHING, pair, nation[1])
    for statement in (who, how_many, both):
        chosen = plan(nations_session, statement)
        assert not READ_WHOLE.search(chosen), chosen


@pytest.mark.only_on("postgresql")
def test_a_phrase_is_looked_up_by_its_trigrams(nations_session: Session, nation: Nation) -> None:
    who, how_many, *_others, both = statements(EVERYTHING, ("q", "lindström"), nation[1])
    for statement in (who, how_many, both):
        assert "ix_candidacy_search_text" in plan(nations_session, statement)


@pytest.mark.parametrize("within", [EVERYTHING, A_TEST], ids=["all tests", "a test"])
def test_what_happens_is_counted_without_names(nations_session: Session, nation: Nation, within: AccessScope) -> None:
    """Nothing is joined to the candidacies but the test."""
    for pair in (("status", "online"), ("progress", "paused"), ("warning", "offline"), ("saved_within", "1h")):
        chosen = plan(nations_session, list(statements(within, pair, nation[1]))[1])
        assert "user_account" not in chosen, chosen


def test_many_are_met_on_a_walk_along_the_names(nations_session: Session, nation: Nation) -> None:
    """Nothing is sorted, whatever was asked for."""
    for within, index in ((EVERYTHING, "ix_candidacy_sort_name"), (A_TEST, "ix_candidacy_test_id_sort_name")):
        for pair in (("progress", "in_progress"), ("status", "online"), ("flag", "no"), ("started_within", "1h")):
            chosen = plan(nations_session, list(statements(within, pair, nation[1]))[2])
            assert index in chosen, chosen


@pytest.mark.only_on("postgresql")
def test_what_streams_begin_with_is_looked_up(nations_session: Session, nation: Nation) -> None:
    """For each of those who open one: where 60,000 people have three messages each, and for one as for twelve."""
    with contextlib.suppress(ZeroDivisionError), writing(nations_session):
        nations_session.execute(
            text("INSERT INTO delivery (user_id, message_id) SELECT id, n FROM user_account, generate_series(1, 3) n")
        )
        nations_session.execute(text("ANALYZE delivery"))
        for many in (1, 12):
            kept = json.dumps([{"place": n, "user_id": n + 1, "epoch": 0, "session_id": "s"} for n in range(many)])
            chosen = plan(nations_session, OPEN_OF_EACH["postgresql"].params(kept=kept))
            assert not READ_WHOLE.search(chosen), chosen
            assert "Index Scan using pk_user_account" in chosen, chosen
            assert "pk_delivery" in chosen, chosen
        raise ZeroDivisionError  # takes the messages back
