"""The order of the list, by each column and both ways."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from tests.hall import Hall, signed_in
from tests.monitor.test_page import HTMX, got, rows_of
from tests.monitor.watched import Watched
from tests.nightly import at_night
from webapp.clock import utcnow
from webapp.monitor.columns import COLUMNS

ALL = [column.key for column in COLUMNS]


@pytest.mark.parametrize("columns", [["room"], *at_night(ALL)], ids=["room", "all"])
def test_sorted_both_ways_each_row_is_on_one_page(watched: Watched, columns: list[str]) -> None:
    """Equal values stay in one order, so no row is on two pages or on none."""
    for sort in (f"{sign}{column}" for column in columns for sign in ("", "-")):
        pages = [got(watched.client, f"/monitor?sort={sort}&column=name&page={place}", **HTMX) for place in (1, 2, 3)]
        shown = [number for page in pages for number in rows_of(page)]
        assert len(shown) == len(set(shown)) == 120, sort


@pytest.mark.thorough
@pytest.mark.one_database
def test_every_column_says_which_way_it_is_sorted(app: Flask, hall: Hall) -> None:
    test = hall.test()
    both = {one.id for one in hall.candidacies(test, 2)}
    client = signed_in(app, hall.contributor(test))
    for column in ALL:
        for sort, direction in ((column, "ascending"), (f"-{column}", "descending")):
            page = got(client, f"/monitor?sort={sort}&column={column}", **HTMX)
            assert re.search(rf'data-column="{column}" aria-sort="{direction}"', page)
            assert set(rows_of(page)) == both, sort


def test_sorting_by_value_with_what_is_missing_last(app: Flask, hall: Hall) -> None:
    now, test = utcnow(), hall.test()
    late = hall.candidacy(test, hall.person(name="b"), saved_at=now, seat="10A")
    early = hall.candidacy(test, hall.person(name="C"), saved_at=now - timedelta(hours=1), seat="2A")
    never = hall.candidacy(test, hall.person(name="A"), seat="")
    client = signed_in(app, hall.contributor(test))
    orders = {"saved": [early, late, never], "-saved": [late, early, never], "name": [never, late, early],
              "-name": [early, late, never], "seat": [never, early, late]}  # fmt: skip
    for sort, expected in orders.items():
        assert rows_of(got(client, f"/monitor?sort={sort}")) == [one.id for one in expected], sort


def test_sorting_by_progress_warnings_and_time_left(app: Flask, hall: Hall) -> None:
    now, test = utcnow(), hall.test()
    quiet = hall.candidacy(test, saved_at=now, extra_minutes=30)
    hall.seen(quiet.user_id)
    away = hall.candidacy(test, saved_at=now)
    done = hall.candidacy(test, submitted_at=now)
    client = signed_in(app, hall.contributor(test))
    assert rows_of(got(client, "/monitor?sort=-warnings"))[0] == away.id
    assert rows_of(got(client, "/monitor?sort=remaining")) == [away.id, quiet.id, done.id]
    assert rows_of(got(client, "/monitor?sort=-progress"))[0] == done.id
    assert rows_of(got(client, "/monitor?sort=submission"))[0] == done.id
    assert rows_of(got(client, "/monitor?sort=status"))[0] == quiet.id
