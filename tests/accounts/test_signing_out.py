"""Signing out: trap 11, nothing of a person stays for the next one at that machine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.accounts.sign_in_form import PASSWORD, submit_sign_in, token_of
from tests.hall import Hall, signed_in
from webapp.accounts.passwords import hash_generated
from webapp.clock import utcnow
from webapp.models import User
from webapp.push.hub import Hub
from webapp.push.service import current_push

pytestmark = pytest.mark.one_database


@pytest.fixture
def anna(hall: Hall) -> User:
    return hall.person("Anna Ek", username="anna", password_hash=hash_generated(PASSWORD))


def hub_of(app: Flask) -> Hub:
    """The hub of the application, with room for streams (without gevent it offers none unless set)."""
    with app.app_context():
        hub = current_push().hub
    hub.capacity = 10
    return hub


def test_sign_out_clears_session_cache_and_storage(client: FlaskClient, anna: User) -> None:
    submit_sign_in(client, "anna", PASSWORD)
    answer = client.post("/logout", data={"csrf_token": token_of(client)})
    assert answer.status_code == 302
    assert answer.location == "/login"
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert answer.headers["Cache-Control"] == "no-store"
    with client.session_transaction() as cookie:
        assert not {"_user_id", "sid", "_fresh", "_id"} & set(cookie)
    assert client.get("/login").status_code == 200


def test_sign_out_needs_the_token(client: FlaskClient, anna: User) -> None:
    submit_sign_in(client, "anna", PASSWORD)
    assert client.post("/logout").status_code == 400
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] == anna.get_id()


def test_sign_out_by_get_is_not_taken(app: Flask, anna: User) -> None:
    client = signed_in(app, anna)
    assert client.get("/logout").status_code == 405
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] == anna.get_id()


def test_sign_out_twice_and_by_nobody_is_fine(client: FlaskClient, anna: User) -> None:
    submit_sign_in(client, "anna", PASSWORD)
    for _ in range(2):
        answer = client.post("/logout", data={"csrf_token": token_of(client)})
        assert answer.status_code == 302


def test_r21_whoever_signs_out_has_left(app: Flask, client: FlaskClient, hall: Hall, anna: User) -> None:
    candidacy = hall.candidacy(hall.test(), anna)
    submit_sign_in(client, "anna", PASSWORD)
    client.post("/logout", data={"csrf_token": token_of(client)})
    app.extensions["examhall_push"].presence.flush(hall.session, utcnow() + timedelta(seconds=10))
    hall.session.refresh(candidacy)
    assert candidacy.left_at


def test_another_device_stays_signed_in(app: Flask, anna: User) -> None:
    here, there = app.test_client(), app.test_client()
    submit_sign_in(here, "anna", PASSWORD)
    submit_sign_in(there, "anna", PASSWORD)
    here.post("/logout", data={"csrf_token": token_of(here)})
    assert there.get("/login").status_code == 302


def test_the_streams_of_this_session_end_and_no_others(app: Flask, client: FlaskClient, anna: User) -> None:
    """R13: whoever sits down next gets nothing of the one who left, also where the page stayed open."""
    submit_sign_in(client, "anna", PASSWORD)
    with client.session_transaction() as cookie:
        own_id = cookie["sid"]
    hub = hub_of(app)
    own, other = hub.open(anna.id, own_id), hub.open(anna.id, "another device")
    client.post("/logout", data={"csrf_token": token_of(client)})
    assert own.closing
    assert not other.closing


def test_signing_in_over_somebody_else_ends_their_streams(app: Flask, client: FlaskClient, anna: User) -> None:
    submit_sign_in(client, "anna", PASSWORD)
    with client.session_transaction() as cookie:
        stream = hub_of(app).open(anna.id, cookie["sid"])
    submit_sign_in(client, "anna", PASSWORD)
    assert stream.closing
