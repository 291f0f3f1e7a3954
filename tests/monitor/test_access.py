"""Who gets into the monitor, and what the others read (R6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.hall import Hall, signed_in
from tests.monitor.test_page import HTMX, count_of, got, rows_of
from webapp.clock import utcnow
from webapp.models import Role

ADDRESSES = ["/monitor", "/monitor.csv"]


@pytest.mark.one_database
def test_nobody_signed_in(client: FlaskClient) -> None:
    for address in ADDRESSES:
        answer = client.get(address)
        assert answer.status_code == 302
        assert "/login" in answer.location
        assert client.get(address, headers={"HX-Request": "true"}).status_code == 401


def test_candidates_and_strangers_do_not_get_in(app: Flask, hall: Hall) -> None:
    candidate = hall.candidacy(hall.test())
    stranger = hall.person()
    for user_id in (candidate.user_id, stranger.id):
        client = signed_in(app, hall.session.get_one(type(stranger), user_id))
        for address in ADDRESSES:
            answer = client.get(address)
            assert answer.status_code == 403, address
            assert "data-candidacy" not in answer.text


@pytest.mark.one_database
def test_other_verbs(app: Flask, hall: Hall) -> None:
    client = signed_in(app, hall.contributor(hall.test()))
    for address in ADDRESSES:
        for verb in ("post", "put", "delete", "patch"):
            assert getattr(client, verb)(address).status_code in {400, 405}, (verb, address)


def test_before_the_window_the_page_says_when_it_opens(app: Flask, hall: Hall) -> None:
    start = utcnow() + timedelta(days=2)
    later, sooner = hall.test("Later", starts_at=start + timedelta(days=1)), hall.test("Sooner", starts_at=start)
    client = signed_in(app, hall.contributor(later, sooner))
    for address in ADDRESSES:
        answer = client.get(address)
        assert answer.status_code == 403, address
        assert "60 minutes before" in answer.text
        assert "“Sooner” opens at <time" in answer.text
        assert (start - timedelta(minutes=60)).isoformat(timespec="seconds") in answer.text


def test_after_closing_there_is_nothing_ahead(app: Flask, hall: Hall) -> None:
    answer = signed_in(app, hall.contributor(hall.test(closed_at=utcnow()))).get("/monitor")
    assert answer.status_code == 403
    assert "No further test is planned for you" in answer.text
    assert "<h1>" in answer.text


def test_each_sees_their_own(app: Flask, hall: Hall) -> None:
    """R6: whole tests, one room, planners of tests to come if they ask for them, administrators everything."""
    algebra, biology = hall.test("Algebra"), hall.test("Biology")
    ahead = hall.test("Ahead", starts_at=utcnow() + timedelta(days=30))
    ids = {
        "big": hall.candidacy(algebra, room="Aula Magna").id,
        "small": hall.candidacy(algebra, room="Aula magna").id,
        "biology": hall.candidacy(biology, room="Aula magna").id,
        "ahead": hall.candidacy(ahead).id,
    }
    planner = hall.contributor(ahead, role=Role.PLANNER)
    people = {
        hall.contributor(algebra): {"big", "small"},
        hall.contributor(algebra, room="Aula magna"): {"small"},
        hall.contributor(algebra, room="AULA MAGNA"): set(),
        planner: set(),
        hall.person(is_admin=True): {"big", "small", "biology"},
    }
    both = hall.contributor(algebra, room="Aula Magna")
    people[hall.contributor(biology, role=Role.CHIEF_INVIGILATOR, user=both)] = {"big", "biology"}
    for person, names in people.items():
        page = got(signed_in(app, person), "/monitor", **HTMX)
        assert set(rows_of(page)) == {ids[name] for name in names}
        assert count_of(page) == len(names)
    assert set(rows_of(got(signed_in(app, planner), f"/monitor?test={ahead.id}"))) == {ids["ahead"]}
