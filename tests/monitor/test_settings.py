"""Order, columns and density are remembered per person, and addresses still show everybody the same (R18)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.hall import signed_in
from tests.messaging.compose_form import HTMX, csrf
from tests.monitor.test_addresses import query_told
from tests.monitor.test_page import got, rows_of
from tests.monitor.watched import Watched
from webapp.db.transactions import writing
from webapp.models import User

pytestmark = pytest.mark.one_database


def remember(client: FlaskClient, headers: dict[str, str] | None = None, **fields: str | list[str]) -> TestResponse:
    return client.post("/monitor/settings", data={"csrf_token": csrf(client), **fields}, headers=headers)


def columns_of(page: str) -> list[str]:
    return re.findall(r'<th scope="col"[^>]* data-column="([^"]+)"', page)


def test_the_plain_list_is_shown_as_the_person_left_it(watched: Watched) -> None:
    assert remember(watched.client, HTMX, sort="-name", column=["name", "seat"]).status_code == 204
    page = got(watched.client, "/monitor")
    assert columns_of(page) == ["name", "seat"]
    assert rows_of(page) == rows_of(got(watched.client, "/monitor?sort=-name"))
    assert query_told(page) == "sort=-name&column=name&column=seat"
    assert columns_of(got(watched.client, "/monitor?flag=yes")) == ["name", "seat"]


def test_an_address_that_names_them_shows_those(watched: Watched) -> None:
    remember(watched.client, sort="-name", column=["name", "seat"])
    page = got(watched.client, "/monitor?sort=name&column=room&column=name")
    assert columns_of(page) == ["room", "name"]
    assert rows_of(page) != rows_of(got(watched.client, "/monitor?sort=-name"))
    assert query_told(page) == "sort=name&column=room&column=name"


def test_r18_a_link_shows_a_colleague_the_same(watched: Watched) -> None:
    """Whatever each of them has chosen before, also by nothing but the address that the page tells."""
    remember(watched.client, sort="-seat", column=["name", "room"])
    colleague = signed_in(watched.app, watched.hall.contributor(watched.test))
    remember(colleague, sort="room", column=["seat", "name", "group"])
    for query in ("", "?flag=yes", "?flag=yes&sort=name", "?column=seat&column=name&sort=room"):
        mine = got(watched.client, f"/monitor{query}", **HTMX)
        theirs = got(colleague, f"/monitor?{query_told(mine)}", **HTMX)
        assert (rows_of(theirs), columns_of(theirs)) == (rows_of(mine), columns_of(mine)), query
        assert query_told(theirs) == query_told(mine), query


def test_each_is_remembered_by_itself_and_taken_back_by_a_blank(watched: Watched) -> None:
    remember(watched.client, sort="room")
    remember(watched.client, column=["name"])
    remember(watched.client, density="32")
    page = got(watched.client, "/monitor")
    assert dict(parse_qsl(query_told(page))) == {"sort": "room", "column": "name"}
    assert 'data-density="32"' in page
    remember(watched.client, sort="")
    remember(watched.client, column="")
    assert query_told(got(watched.client, "/monitor")) == ""
    assert 'data-density="32"' in got(watched.client, "/monitor", **HTMX)
    remember(watched.client, density="40")
    assert 'data-density="40"' in got(watched.client, "/monitor")


def test_another_density_is_another_list(watched: Watched) -> None:
    """R19: a list is only left out of an answer if it would look the same."""
    tag = watched.client.get("/monitor", headers=HTMX).headers["HX-PTag"]
    remember(watched.client, density="32")
    assert watched.client.get("/monitor", headers={**HTMX, "HX-PTag": tag}).status_code == 200


def test_it_works_without_scripts(watched: Watched) -> None:
    """R20: back to the list with the same filter, and a column moved by its arrow."""
    query = "flag=yes&room=Room+1&sort=name&page=2"
    answer = remember(watched.client, query=query, sort="room")
    assert (answer.status_code, answer.location) == (303, "/monitor?flag=yes&room=Room+1")
    assert query_told(got(watched.client, answer.location)) == "room=Room+1&flag=yes&sort=room"
    moved = remember(watched.client, column=["name", "seat", "room"], move="room:up")
    assert moved.location == "/monitor?view=all"
    assert columns_of(got(watched.client, moved.location)) == ["name", "room", "seat"]


UNKNOWN: list[dict[str, str | list[str]]] = [
    {"sort": "nonsense"}, {"sort": ["name", "room"]}, {"column": ["name", "nonsense"]}, {"density": "33"},
    {"density": ""}, {"view": "1"}, {"nonsense": "1"}, {"q": "anna"}, {"query": "nonsense=1"},
    {"query": "room=%00"}, {"column": "name", "move": "seat:up"}, {"sort": "room", "x": "\0"},
]  # fmt: skip


def test_what_is_not_known_is_refused_and_nothing_kept(watched: Watched, session: Session) -> None:
    remember(watched.client, sort="-name")
    for fields in UNKNOWN:
        for headers in ({}, HTMX):
            assert remember(watched.client, headers, **fields).status_code == 400, fields
        session.rollback()
        assert session.get_one(User, watched.person.id).monitor_settings == "sort=-name", fields


def test_what_a_later_release_no_longer_knows_is_left_out(watched: Watched, session: Session) -> None:
    with writing(session):
        person = session.get_one(User, watched.person.id)
        person.monitor_settings = "sort=gone&column=gone&column=name&density=9&what=x"
    page = got(watched.client, "/monitor")
    assert query_told(page) == "column=name"


def test_over_many_tests_the_order_of_need_is_not_taken_along(watched: Watched) -> None:
    """There it would be worked out for everybody; an address may still ask for it."""
    tests = [watched.hall.test(f"Test {number}") for number in range(5)]
    watched.hall.contributor(*tests, user=watched.person)
    remember(watched.client, sort="state")
    many = got(watched.client, "/monitor")
    assert 'aria-current="true">Needs attention first' not in many
    assert 'aria-current="true">Needs attention first' in got(watched.client, f"/monitor?test={watched.test.id}")
    assert 'aria-current="true">Needs attention first' in got(watched.client, "/monitor?sort=state")
