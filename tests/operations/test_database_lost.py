"""A connection to PostgreSQL that ends at any moment of a request: 503, and the same form goes through afterwards."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import psycopg
import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from tests.databases import Database, application_on
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from tests.nightly import at_night
from tests.postgres import connect_to_server, disconnect
from tests.test_routes import PERSONS, TABLE, form_of
from tests.test_routes import persons as everybody  # noqa: F401 the fixture
from webapp.db import outages
from webapp.extensions import db
from webapp.push.service import current_push
from webapp.web.security import public

pytestmark = pytest.mark.only_on("postgresql")
MOST_MOMENTS = 60
MOMENTS = ("begin", "before_cursor_execute", "commit", "rollback")
STORED = {
    "/messages": ("SELECT count(*) FROM message", 2),  # `everybody` has sent the first
    "/tests/1/answers/1": ("SELECT count(*) FROM answer", 1),
    "/logout": ("SELECT count(*) FROM ended_session", 1),
}


@pytest.fixture(autouse=True)
def only_own_garbage() -> Iterator[None]:
    """Each test looks for what it has left open itself, and does not go through all that the others have made."""
    gc.freeze()
    yield
    gc.collect()
    gc.unfreeze()


@pytest.fixture
def server(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A connection beside the application's, to another database."""
    with connect_to_server(database.url) as connection:
        yield connection


@pytest.fixture
def engine(app: Flask, database: Database, engines: dict[str, Engine]) -> Engine:
    """The one that earlier applications had on this database, too: who listens to it is told first."""
    with app.app_context():
        return engines.get(database.url, db.engine)


CORE = {
    ("POST", "/login"),
    ("POST", "/tests/1/answers/1"),
    ("GET", "/monitor"),
    ("POST", "/messages"),
    ("POST", "/candidates/actions"),
    ("POST", "/logout"),
}
"""A read, a write by a candidate and by staff, a session that begins and one that ends: all others at night."""
AFTER_OTHERS = {("/help/1/claim", 409), ("/help/1/done", 409)}
"""Who is alone hears nothing of somebody who was first."""
REFUSE_OTHER_FIELDS = {"/monitor/settings"}
"""Addresses whose form is known field by field, and needs no key: the same settings again are the same settings."""


@contextmanager
def lost_at(engine: Engine, server: psycopg.Connection[Any], number: int) -> Iterator[list[str]]:
    """Have PostgreSQL end this thread's connection right before its `number`-th statement; gives all of them."""
    moments: list[str] = []
    here = get_ident()

    def note(name: str, connection: Connection) -> None:
        if get_ident() != here:
            return
        moments.append(name)
        if len(moments) == number:
            driver: Any = connection.connection.driver_connection
            disconnect(server, "pid = %s", driver.info.backend_pid)

    def listener(name: str) -> Callable[..., None]:
        return lambda connection, *_: note(name, connection)

    listeners = [(name, listener(name)) for name in MOMENTS]
    for name, function in listeners:
        event.listen(engine, name, function, insert=True)
    try:
        yield moments
    finally:
        for name, function in listeners:
            event.remove(engine, name, function)


def ways() -> Iterator[Any]:
    """Each route with the first person who gets each of its answers; by day, `CORE` with those who succeed."""
    for (method, path), statuses in TABLE.items():
        for status in dict.fromkeys(status for status in statuses if (path, status) not in AFTER_OTHERS):
            person = PERSONS[statuses.index(status)]
            by_day = (method, path) in CORE and (len(set(statuses)) == 1 or (status < 400 and person != "nobody"))
            marks = () if by_day else pytest.mark.nightly
            yield pytest.param(method, path, person, status, id=f"{method} {path} {person}", marks=marks)


# of a connection that is lost, SQLAlchemy closes no cursor (`Connection._handle_dbapi_exception`): Python does
@pytest.mark.filterwarnings("ignore:<psycopg.ServerCursor:ResourceWarning")
@pytest.mark.parametrize(("method", "path", "person", "status"), [*ways()])
def test_each_statement_of_each_route_may_be_the_last_of_its_connection(
    everybody: dict[str, FlaskClient],  # noqa: F811 the fixture
    engine: Engine,
    server: psycopg.Connection[Any],
    session: Session,
    method: str,
    path: str,
    person: str,
    status: int,
) -> None:
    """R1, R2: nothing is written by halves, nothing twice, and each answer but the last asks to come back."""
    client = everybody[person]
    with client.session_transaction() as cookie:
        cookie["sid"] = "this one"
    form = form_of(everybody, client, path) if method == "POST" else {}
    if path not in REFUSE_OTHER_FIELDS:
        form["idempotency_key"] = os.urandom(16).hex()
    with capture_logs() as lines:
        for number in range(1, MOST_MOMENTS):
            with lost_at(engine, server, number) as moments:
                answer = client.open(path, method=method, data=form if method == "POST" else None, buffered=True)
            if answer.status_code == status and (status < 400 or len(moments) < number):
                break
            assert answer.status_code in (503, status), (number, moments)
            assert answer.status_code == status or answer.headers["Retry-After"] == "5"
        else:
            pytest.fail("never answered")
    gc.collect()
    assert not [line for line in lines if "exc_info" in line or line["event"] == "unexpected error"]
    if method == "POST" and path in STORED and status < 400 and person != "nobody":
        query, expected = STORED[path]
        session.rollback()
        current_push().stop()  # a connection that a loop has out would come back to a pool that is no longer closed
        db.engine.dispose()  # the last answer may have been given over a connection that was lost behind it
        assert session.scalar(text(query)) == expected


