"""The page and its fragment: count, rows, pages, sorting, columns, address (R5, R17, R18, R20)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.hall import Hall, signed_in
from tests.monitor.watched import Watched
from tests.nightly import at_night
from tests.statements import statements
from webapp.access import Right, access_scope
from webapp.clock import utcnow
from webapp.models import Role
from webapp.monitor.columns import COLUMNS, DEFAULT_COLUMNS
from webapp.monitor.filters import parse_filter
from webapp.monitor.query import select_candidacies
from webapp.web.templating import installation_zone

HTMX = {"HX-Request": "true"}


def rows_of(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr data-candidacy="(\d+)" id="c\d+"', page)]


def count_of(page: str) -> int:
    found = re.findall(r'id="candidate-count" data-count="(\d+)"', page)
    assert len(found) == 1
    return int(found[0])


def got(client: FlaskClient, address: str, **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return answer.text


@pytest.mark.parametrize(
    "query", ["?q=bulk+1&flag=no", *at_night("", "?room=Room+2", "?status=online", "?flag=yes&room=Room+1")]
)
def test_count_rows_and_audience_are_the_same(watched: Watched, session: Session, query: str) -> None:
    """R17: the count, the rows of all pages and the query that audiences come from."""
    within = access_scope(session, watched.person, Right.WATCH, utcnow())
    with watched.app.test_request_context("/monitor" + query) as context:
        asked = parse_filter(MultiDict(context.request.args), installation_zone())
    audience = set(session.scalars(select_candidacies(within, asked, utcnow())))
    page = got(watched.client, "/monitor" + query)
    pages = -(-count_of(page) // 50)
    shown = [
        number
        for place in range(1, pages + 1)
        for number in rows_of(got(watched.client, f"/monitor{query or '?'}&page={place}"))
    ]
    assert len(shown) == len(set(shown)) == count_of(page)
    assert set(shown) == audience


def test_the_count_is_of_candidacies(app: Flask, hall: Hall) -> None:
    """R5: a person in two tests counts twice beside the list."""
    tests = [hall.test("A"), hall.test("B")]
    person = hall.person()
    for test in tests:
        hall.candidacy(test, person)
    page = got(signed_in(app, hall.contributor(*tests)), "/monitor")
    assert count_of(page) == len(rows_of(page)) == 2
    assert "2 candidates" in page


@pytest.mark.one_database
def test_fragment_and_page_show_the_same_rows(watched: Watched) -> None:
    """One partial for both; the fragment is no page."""
    page, fragment = got(watched.client, "/monitor"), got(watched.client, "/monitor", **HTMX)
    assert "<html" in page
    assert "<html" not in fragment
    assert rows_of(page) == rows_of(fragment)
    assert len(rows_of(page)) == 50
    for body in (page, fragment):
        ids = re.findall(r' id="([^"]+)"', body)
        assert len(ids) == len(set(ids))
    headers = watched.client.get("/monitor").headers
    assert headers["Vary"].count("HX-Request") == 1
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.one_database
def test_beyond_the_end_is_the_last_page(watched: Watched) -> None:
    for asked in ("3", "4", "999", "9" * 100):
        page = got(watched.client, f"/monitor?page={asked}")
        assert len(rows_of(page)) == 20, asked
        assert re.search(r'aria-current="page"\s+aria-label="Page 3"', page), asked


@pytest.mark.one_database
def test_pages_far_away_have_no_link(app: Flask, hall: Hall) -> None:
    hall.candidacies(test := hall.test(), 401)
    client = signed_in(app, hall.contributor(test))
    for page, linked in ((1, "1 2 3 … 9"), (4, "1 2 3 4 5 6 … 9"), (5, "1 … 3 4 5 6 7 … 9"), (9, "1 … 7 8 9")):
        shown = re.findall(
            r'aria-label="Page (\d+)"|class="gap" aria-hidden="true">(…)', got(client, f"/monitor?page={page}")
        )
        assert " ".join(number or gap for number, gap in shown) == linked


@pytest.mark.one_database
def test_page_nought_is_the_first(watched: Watched) -> None:
    assert rows_of(got(watched.client, "/monitor?page=0")) == rows_of(got(watched.client, "/monitor"))


UNKNOWN = ["page=abc", "page=-1", "page=", "page=%D9%A1", "page=1&page=2", "sort=nonsense", "sort=--name", "sort=",
     "sort=name&sort=-name", "column=nonsense", "column=", "rooms=x", "candidate=1", "q=%00", "q=%ff", "x%ff=1",
     "q=%ED%A0%80", "progress=nonsense", "test=999", "room=Nowhere", "group=Nobody", "move=name:up&move=x",
     "move=name:sideways", "seen_within=soon", "q=" + "x" * 201]  # fmt: skip


@pytest.mark.thorough
@pytest.mark.one_database
def test_what_is_not_known_is_refused(watched: Watched) -> None:
    """R6: 400 with a text, never a wider list and never a 500."""
    for address, headers in (("/monitor", {}), ("/monitor", HTMX), ("/monitor.csv", {})):
        for query in UNKNOWN:
            answer = watched.client.get(f"{address}?{query}", headers=headers)
            assert answer.status_code == 400, query
            assert "request is not valid" in answer.text, query
            assert "data-candidacy" not in answer.text, query


def test_another_tests_values_are_refused(watched: Watched) -> None:
    """R6: the id of a test and a room that exist, out of reach."""
    other = watched.hall.test("Other")
    watched.hall.candidacy(other, room="Far away")
    for query in (f"test={other.id}", "room=Far+away"):
        assert watched.client.get(f"/monitor?{query}").status_code == 400


@pytest.mark.one_database
def test_a_label_sorts_and_then_turns_the_order_round(watched: Watched) -> None:
    for shown, linked in (("seat", "-seat"), ("-seat", "seat"), ("name", "seat")):
        head = re.search(r'<th [^>]*data-column="seat".*?</th>', got(watched.client, f"/monitor?sort={shown}"))
        assert head is not None
        assert f'href="/monitor?sort={linked}"' in head[0]


def heads_of(page: str) -> list[str]:
    return re.findall(r'<th scope="col" data-column="(\w+)"', page)


@pytest.mark.one_database
def test_columns_are_those_of_the_address_in_its_order(watched: Watched) -> None:
    """R18."""
    assert heads_of(got(watched.client, "/monitor")) == list(DEFAULT_COLUMNS)
    page = got(watched.client, "/monitor?column=seat&column=name&column=planner&column=seat")
    assert heads_of(page) == ["seat", "name", "planner"]
    assert "column=seat&amp;column=name&amp;column=planner&amp;page=2" in page


def test_all_columns_at_once(watched: Watched) -> None:
    planner = watched.hall.contributor(watched.test, role=Role.PLANNER, user=watched.hall.person(name="Petra"))
    page = got(watched.client, "/monitor?" + "&".join(f"column={column.key}" for column in COLUMNS))
    assert heads_of(page) == [column.key for column in COLUMNS]
    assert page.count(planner.name) == 50


@pytest.mark.one_database
def test_filters_that_are_set_are_ticked(watched: Watched) -> None:
    query = "room=Room+2&seen_within=45m&saved_after=2026-11-24T10:00&q=bul"
    rooms = got(watched.client, f"/monitor/filters/room?{query}&room=Room+1")
    assert len(re.findall(r'name="room" value="Room [12]" checked', rooms)) == 2
    rooms = got(watched.client, f"/monitor/filters/room?{query}")
    assert re.search(r'name="room" value="Room 2" checked', rooms)
    assert not re.search(r'name="room" value="Room 1" checked', rooms)
    times = got(watched.client, f"/monitor/filters/times?{query}")
    assert re.search(r'value="45m" selected', times)
    assert re.search(r'name="saved_after"\s+value="2026-11-24T10:00"', times)
    assert re.search(r'name="q"\s+value="bul"', got(watched.client, f"/monitor?{query}"))


def test_numbers_in_texts_to_tick_count_as_numbers(app: Flask, hall: Hall) -> None:
    test = hall.test()
    for room in ("Room 10", "Room 2", "", "room 1"):
        hall.candidacy(test, room=room)
    page = got(signed_in(app, hall.contributor(test)), "/monitor/filters/room")
    assert re.findall(r'name="room" value="([^"]*)"', page) == ["", "room 1", "Room 2", "Room 10"]


def test_a_missing_text_is_drawn_as_nothing(app: Flask, hall: Hall) -> None:
    """A test without a planner has no names."""
    hall.candidacy(test := hall.test())
    page = got(signed_in(app, hall.contributor(test)), "/monitor?column=planner")
    assert '<td data-column="planner"><bdi translate="no"></bdi></td>' in page


def test_filters_offer_only_what_is_within_reach(watched: Watched) -> None:
    """R6: no room of another test is named."""
    watched.hall.candidacy(watched.hall.test("Hidden"), room="Far away", group_name="Secret")
    page = got(watched.client, "/monitor")
    for name in ("Far away", "Secret", "Hidden"):
        assert name not in page


@pytest.mark.one_database
def test_compose_addresses_carry_the_filter(watched: Watched) -> None:
    """R17: "send to all" gets what drew the list."""
    page = got(watched.client, "/monitor?room=Room+2&flag=yes&sort=-name&page=1")
    assert 'href="/messages/new?scope=filtered&amp;room=Room+2&amp;flag=yes"' in page
    assert page.count('popovertarget="row-menu" data-may="send"') == len(rows_of(page)) > 0
    assert page.count('data-form="/messages/new?candidate="') == 1


@pytest.mark.one_database
def test_selecting_works_as_a_plain_form(watched: Watched) -> None:
    """R20: rows are ticked in a form that is posted to the compose page."""
    page = got(watched.client, "/monitor")
    form = re.search(r'<form id="selection" action="/messages/new" method="post".*?</form>', page, re.DOTALL)
    assert form is not None
    assert form[0].count('name="candidate"') == 50
    assert 'name="csrf_token"' in form[0]
    assert re.search(r'<button type="submit" form="selection"', page)


@pytest.mark.one_database
def test_names_are_shown_as_text(app: Flask, hall: Hall) -> None:
    """Trap 18, and right-to-left names turn nothing around."""
    test = hall.test("<i>T</i>")
    hall.candidacy(test, hall.person(name='<script>alert("1")</script>'), number="N1", room="\u202e&<b>", seat="'\">")
    page = got(signed_in(app, hall.contributor(test)), "/monitor?sort=seat")
    assert "<script>alert" not in page
    assert '<bdi class="name">&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;</bdi>' in page
    assert "<i>T" not in page
    named = "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; (N1, seat &#39;&#34;&gt;)"
    assert f'aria-label="Select {named}"' in page
    assert f'aria-label="More for {named}"' in page


@pytest.mark.one_database
def test_nobody_matches(watched: Watched) -> None:
    page = got(watched.client, "/monitor?q=nobody-like-this")
    assert count_of(page) == 0
    assert rows_of(page) == []
    assert "No candidates match" in page
    assert "Remove “" not in page, "the one filter goes with the button for all"
    both = got(watched.client, "/monitor?q=nobody-like-this&flag=yes")
    ways = re.findall(r'<a class="button" href="([^"]*)"[^>]*>(?:Remove “([^”]*)”|Show all candidates)', both)
    assert [words for _, words in ways] == ["Search: “nobody-like-this", "Flag: Flagged", ""]
    assert ways[0][0].endswith("flag=yes")
    assert "No candidates match" in got(watched.client, "/monitor/plan?q=nobody-like-this")
    assert "data-compose-all" not in page


@pytest.mark.thorough
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_statements_do_not_grow_with_the_rows(app: Flask, hall: Hall, headers: dict[str, str]) -> None:
    """Few statements, and the same for 50 rows as for one."""
    test = hall.test()
    hall.candidacy(test)
    client = signed_in(app, hall.contributor(test))
    got(client, "/monitor")  # a process's first request starts its background work
    numbers = []
    for more in (0, 80):
        hall.candidacies(test, more)
        with statements(app) as made:
            got(client, "/monitor?column=planner&column=name&room=Room+1&test=1", **headers)
        asked = (re.sub(r" IN \((?:[^()]|\(\w+\))*\)", " IN (…)", one) for one in made)
        numbers.append([one for one in asked if not one.startswith(("BEGIN", "PRAGMA"))])
    assert numbers[0] == numbers[1]
    assert len(numbers[0]) <= (8 if headers else 11)


@pytest.mark.parametrize("query", ["", "q=lind&warning=offline", "sort=-warnings"])
def test_the_driver_of_postgresql_remembers_each_statement(app: Flask, hall: Hall, query: str) -> None:
    """psycopg reads a statement of more than 4,096 letters anew each time: as long as PostgreSQL takes to answer it."""
    hall.candidacy(test := hall.test())
    client = signed_in(app, hall.contributor(test))
    with statements(app) as made:
        got(client, f"/monitor?{query}", **HTMX)
    assert made
    assert [one for one in made if len(one) > 4096] == []
