"""Who has been offline for over three minutes, for devices that make a sound then (R6, R17, R27)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.hall import Hall, signed_in
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.help_requests import queue
from webapp.models import HelpRequest, Role, Test

LONG, SHORT = timedelta(minutes=3, seconds=5), timedelta(minutes=2, seconds=55)


@pytest.fixture
def test(hall: Hall) -> Test:
    return hall.test()


def told(client: FlaskClient, **query: Any) -> list[str]:
    """Whom the device hears of."""
    answer = client.get("/monitor/alerts", query_string=query)
    assert answer.status_code == 200, answer.text
    return [one["candidate"] for one in answer.json or []]


def away(hall: Hall, test: Test, name: str, ago: timedelta, **fields: object) -> None:
    one = hall.candidacy(test, hall.person(name), number=f"{name}1", **fields)
    hall.seen(one.user_id, ago)


def test_whoever_is_offline_for_over_three_minutes_the_last_first(app: Flask, hall: Hall, test: Test) -> None:
    away(hall, test, "Ada", LONG, seat="24F")
    away(hall, test, "Bob", LONG - timedelta(seconds=1))
    away(hall, test, "Cy", SHORT)
    away(hall, test, "Dan", LONG, submitted_at=utcnow())
    away(hall, test, "Eve", LONG, paused_at=utcnow())
    away(hall, test, "Flo", LONG, started_at=None)
    client = signed_in(app, hall.contributor(test))
    assert told(client) == ["Bob (Bob1)", "Ada (Ada1, seat 24F)"]


def test_r31_whoever_asks_for_help_until_somebody_goes(app: Flask, hall: Hall, test: Test) -> None:
    """The newest first, before those who are offline; and each request has a name of its own."""
    away(hall, test, "Ada", LONG)
    bo, cy = (hall.candidacy(test, hall.person(name), number=f"{name}1", room=name) for name in ("Bo", "Cy"))
    with writing(hall.session):
        hall.session.add_all(HelpRequest(candidacy_id=one.id, kind="other", asked_at=utcnow()) for one in (bo, cy))
    user = hall.contributor(test)
    client = signed_in(app, user)
    assert told(client) == ["Cy (Cy1)", "Bo (Bo1)", "Ada (Ada1)"]
    assert told(client, room="Bo") == ["Bo (Bo1)"]
    assert told(signed_in(app, hall.contributor(test, room="Cy"))) == ["Cy (Cy1)"]
    answer = client.get("/monitor/alerts").json
    assert [(one["absence"], one["asks_for_help"]) for one in answer][:2] == [("help-2", True), ("help-1", True)]
    queue.claim(hall.session, user, 2, now=utcnow())
    assert told(client) == ["Bo (Bo1)", "Ada (Ada1)"]


def test_each_absence_has_a_name_of_its_own(app: Flask, hall: Hall, test: Test) -> None:
    """So that a device tells of each once, also after the page was loaded again."""
    away(hall, test, "Ada", LONG)
    client = signed_in(app, hall.contributor(test))

    def absences() -> list[str]:
        return [one["absence"] for one in client.get("/monitor/alerts").json or []]

    first = absences()
    assert absences() == first
    user_id = hall.candidacy(test, hall.person("Bob")).user_id
    hall.seen(user_id, LONG)
    assert absences()[1:] == first
    hall.seen(user_id, LONG * 2)
    assert len({*absences(), *first}) == 2


def test_r6_nobody_hears_of_people_out_of_sight(app: Flask, hall: Hall, test: Test) -> None:
    away(hall, test, "Ada", LONG, room="Aula")
    away(hall, test, "Bob", LONG, room="Annex")
    away(hall, hall.test("Law"), "Cy", LONG)
    assert told(signed_in(app, hall.contributor(test, room="Aula"))) == ["Ada (Ada1)"]
    assert told(signed_in(app, hall.contributor(test)), room="Annex") == ["Bob (Bob1)"]
    assert len(told(signed_in(app, hall.contributor(test, role=Role.PLANNER)))) == 2


def test_r6_unknown_filters_are_refused(app: Flask, hall: Hall, test: Test) -> None:
    hall.candidacy(test)
    client = signed_in(app, hall.contributor(test))
    for query in ("room=Nowhere", "colour=red", "test=99"):
        assert client.get(f"/monitor/alerts?{query}").status_code == 400, query


@pytest.mark.one_database
def test_no_more_than_fifty_are_named(app: Flask, hall: Hall, test: Test) -> None:
    for one in hall.candidacies(test, 51):
        hall.seen(one.user_id, LONG)
    assert len(told(signed_in(app, hall.contributor(test)))) == 50
