"""A ping that was good is answered without Flask the next time: the same answer, and its person is seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from flask import Flask, request_started
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from webapp import known
from webapp.clock import utcnow
from webapp.models import Candidacy, User


class Page:
    """A page of somebody's, with the token that it got."""

    def __init__(self, app: Flask, user: User) -> None:
        self.app = app
        self.client: FlaskClient = signed_in(app, user)
        self.headers = {"X-CSRFToken": csrf(self.client)}

    def ping(self, **more: object) -> tuple[int, list[tuple[str, str]], bool]:
        """Status and headers of a ping, and whether it went through Flask."""
        address = str(more.pop("address", "/ping"))
        with counted(self.app) as requests:
            answer = self.client.post(address, **{"headers": self.headers, **more})  # type: ignore[arg-type]
        return answer.status_code, list(answer.headers), bool(requests)


@contextmanager
def counted(app: Flask) -> Iterator[list[object]]:
    """The requests that Flask begins."""
    begun: list[object] = []

    def note(sender: Flask, **_more: object) -> None:
        begun.append(sender)

    with request_started.connected_to(note, app):
        yield begun


def answered(app: Flask, endpoint: str, status: int) -> float:
    """How often, as the metrics have it."""
    told = app.test_client().get("/metrics").text
    found = re.search(rf'request_seconds_count\{{endpoint="{endpoint}",status="{status}"\}} (\S+)', told)
    return float(found[1]) if found else 0.0


@pytest.fixture
def user(hall: Hall) -> User:
    return hall.session.get_one(User, hall.candidacy(hall.test()).user_id)


@pytest.fixture
def page(app: Flask, user: User) -> Page:
    return Page(app, user)


def test_the_same_ping_has_the_same_answer(page: Page) -> None:
    status, headers, through_flask = page.ping()
    assert (status, through_flask) == (204, True)
    assert ("Cache-Control", "no-store") in headers
    assert ("X-Examhall", "1") in headers
    assert [page.ping() for _ in range(2)] == [(204, headers, False)] * 2


def test_r21_its_person_is_seen(app: Flask, page: Page, user: User, session: Session) -> None:
    recorder = app.extensions["examhall_push"].presence
    page.ping()
    recorder.flush(session, utcnow())
    own = select(Candidacy.last_seen).where(Candidacy.user_id == user.id)
    first = session.scalars(own).one()
    assert first
    assert page.ping()[2] is False
    recorder.flush(session, utcnow())
    later = session.scalars(own).one()
    assert later
    assert later > first


def test_whoever_says_anything_else_is_asked(app: Flask, page: Page, hall: Hall) -> None:
    page.ping()
    other = Page(app, hall.person())
    token = page.headers["X-CSRFToken"]
    assert page.ping(headers={})[0::2] == (400, True)
    assert page.ping(headers={"X-CSRFToken": token[:-1]})[0::2] == (400, True)
    assert other.ping(headers=page.headers)[0::2] == (400, True)
    assert page.ping(address="/ping?x=%ff")[0::2] == (400, True)
    for body in ("a=1", "a=2"):
        form = {"data": body, "content_type": "application/x-www-form-urlencoded"}
        assert page.ping(**form)[0::2] == (204, True)
    assert page.ping(headers={**page.headers, "User-Agent": "another one"})[0::2] == (204, True)
    with counted(app) as requests:
        assert page.client.get("/ping", headers=page.headers).status_code == 405
        assert app.test_client().post("/ping", headers=page.headers).status_code == 401
        assert len(requests) == 2
    assert page.ping()[0::2] == (204, False)


def test_what_was_refused_is_refused_again(page: Page) -> None:
    assert [page.ping(headers={})[0::2] for _ in range(2)] == [(400, True)] * 2


def test_a_cookie_that_got_too_old_is_known_for_an_hour_at_the_most(page: Page) -> None:
    page.ping()
    with time_machine.travel(utcnow() + timedelta(hours=1), tick=True):
        assert page.ping()[0::2] == (204, True)  # which signs the cookie anew
        assert page.ping()[0::2] == (204, True)
        assert page.ping()[0::2] == (204, False)
    with time_machine.travel(utcnow() + timedelta(days=32), tick=True):
        assert page.ping()[0] == 401


def test_they_are_counted_as_any_request(app: Flask, page: Page) -> None:
    page.ping()
    before = answered(app, "push.ping", 204)
    assert page.ping()[2] is False
    assert answered(app, "push.ping", 204) == before + 1


def test_no_more_are_remembered_than_there_may_be(app: Flask, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that gives each request a number of its own makes every ping a new one."""
    monkeypatch.setattr(known, "REMEMBERED", 3)
    for number in range(4):
        assert page.ping(headers={**page.headers, "X-Request-Id": str(number)})[0::2] == (204, True)
    assert page.ping(headers={**page.headers, "X-Request-Id": "3"})[0::2] == (204, False)
    assert page.ping(headers={**page.headers, "X-Request-Id": "0"})[0::2] == (204, True)
