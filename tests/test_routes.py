"""Every route, as everybody: the table says who gets what, and a route that is not in it fails."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import product

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from tests.conftest import Browser
from tests.databases import NewDatabase, application_on
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf, open_dialog
from tests.nightly import at_night
from tests.open_connections import connections_outlive_tests
from webapp.clock import utcnow
from webapp.extensions import db
from webapp.models import HelpRequest, Question, QuickText, Role, SavedView, User

pytestmark = [pytest.mark.one_database, pytest.mark.thorough]

PERSONS = ("nobody", "candidate", "other candidate", "invigilator", "room-limited", "chief", "other planner", "admin")
Expected = tuple[int, int, int, int, int, int, int, int]

# What each gets of a test with one candidate in Room 1, who asks for help, in the order of PERSONS. The chief has sent
# message 1, has schedule 1 and quick text 1, and a view that all staff of the test see; the room-limited invigilator
# has Room 2, where nobody sits; the other planner has another test with nobody in it.
ALL = (200,) * 8
SIGNED_IN = (302, 200, 200, 200, 200, 200, 200, 200)
TABLE: dict[tuple[str, str], Expected] = {
    ("GET", "/static/icon.svg"): ALL,
    ("GET", "/healthz"): ALL,
    ("GET", "/readyz"): ALL,
    ("GET", "/metrics"): ALL,  # from this machine
    ("GET", "/login"): (200, 302, 302, 302, 302, 302, 302, 302),
    ("POST", "/login"): (422, 422, 422, 422, 422, 422, 422, 422),
    ("GET", "/"): (302, 200, 200, 302, 302, 302, 302, 302),
    ("POST", "/tests/1/start"): (401, 303, 404, 404, 404, 404, 404, 404),
    ("GET", "/tests/1"): (302, 200, 404, 404, 404, 404, 404, 404),
    ("POST", "/tests/1/answers/1"): (401, 303, 404, 404, 404, 404, 404, 404),
    ("POST", "/tests/1/submit"): (401, 303, 404, 404, 404, 404, 404, 404),
    ("POST", "/tests/1/help"): (401, 303, 404, 404, 404, 404, 404, 404),
    ("POST", "/tests/1/help/withdraw"): (401, 303, 404, 404, 404, 404, 404, 404),
    ("GET", "/tests/1/help-kinds"): (302, 404, 404, 403, 403, 403, 404, 403),  # for its planners
    ("POST", "/tests/1/help-kinds"): (401, 404, 404, 403, 403, 403, 404, 403),
    ("GET", "/help"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/help/waiting"): (401, 403, 403, 204, 204, 204, 204, 204),
    ("POST", "/help/1/claim"): (401, 403, 403, 303, 404, 409, 404, 403),  # the invigilator was first
    ("POST", "/help/1/release"): (401, 403, 403, 303, 404, 303, 404, 403),
    ("POST", "/help/1/done"): (401, 403, 403, 303, 404, 409, 404, 403),
    ("GET", "/monitor"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/monitor/plan"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/monitor.csv"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/monitor/print"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/monitor/filters/room"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("POST", "/monitor/settings"): (401, 403, 403, 303, 303, 303, 303, 303),
    ("GET", "/monitor/views"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("POST", "/monitor/views"): (401, 403, 403, 303, 303, 303, 303, 303),
    ("POST", "/monitor/views/1/rename"): (401, 403, 403, 404, 404, 303, 404, 404),
    ("POST", "/monitor/views/1/default"): (401, 403, 403, 303, 303, 303, 404, 303),
    ("POST", "/monitor/views/1/share"): (401, 403, 403, 404, 404, 303, 404, 404),
    ("POST", "/monitor/views/1/delete"): (401, 403, 403, 404, 404, 303, 404, 404),
    ("GET", "/monitor/alerts"): (401, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/display"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/monitor/candidates/1"): (302, 403, 403, 200, 404, 200, 404, 200),
    ("GET", "/monitor/candidates/1/password"): (302, 403, 403, 403, 404, 200, 404, 403),
    ("POST", "/monitor/candidates/1/password"): (401, 403, 403, 403, 404, 200, 404, 403),
    ("GET", "/monitor/candidates/1/unlock"): (302, 403, 403, 403, 404, 200, 404, 403),
    ("POST", "/monitor/candidates/1/unlock"): (401, 403, 403, 403, 404, 200, 404, 403),
    ("GET", "/incidents/new?candidate=1"): (302, 403, 403, 403, 403, 200, 404, 403),
    ("POST", "/incidents/new"): (401, 403, 403, 403, 403, 200, 404, 403),
    ("POST", "/incidents"): (401, 403, 403, 403, 403, 303, 404, 403),
    ("GET", "/incidents/1"): (302, 404, 404, 404, 404, 404, 404, 404),  # none has begun
    ("POST", "/incidents/1/end"): (401, 404, 404, 404, 404, 404, 404, 404),
    ("GET", "/messages/new?candidate=1"): (302, 403, 403, 200, 404, 200, 404, 403),
    ("POST", "/messages/new"): (401, 403, 403, 200, 404, 200, 404, 403),
    ("POST", "/messages"): (401, 403, 403, 303, 404, 303, 404, 403),
    ("GET", "/messages"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/messages/1"): (302, 403, 403, 200, 404, 200, 404, 200),
    ("GET", "/quick-texts"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("POST", "/quick-texts"): (401, 403, 403, 303, 303, 303, 303, 303),
    ("GET", "/quick-texts/1"): (302, 403, 403, 404, 404, 200, 404, 404),  # their own only
    ("POST", "/quick-texts/1"): (401, 403, 403, 404, 404, 303, 404, 404),
    ("POST", "/quick-texts/1/delete"): (401, 403, 403, 404, 404, 303, 404, 404),
    ("POST", "/messages/when"): (401, 403, 403, 200, 404, 200, 404, 403),
    ("GET", "/messages/scheduled/1"): (302, 404, 404, 404, 404, 200, 404, 200),
    ("POST", "/messages/scheduled/1"): (401, 404, 404, 404, 404, 303, 404, 403),
    ("POST", "/messages/scheduled/1/cancel"): (401, 404, 404, 404, 404, 303, 404, 403),
    ("POST", "/messages/1/withdraw"): (401, 403, 403, 403, 404, 303, 404, 403),
    ("GET", "/candidates/actions/new?action=flag&candidate=1"): (302, 403, 403, 200, 404, 200, 404, 403),
    ("POST", "/candidates/actions/new"): (401, 403, 403, 200, 404, 200, 404, 403),
    ("POST", "/candidates/actions"): (401, 403, 403, 303, 404, 303, 404, 403),
    ("GET", "/candidates/actions/1"): (302, 404, 404, 404, 404, 404, 404, 404),  # their own only
    ("POST", "/candidates/actions/1/undo"): (401, 404, 404, 404, 404, 404, 404, 404),
    ("GET", "/log"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/log/1"): (302, 403, 403, 404, 404, 200, 404, 200),
    ("GET", "/log.csv"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/log/print"): (302, 403, 403, 200, 200, 200, 200, 200),
    ("GET", "/stream"): (401, 503, 503, 503, 503, 503, 503, 503),  # no gevent here: this process serves no streams
    ("POST", "/ping"): (401, 204, 204, 204, 204, 204, 204, 204),
    ("GET", "/inbox"): SIGNED_IN,
    ("GET", "/inbox/new"): (401, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "/inbox/shown"): (401, 404, 404, 404, 404, 404, 404, 404),  # no receipts here
    ("GET", "/messages/1/receipts"): (401, 404, 404, 404, 404, 404, 404, 404),
    ("GET", "/messages/1/walk-list"): (302, 404, 404, 404, 404, 404, 404, 404),
    ("POST", "/inbox/close"): (401, 204, 204, 204, 204, 204, 204, 204),
    ("POST", "/inbox/read"): (401, 204, 204, 204, 204, 204, 204, 204),
    ("POST", "/logout"): (302, 302, 302, 302, 302, 302, 302, 302),
}
READ = [path for method, path in TABLE if method == "GET"]
POSTED = [path for method, path in TABLE if method == "POST"]
LAST = ("/help/1/claim", "/help/1/release", "/help/1/done", "/tests/1/help", "/tests/1/help/withdraw",
        "/tests/1/submit", "/monitor/candidates/1/password", "/logout")  # fmt: skip
"""Each takes from others what they need, and from those before it nothing. In an incident, nobody submits."""
NOT_LAST = [path for path in POSTED if path not in (*LAST, "/incidents")]
FORMS: dict[str, dict[str, str]] = {
    "/login": {"username": "nobody-of-that-name", "password": "wrong password"},
    "/tests/1/answers/1": {"text": "An answer"},
    "/tests/1/help": {"kind": "question"},
    "/tests/1/help-kinds": {"kinds": "Water"},
    "/monitor/settings": {"sort": "room"},
    "/monitor/views": {"name": "Mine"},
    "/monitor/views/1/rename": {"name": "Other"},
    "/monitor/views/1/default": {"default": "yes"},
    "/monitor/candidates/1/password": {"idempotency_key": "one press", "epoch": "0"},
    **{path: {"candidate": "1"} for path in ("/messages/new", "/incidents/new")},
    "/incidents": {"candidate": "1", "reason": "Fire", "idempotency_key": "one-press"},
    "/incidents/1/end": {"idempotency_key": "one-press"},
    "/messages": {"candidate": "1", "subject": "S", "body": "B"},
    **{path: {"subject": "S", "body": "B"} for path in ("/quick-texts", "/quick-texts/1")},
    "/messages/when": {"candidate": "1", "when": "before_end", "minutes": "15"},
    "/messages/scheduled/1": {"subject": "S", "body": "C", "when": "before_end", "minutes": "15"},
    "/candidates/actions/new": {"action": "flag", "candidate": "1"},
    "/candidates/actions": {"action": "flag", "candidate": "1"},
    **{f"/inbox/{step}": {"message": "1"} for step in ("close", "shown", "read")},
}


def browsers(app: Flask, hall: Hall) -> dict[str, FlaskClient]:
    """One of each of `PERSONS`."""
    with hall.at_once():
        test, other = hall.test("Algebra"), hall.test("Law")
        one, stranger = hall.candidacy(test, room="Room 1"), hall.candidacy(hall.test("Art"))
        users = {
            "candidate": hall.session.get_one(User, one.user_id),
            "other candidate": hall.session.get_one(User, stranger.user_id),
            "invigilator": hall.contributor(test),
            "room-limited": hall.contributor(test, room="Room 2"),
            "chief": hall.contributor(test, role=Role.CHIEF_INVIGILATOR),
            "other planner": hall.contributor(other, role=Role.PLANNER),
            "admin": hall.person(is_admin=True),
        }
        view = SavedView(user_id=users["chief"].id, name="V", query="", test_id=test.id)
        asked = HelpRequest(candidacy_id=one.id, kind="question", asked_at=utcnow())
        text = QuickText(user_id=users["chief"].id, locale="en", subject="S", body="B")
        hall.session.add_all([Question(test_id=test.id, position=1, prompt="Why?"), view, asked, text])
    signed = {"nobody": app.test_client(), **{name: signed_in(app, user) for name, user in users.items()}}
    form = {**open_dialog(signed["chief"], candidate=1), "subject": "S", "body": "B"}
    assert signed["chief"].post("/messages", data=form).status_code == 303
    later = {**open_dialog(signed["chief"], candidate=1), "when": "before_end", "minutes": "15"}
    assert signed["chief"].post("/messages", data={**later, "subject": "S", "body": "B"}).status_code == 303
    return signed


@pytest.fixture
def persons(app: Flask, hall: Hall) -> dict[str, FlaskClient]:
    """For a test that changes something."""
    return browsers(app, hall)


@pytest.fixture(scope="module")
def readers(
    database_kind: str, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, FlaskClient]]:
    """For tests whose requests are read or refused, and change nothing."""
    with application_on(new_database(database_kind, tmp_path_factory.mktemp("readers"))) as app:
        app.test_client_class = Browser
        with app.app_context():
            engine = db.engine
        with connections_outlive_tests(engine):
            with app.app_context():
                made = browsers(app, Hall(db.session()))
            yield made


def test_the_table_knows_every_route(app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    tried = {(method, adapter.match(path.split("?")[0], method)[0]) for method, path in TABLE}
    assert tried == {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def form_of(persons: dict[str, FlaskClient], client: FlaskClient, path: str) -> dict[str, str]:
    """What this person posts there."""
    form = {**FORMS.get(path, {}), "csrf_token": csrf(client)}
    if path == "/messages/scheduled/1":
        form["version"] = re.findall(r'name="version" value="(\w+)"', persons["chief"].get(path).text)[0]
    if path in ("/messages", "/candidates/actions"):
        form["idempotency_key"] = os.urandom(16).hex()
    return form


def got(persons: dict[str, FlaskClient], method: str, path: str) -> dict[str, int]:
    """What each of `PERSONS` is answered."""
    statuses = {}
    for name, client in persons.items():
        form = form_of(persons, client, path) if method == "POST" else None
        statuses[name] = client.open(path, method=method, data=form, buffered=True).status_code
    return statuses


def expected(method: str, path: str) -> dict[str, int]:
    """What the table says of it."""
    return dict(zip(PERSONS, TABLE[method, path], strict=True))


def test_who_reads_what(readers: dict[str, FlaskClient]) -> None:
    for path in READ:
        assert got(readers, "GET", path) == expected("GET", path), path


@pytest.mark.parametrize("paths", [[*NOT_LAST, *LAST], ["/incidents"]], ids=["one by one", "incident"])
def test_who_gets_what(persons: dict[str, FlaskClient], paths: list[str]) -> None:
    for path in paths:
        assert got(persons, "POST", path) == expected("POST", path), path


def test_no_form_is_taken_without_the_token_of_its_session(readers: dict[str, FlaskClient]) -> None:
    foreign = csrf(readers["admin"])
    for path in POSTED:
        for name, headers in product(("candidate", "chief"), ({}, {"X-CSRFToken": foreign})):
            assert readers[name].post(path, data=FORMS.get(path), headers=headers).status_code == 400, (name, path)


@pytest.mark.parametrize("wrong", ["DELETE", *at_night("PUT", "PATCH")])
def test_the_wrong_verb_is_refused_in_words(readers: dict[str, FlaskClient], wrong: str) -> None:
    for path in READ + POSTED:
        answer, another = (readers[name].open(path, method=wrong) for name in ("chief", "nobody"))
        assert (answer.status_code, "Allow" in answer.headers) == (405, True), path
        assert [each.headers.getlist("X-Examhall") for each in (answer, another)] == [["1"]] * 2, path


def test_addresses_of_nothing_are_not_found(readers: dict[str, FlaskClient]) -> None:
    for path in (
        "/tests/99999999999999999999", "/tests/0", "/messages/99999999999999999999999", "/log/99999999999999999999999",
        "/tests/1/answers/99999999999", "/nowhere", "/static/../wsgi.py", "/%00", "/monitor/%ff",
    ):  # fmt: skip
        assert readers["chief"].get(path).status_code in {400, 404, 405}, path


def test_a_query_that_is_no_text_is_refused(readers: dict[str, FlaskClient]) -> None:
    for path in READ:
        separator = "&" if "?" in path else "?"
        if not path.startswith("/static"):
            assert readers["chief"].get(f"{path}{separator}q=%ED%A0%80").status_code == 400, path


def test_every_answer_has_the_strict_headers_and_says_that_it_is_ours(readers: dict[str, FlaskClient]) -> None:
    """Pages take no other: the answer of a proxy or a portal in between is no answer."""
    for method, path in TABLE:
        for name, headers in product(("chief", "nobody"), ({}, HTMX)):
            answer = readers[name].open(path, method=method, headers=headers, buffered=True)
            assert answer.headers.getlist("X-Examhall") == ["1"], (method, path)
            if path != "/static/icon.svg":
                _are_strict(answer.headers, f"{method} {path}")


def _are_strict(headers: Headers, where: str) -> None:
    assert "default-src 'none'" in headers["Content-Security-Policy"], where
    assert "unsafe" not in headers["Content-Security-Policy"], where
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert "no-store" in headers["Cache-Control"], where
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy"):
        assert len(headers.getlist(name)) == 1, where  # two would count as both, or as none


def test_answers_to_what_goes_wrong_are_ours_too(readers: dict[str, FlaskClient]) -> None:
    chief = readers["chief"]
    with time_machine.travel(utcnow(), tick=False):  # a minute later the same list has another tag
        tag = chief.get("/monitor", headers={**HTMX, "HX-PTag": "none"}).headers["HX-PTag"]
        unchanged = chief.get("/monitor", headers={**HTMX, "HX-PTag": tag})
    etag = chief.get("/static/icon.svg", buffered=True).headers["ETag"]
    answers = [
        unchanged,
        chief.get("/static/icon.svg", headers={"If-None-Match": etag}, buffered=True),
        chief.get("/nowhere"),
        chief.get("/monitor?q=%ff"),
        chief.post("/messages", data={"body": "b" * 1_100_000, "csrf_token": csrf(chief)}),
    ]
    assert [answer.status_code for answer in answers] == [304, 304, 404, 400, 413]
    assert [answer.headers.getlist("X-Examhall") for answer in answers] == [["1"]] * 5
