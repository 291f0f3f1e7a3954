"""The pings that are answered before Flask, and those that are not: each answer is what Flask's would be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask, request, request_started
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.databases import Database, application_on
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from webapp.clock import utcnow
from webapp.metrics import REGISTRY
from webapp.models import User
from webapp.push.service import current_push

pytestmark = pytest.mark.one_database

BY_FLASK = {"query_string": "by=Flask"}


@pytest.fixture
def user(hall: Hall) -> User:
    return hall.session.get_one(User, hall.candidacy(hall.test(ends_at=utcnow() + timedelta(days=2))).user_id)


@pytest.fixture
def page(app: Flask, user: User) -> FlaskClient:
    """A page of this person, which sends its token with each request; the process has had a request."""
    client = signed_in(app, user)
    client.environ_base["HTTP_X_CSRFTOKEN"] = csrf(client)
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
        headers = {"X-CSRFToken": csrf(page)}
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
        ({"headers": {"Cookie": "{name}="}}, 401),
        ({"headers": {"Cookie": "{name}=x"}}, 401),
        ({"path": "/ping/"}, 404),
    ],
)
def test_whatever_else_comes_gets_to_flask(
    app: Flask, page: FlaskClient, reached: list[str], changed: dict[str, Any], status: int
) -> None:
    given: dict[str, Any] = {"path": "/ping", "method": "POST", **changed}
    if "Cookie" in given.get("headers", {}):
        page = app.test_client()  # which has none of its own
        given["headers"] = {"Cookie": given["headers"]["Cookie"].format(name=app.config["SESSION_COOKIE_NAME"])}
    assert (page.open(**given).status_code, reached) == (status, [given["path"]])


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
        headers = {"X-CSRFToken": csrf(page)}
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
