"""The pings that are answered before Flask, and those that are not: each answer is what Flask's would be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask, request, request_started
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.orm import Session

from tests.databases import Database, application_on
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from webapp.clock import utcnow
from webapp.metrics import REGISTRY
from webapp.models import User
from webapp.push.service import current_push
from webapp.web.security import SessionCookie

pytestmark = pytest.mark.one_database

BY_FLASK = {"query_string": "by=Flask"}


@pytest.fixture
def user(hall: Hall) -> User:
    return hall.session.get_one(User, hall.candidacy(hall.test(ends_at=utcnow() + timedelta(days=2))).user_id)


@pytest.fixture
def page(app: Flask, user: User) -> FlaskClient:
    """A page of this person, which sends its token with each request; the process has had a request."""
    client = signed_in(app, user)
    client.environ_base |= {"HTTP_X_CSRFTOKEN": csrf(client), "CONTENT_LENGTH": "0"}
    client.get("/inbox")
    return client


@pytest.fixture
def reached(app: Flask) -> Iterator[list[str]]:
    """The addresses with which requests have got to Flask since."""
    paths: list[str] = []

    def note(_app: Flask, **_more: object) -> None:
        paths.append(request.path)

    with request_started.connected_to(note, app):
        yield paths


@pytest.mark.parametrize("headers", [{}, {"X-Examhall-Person": "own"}, {"X-Examhall-Person": ""}])
def test_a_pages_ping_is_answered_before_flask_with_the_same_headers(
    page: FlaskClient, user: User, reached: list[str], headers: dict[str, str]
) -> None:
    own = {name: value.replace("own", str(user.id)) for name, value in headers.items()}
    answer = page.post("/ping", headers=own)
    assert reached == []
    flasks = page.post("/ping", headers=own, **BY_FLASK)
    assert reached == ["/ping"]
    assert (answer.status, answer.data, sorted(answer.headers)) == (flasks.status, flasks.data, sorted(flasks.headers))


def test_over_tls_it_takes_the_cookie_of_tls_alone(app: Flask, page: FlaskClient, reached: list[str]) -> None:
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = page.get_cookie(name)
    assert cookie
    secure = {"base_url": "https://localhost"}
    assert page.post("/ping", **secure).status_code == 401
    page.set_cookie(f"__Host-{name}", cookie.value, secure=True)
    reached.clear()
    answer = page.post("/ping", **secure)
    assert (answer.status_code, reached) == (204, [])
    assert sorted(answer.headers) == sorted(page.post("/ping", **secure, **BY_FLASK).headers)
    assert "Strict-Transport-Security" in answer.headers


def test_behind_a_proxy_the_clients_scheme_counts(database: Database, hall: Hall, user: User) -> None:
    with application_on(database, trusted_proxies=1) as app:
        page = signed_in(app, user)
        headers = {"X-CSRFToken": csrf(page), "Content-Length": "0"}
        page.get("/inbox")
        assert page.post("/ping", headers=headers).status_code == 204
        assert page.post("/ping", headers={**headers, "X-Forwarded-Proto": "https"}).status_code == 401


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"method": "GET"}, 405),
        ({"method": "HEAD"}, 405),
        ({"query_string": "x=%ff"}, 400),
        ({"data": {"more": "than a ping"}}, 204),
        ({"data": b"x", "headers": {"Transfer-Encoding": "chunked"}}, 204),
        ({"headers": {"X-CSRFToken": ""}}, 400),
        ({"headers": {"X-CSRFToken": "x.y.z"}}, 400),
        ({"headers": {"X-CSRFToken": "\xe9"}}, 400),
        ({"headers": {"X-Examhall-Person": "0"}}, 409),
        ({"headers": {"Connection": "upgrade", "Upgrade": "websocket"}}, 400),
        ({"path": "/ping/"}, 404),
    ],
)
def test_whatever_else_comes_gets_to_flask(
    page: FlaskClient, reached: list[str], changed: dict[str, Any], status: int
) -> None:
    given: dict[str, Any] = {"path": "/ping", "method": "POST", **changed}
    assert (page.open(**given).status_code, reached) == (status, [given["path"]])


@pytest.mark.parametrize("cookie", ["", "x", "{payload}", "{payload}.{time}.", "{payload}.{time}.x", "of another key"])
def test_a_cookie_that_is_not_signed_gets_to_flask(
    app: Flask, page: FlaskClient, reached: list[str], cookie: str
) -> None:
    """With the token of the session that it says it is."""
    name = app.config["SESSION_COOKIE_NAME"]
    good = page.get_cookie(name)
    assert good
    payload, time, _signature = good.value.rsplit(".", 2)
    forged = cookie.format(payload=payload, time=time)
    if cookie == "of another key":
        session = SessionCookie().get_signing_serializer(app).loads(good.value)  # type: ignore[union-attr]
        forged = URLSafeTimedSerializer("another", salt="cookie-session").dumps(session)
    page.set_cookie(name, forged)
    assert (page.post("/ping").status_code, reached) == (401, ["/ping"])


def test_a_ping_of_unknown_length_gets_to_flask(page: FlaskClient, reached: list[str]) -> None:
    """A server of HTTP/2 may give none, and there may be a form."""
    del page.environ_base["CONTENT_LENGTH"]
    assert (page.post("/ping").status_code, reached) == (204, ["/ping"])


def test_another_sessions_token_gets_to_flask(app: Flask, page: FlaskClient, hall: Hall, reached: list[str]) -> None:
    assert page.post("/ping", headers={"X-CSRFToken": csrf(signed_in(app, hall.person()))}).status_code == 400
    assert reached == ["/ping"]


@pytest.mark.parametrize(("hours", "status"), [(0.2, 204), (0.3, 204), (13, 204), (24 * 31 + 1, 401)])
def test_a_session_that_is_to_be_renewed_gets_to_flask(
    page: FlaskClient, reached: list[str], hours: float, status: int
) -> None:
    """Every quarter of an hour its cookie is signed anew; at the latest after 31 days it has ended."""
    with time_machine.travel(utcnow() + timedelta(hours=hours), tick=True):
        answer = page.post("/ping")
    is_over_a_quarter = hours > 0.25
    assert (answer.status_code, bool(reached)) == (status, is_over_a_quarter)
    assert ("Set-Cookie" in answer.headers) is (is_over_a_quarter and status == 204)


def test_a_session_that_was_signed_in_the_future_gets_to_flask(app: Flask, user: User, reached: list[str]) -> None:
    """A clock that was ahead has been set back."""
    with time_machine.travel(utcnow() + timedelta(hours=1), tick=True):
        page = signed_in(app, user)
        page.environ_base |= {"HTTP_X_CSRFTOKEN": csrf(page), "CONTENT_LENGTH": "0"}
        page.get("/inbox")
    reached.clear()
    assert (page.post("/ping").status_code, reached) == (401, ["/ping"])


def test_a_session_that_has_ended_gets_to_flask(
    app: Flask, page: FlaskClient, user: User, session: Session, reached: list[str]
) -> None:
    session.rollback()
    with app.app_context():
        current_push().sign_out(user.id, "")
    assert (page.post("/ping").status_code, reached) == (401, ["/ping"])


def test_before_its_loops_run_a_process_has_no_pings(database: Database, user: User) -> None:
    """Nobody would write that the person was seen."""
    with application_on(database) as app:
        page, push = signed_in(app, user), app.extensions["examhall_push"]
        headers = {"X-CSRFToken": csrf(page), "Content-Length": "0"}
        assert not push.is_started
        assert page.post("/ping", headers=headers).status_code == 204
        assert push.is_started


def test_it_counts_among_the_requests(page: FlaskClient, reached: list[str]) -> None:
    def counted() -> float:
        labels = {"endpoint": "push.ping", "status": "204"}
        return REGISTRY.get_sample_value("examhall_request_seconds_count", labels) or 0

    before = counted()
    page.post("/ping")
    page.post("/ping", **BY_FLASK)
    assert (counted() - before, reached) == (2, ["/ping"])
