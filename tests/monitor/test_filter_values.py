"""The menu of filters: the values of each field with the count that its list would have (R6, R17, R20)."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX
from tests.monitor.test_page import count_of, got
from tests.nightly import at_night
from tests.statements import statements
from webapp.clock import utcnow
from webapp.models import Attendance, Role
from webapp.monitor.filter_values import IN_MENU

OFFER = re.compile(
    r'<label class="tick"><input type="(?:checkbox|radio)" name="(?P<name>\w+)" value="(?P<value>[^"]*)"'
    r'(?P<ticked> checked)?> <bdi[^>]*>(?P<words>.*?)</bdi>(?: <span class="offer-count">(?P<count>[\d,]+)</span>)?'
)


def offered(client: FlaskClient, field: str, query: str = "") -> dict[str, int | None]:
    """Value → count, as the menu shows them."""
    page = got(client, f"/monitor/filters/{field}?{query}", **HTMX)
    assert "<html" not in page
    return {
        unescape(each["value"]): int(each["count"].replace(",", "")) if each["count"] else None
        for each in OFFER.finditer(page)
    }


@pytest.fixture
def chief(app: Flask, hall: Hall) -> FlaskClient:
    """Of two tests with candidates in many situations."""
    now = utcnow()
    first, second = hall.test("Algebra"), hall.test("Law", ends_at=now + timedelta(minutes=20))
    hall.candidacies(first, 3, room="Room 10", group_name="G1", last_seen=now, saved_at=now)
    hall.candidacies(first, 2, room="Room 2", flagged=True, extra_minutes=15, saved_at=now - timedelta(minutes=20))
    hall.candidacies(second, 2, room="<b>Aula</b> & more", attendance=Attendance.ABSENT, started_at=None)
    hall.candidacies(second, 1, room="", submitted_at=now, last_seen=now - timedelta(minutes=40))
    hall.candidacies(second, 1, room="Room 2", paused_at=now, group_name="G1", back_at=now - timedelta(minutes=1))
    return signed_in(app, hall.contributor(first, second, role=Role.CHIEF_INVIGILATOR))


@pytest.mark.thorough
@pytest.mark.parametrize(
    "others", ["group=G1&unseen=5m", *at_night("", "room=Room+2", "q=bulk&flag=no", "extra=no&room=Room+2")]
)
def test_r17_each_count_is_that_of_the_list_with_the_value(chief: FlaskClient, others: str) -> None:
    """And its own field does not count among the others."""
    compared = 0
    for field in IN_MENU:
        rest = "&".join(pair for pair in others.split("&") if not pair.startswith(f"{field}="))
        for value, count in offered(chief, field, others).items():
            page = chief.get(f"/monitor?{rest}&{urlencode({field: value})}&column=name", headers=HTMX)  # the list alone
            if value or field in {"room", "group"}:  # the blank of a span is no value
                assert count_of(page.text) == count, (field, value)
                compared += 1
    assert compared > 30


def test_rooms_are_in_natural_order_and_only_those_of_somebody(chief: FlaskClient) -> None:
    assert list(offered(chief, "room").items()) == [("", 1), ("<b>Aula</b> & more", 2), ("Room 2", 3), ("Room 10", 3)]
    assert offered(chief, "room", "flag=yes") == {"Room 2": 2}
    assert offered(chief, "room", "flag=yes&room=Room+10") == {"Room 2": 2, "Room 10": 0}
    assert "<b>Aula" not in got(chief, "/monitor/filters/room", **HTMX)


@pytest.mark.one_database
def test_one_statement_counts_them(app: Flask, chief: FlaskClient) -> None:
    """Besides those of every page of the list; tests have their titles read as well."""
    chief.get("/monitor.csv")
    with statements(app) as plain:
        chief.get("/monitor/filters/times", headers=HTMX)
    for field in IN_MENU:
        with statements(app) as made:
            chief.get(f"/monitor/filters/{field}", headers=HTMX)
        assert len(made) - len(plain) <= (1 if field not in {"test", "times"} else 2), field


def test_r6_nobody_else_is_counted(app: Flask, hall: Hall, chief: FlaskClient) -> None:
    algebra = hall.test("Geometry")
    hall.candidacies(algebra, 4, room="Aula")
    hall.candidacies(algebra, 5, room="Gym")
    limited = signed_in(app, hall.contributor(algebra, room="Aula"))
    assert offered(limited, "room") == {"Aula": 4}
    assert offered(limited, "flag") == {"yes": 0, "no": 4}
    assert set(offered(limited, "test").values()) == {4}
    assert "Gym" not in offered(chief, "room")


def test_a_test_that_is_not_open_is_offered_with_its_count(app: Flask, hall: Hall) -> None:
    """R26: to planners; choosing it here is how they see it."""
    now = utcnow()
    running, ahead = hall.test("Now"), hall.test("Ahead", starts_at=now + timedelta(days=3))
    hall.candidacies(running, 2)
    hall.candidacies(ahead, 3)
    planner = signed_in(app, hall.contributor(running, ahead, role=Role.PLANNER))
    assert offered(planner, "test") == {str(running.id): 2, str(ahead.id): 3}
    assert offered(planner, "room") == {"Room 1": 2}
    assert offered(planner, "room", f"test={ahead.id}") == {"Room 1": 3}


@pytest.mark.one_database
def test_over_many_tests_nothing_is_counted(app: Flask, hall: Hall) -> None:
    tests = [hall.test(f"Test {number}") for number in range(5)]
    hall.candidacies(tests[0], 2)
    chief = signed_in(app, hall.contributor(*tests))
    assert offered(chief, "room") == {"Room 1": None}
    assert set(offered(chief, "flag").values()) == {None}
    assert offered(chief, "room", f"test={tests[0].id}") == {"Room 1": 2}


@pytest.mark.one_database
def test_what_is_set_is_ticked_also_if_it_is_no_usual_value(chief: FlaskClient) -> None:
    page = got(chief, "/monitor/filters/unseen?unseen=7m", **HTMX)
    assert [each["value"] for each in OFFER.finditer(page) if each["ticked"]] == ["7m"]
    times = got(chief, "/monitor/filters/times?seen_within=7m&saved_after=2026-11-01T10:00", **HTMX)
    assert '<option value="7m" selected>' in times
    assert 'name="saved_after" value="2026-11-01T10:00"' in times


@pytest.mark.one_database
def test_without_scripts_it_is_a_form_that_keeps_the_rest(chief: FlaskClient) -> None:
    """R20."""
    page = got(chief, "/monitor/filters/room?room=Room+2&flag=no&q=bulk&sort=-name&column=name&page=2")
    kept = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    assert [pair for pair in kept if pair[0] not in {"csrf_token", "person"}] == [
        ("q", "bulk"), ("flag", "no"), ("sort", "-name"), ("column", "name"),
    ]  # fmt: skip
    assert set(OFFER.findall(page)) == set(
        OFFER.findall(got(chief, "/monitor/filters/room?room=Room+2&flag=no&q=bulk", **HTMX))
    )
    times = got(chief, "/monitor/filters/times?seen_within=5m&unseen=5m")
    assert '<input type="hidden" name="unseen" value="5m">' in times
    assert '<input type="hidden" name="seen_within"' not in times


@pytest.mark.one_database
def test_what_is_not_known_is_refused(chief: FlaskClient) -> None:
    for headers in ({}, HTMX):
        for field in ("q", "seat", "seen", "nonsense", "%00"):
            assert chief.get(f"/monitor/filters/{field}", headers=headers).status_code == 404, field
        for query in ("nonsense=1", "room=Nowhere", "flag=maybe", "unseen=5", "view=1", "q=%00"):
            assert chief.get(f"/monitor/filters/room?{query}", headers=headers).status_code == 400, query
