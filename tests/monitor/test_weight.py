"""What a browser loads to show the monitor, and that it loads nothing twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.assets import file_at, loaded, weights
from tests.bench.large_hall import name_of
from tests.hall import Hall, signed_in
from tests.monitor.test_page import got, rows_of
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Role, User

pytestmark = pytest.mark.one_database

MOST = 250_000
"""Bytes, not compressed, of the page and all that it loads at once, without the font."""
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def chief(app: Flask, hall: Hall) -> FlaskClient:
    """Of a test of 60 with names as people have them, half an hour after the start, in rooms and seats."""
    test, seen = hall.test(), utcnow() - HALF_AN_HOUR
    made = hall.candidacies(test, 60, entered_at=seen, last_seen=seen, saved_at=seen)
    with writing(hall.session):
        for place, candidacy in enumerate(made):
            seat = f"{place}{'ABCDEF'[place % 6]}"
            there = {"room": f"Sal B{200 + place % 9}", "seat": seat, "flagged": place % 5 == 0}
            hall.session.execute(update(Candidacy).where(Candidacy.id == candidacy.id).values(**there))
            hall.session.execute(update(User).where(User.id == candidacy.user_id).values(name=name_of(place + 1)))
    return signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))


def test_the_monitor_and_all_that_it_loads_is_light(chief: FlaskClient) -> None:
    """With 50 rows. What is loaded when it is first used does not count."""
    page = got(chief, "/monitor")
    assert len(rows_of(page)) == 50
    found = weights(page)
    assert sum(found.values()) <= MOST, (sum(found.values()), found)


@pytest.mark.thorough
@pytest.mark.parametrize("path", ["/monitor", "/monitor/plan", "/log", "/messages/new?scope=filtered"])
def test_no_script_runs_twice(chief: FlaskClient, path: str) -> None:
    """A browser runs a script once for each address: it has the same in the page and where another imports it."""
    files = [file_at(address) for address in loaded(got(chief, path)) if ".js" in address]
    assert [file for file in set(files) if files.count(file) > 1] == []
    assert files