@pytest.fixture
def away(
    app: Flask, database: Database, hall: Hall, server: psycopg.Connection[Any]
) -> Iterator[dict[str, FlaskClient]]:
    """A browser of a candidate, one of an invigilator and one of nobody; their database takes no connection."""

    @app.get("/refused/<int:status>")
    @public
    def refused(status: int) -> None:
        abort(status)

    test = hall.test()
    candidate = hall.candidacy(test)
    invigilator = hall.contributor(test)
    browsers = {
        "nobody": app.test_client(),
        "candidate": signed_in(app, hall.session.get_one(type(invigilator), candidate.user_id)),
        "invigilator": signed_in(app, invigilator),
    }
    assert app.test_client().get("/login").status_code == 200  # this process has begun before
    hall.session.rollback()
    name = database.url.rpartition("/")[2]
    server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    disconnect(server, "datname = %s", name)
    yield browsers
    server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


KINDS: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "no text": (400, "GET", "/login?q=%ED%A0%80", {}),
    "stale token": (400, "POST", "/logout", {}),
    "stale sign-in": (400, "POST", "/login", {"data": {"username": "ada", "password": "p"}}),
    "forbidden": (403, "GET", "/metrics", {"headers": {"Via": "a proxy"}}),
    "not found": (404, "GET", "/nowhere", {}),
    "file not found": (404, "GET", "/static/nothing.css", {}),
    "method": (405, "DELETE", "/monitor", {}),
    "too large": (413, "POST", "/login", {"data": {"username": "a" * 2_000_000}}),
    **{f"refused {status}": (status, "GET", f"/refused/{status}", {}) for status in (401, 403, 409, 422, 429, 503)},
}


@pytest.mark.parametrize("person", ["nobody", "invigilator", *at_night("candidate")])
@pytest.mark.parametrize("fragment", [False, True], ids=["page", "fragment"])
def test_no_error_page_needs_the_database(away: dict[str, FlaskClient], person: str, fragment: bool) -> None:
    """Each kind says what it is, and who cannot be known is not shown."""
    outages._outages._next = 0.0  # another test may just have written its line
    with capture_logs() as lines:
        for kind, (status, method, path, given) in KINDS.items():
            headers = {**given.get("headers", {}), **(HTMX if fragment else {})}
            answer = away[person].open(path, method=method, **{**given, "headers": headers})
            assert answer.status_code == status, kind
            assert ("data-status" in answer.text) is fragment or kind == "stale sign-in", kind
            assert "Sign out" not in answer.text
    assert len([line for line in lines if line["event"] == "database did not answer"]) <= 1
    assert not [line for line in lines if "exc_info" in line]


@pytest.mark.parametrize(("path", "status"), [("/", 503), ("/inbox", 503), ("/login", 503), ("/nowhere", 404)])
def test_pages_of_somebody_whom_the_database_cannot_name(
    away: dict[str, FlaskClient], app: Flask, database: Database, path: str, status: int
) -> None:
    """In a process that has just begun, too: its loops cannot begin yet."""
    with application_on(database) as begun:
        begun.test_client_class = app.test_client_class
        for application in (app, begun):
            browser = application.test_client()
            cookie = away["candidate"].get_cookie(app.config["SESSION_COOKIE_NAME"])
            assert cookie
            browser.set_cookie(cookie.key, cookie.value)
            answer = browser.get(path)
            assert answer.status_code == status
            assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)


def test_a_read_only_database_is_a_503_too(
    app: Flask, database: Database, hall: Hall, server: psycopg.Connection[Any]
) -> None:
    """A standby that was not promoted yet, or an operator's switch: pages are read, and what writes says busy."""
    candidacy = hall.candidacy(hall.test(), started_at=None)
    candidate = signed_in(app, hall.session.get_one(type(hall.person()), candidacy.user_id))
    token = csrf(candidate)
    hall.session.rollback()
    with app.app_context():
        current_push().stop()
        db.engine.dispose()
    name = database.url.rpartition("/")[2]
    server.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert candidate.get("/inbox").status_code == 200
    answer = candidate.post("/tests/1/start", data={"csrf_token": token})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
