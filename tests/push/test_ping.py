"""`POST /ping`: its person is seen, and the request asks no database (R21)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from tests.statements import statements
from webapp.clock import utcnow
from webapp.models import Candidacy, User


@pytest.fixture
def user(hall: Hall) -> User:
    return hall.session.get_one(User, hall.candidacy(hall.test()).user_id)


@pytest.fixture
def page(app: Flask, user: User) -> FlaskClient:
    """A page of this person, which sends its token with each request."""
    client = signed_in(app, user)
    client.environ_base["HTTP_X_CSRFTOKEN"] = csrf(client)
    return client


def test_it_is_answered_without_the_database(app: Flask, page: FlaskClient) -> None:
    page.get("/inbox")  # the process has had its first request
    with statements(app) as executed:
        answer = page.post("/ping")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (204, "no-store")
    assert executed == []


def test_r21_its_person_is_seen(app: Flask, page: FlaskClient, user: User, session: Session) -> None:
    recorder = app.extensions["examhall_push"].presence
    last_seen = select(Candidacy.last_seen).where(Candidacy.user_id == user.id)
    seen = []
    for _ in range(2):
        page.post("/ping")
        recorder.flush(session, utcnow())
        seen.append(session.scalars(last_seen).one())
        session.rollback()
    assert None not in seen
    assert seen[0] < seen[1]


def test_it_is_refused_without_its_own_persons_token_and_session(app: Flask, page: FlaskClient, hall: Hall) -> None:
    other = signed_in(app, hall.person())
    token = page.environ_base["HTTP_X_CSRFTOKEN"]
    assert page.post("/ping", headers={"X-CSRFToken": ""}).status_code == 400
    assert page.post("/ping", headers={"X-CSRFToken": token[:-1]}).status_code == 400
    assert other.post("/ping", headers={"X-CSRFToken": token}).status_code == 400
    assert page.post("/ping?x=%ff").status_code == 400
    assert page.get("/ping").status_code == 405
    assert app.test_client().post("/ping", headers={"X-CSRFToken": token}).status_code == 401
    with time_machine.travel(utcnow() + timedelta(days=32), tick=True):
        assert page.post("/ping").status_code == 401
