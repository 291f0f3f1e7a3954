"""Signing in by HTTP: the session, the words, and the ways in which it is refused."""

from __future__ import annotations

import re
import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from tests.accounts.sign_in_form import PASSWORD, submit_sign_in
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from webapp.accounts.passwords import hash_password
from webapp.db.transactions import WRITE
from webapp.extensions import db
from webapp.models import SignInBudget, User

pytestmark = pytest.mark.one_database


@pytest.fixture
def anna(hall: Hall) -> User:
    return hall.person("Anna Ek", username="anna", password_hash=hash_password(PASSWORD))


def test_the_right_password_signs_in(client: FlaskClient, anna: User) -> None:
    answer = submit_sign_in(client, "anna", PASSWORD)
    assert answer.status_code == 302
    assert answer.location == "/"
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] == anna.get_id()


def test_case_and_compatibility_forms_of_a_username_do_not_matter(app: Flask, anna: User) -> None:
    for typed in ("ANNA", " anna ", "Ａnna"):
        assert submit_sign_in(app.test_client(), typed, PASSWORD).status_code == 302, typed


def test_a_wrong_password_is_422_and_keeps_the_username(client: FlaskClient, anna: User) -> None:
    answer = submit_sign_in(client, "anna", "something else")
    assert answer.status_code == 422
    assert 'value="anna"' in answer.text
    assert "something else" not in answer.text


def test_an_unknown_username_gets_the_same_words(client: FlaskClient, anna: User) -> None:
    def words(username: str) -> str:
        page = submit_sign_in(client, username, "wrong password").text
        found = re.search(r'role="alert">(.*?)</div>', page, re.DOTALL)
        assert found is not None
        return found[1]

    assert words("anna") == words("nobody")


def test_somebody_without_a_password_cannot_sign_in(client: FlaskClient, hall: Hall) -> None:
    hall.person(username="empty")
    assert submit_sign_in(client, "empty", "").status_code == 422
    assert submit_sign_in(client, "empty", "None").status_code == 422


def test_bad_input_is_refused_with_a_text(client: FlaskClient, session: Session, anna: User) -> None:
    """Before any of it is stored, which PostgreSQL would refuse otherwise."""
    for username, password in (
        ("a" * 10_000, "b"),
        ("anna", "b" * 10_000),
        ("an\0na", "b"),
        ("anna", "b\0"),
        ("", ""),
        ("anna", ""),
        ("   ", PASSWORD),
        ("\ufdfa" * 140, PASSWORD),  # grows eighteenfold when normalised
    ):
        answer = submit_sign_in(client, username, password)
        assert answer.status_code == 422, (username[:9], password[:9])
        assert "Wrong username or password" in answer.text
        assert len(username) < 200 or username not in answer.text
        session.rollback()
        assert session.scalars(select(SignInBudget)).all() == [], (username[:9], password[:9])


def test_lone_surrogates_are_refused_with_a_text(client: FlaskClient, anna: User) -> None:
    answer = submit_sign_in(client, b"anna\xed\xa0\x80", b"\xed\xa0\x80")
    assert answer.status_code == 400
    assert "request is not valid" in answer.text


def test_without_a_csrf_token_nothing_happens(client: FlaskClient, anna: User) -> None:
    answer = client.post("/login", data={"username": "anna", "password": PASSWORD})
    assert answer.status_code == 400
    with client.session_transaction() as cookie:
        assert "_user_id" not in cookie


def test_the_session_is_new_after_signing_in(client: FlaskClient, anna: User) -> None:
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    submit_sign_in(client, "anna", PASSWORD)
    with client.session_transaction() as cookie:
        first = cookie["sid"]
        assert "planted" not in cookie
        assert len(first) >= 16
    submit_sign_in(client, "anna", PASSWORD)
    with client.session_transaction() as cookie:
        assert cookie["sid"] != first


def test_whoever_is_signed_in_goes_on(app: Flask, anna: User) -> None:
    answer = signed_in(app, anna).get("/login?next=/monitor%3Fq%3Da")
    assert answer.status_code == 302
    assert answer.location == "/monitor?q=a"
    assert signed_in(app, anna).get("/login?next=//evil.example").location == "/"


def test_a_session_ends_with_its_epoch(app: Flask, session: object, anna: User) -> None:
    client = signed_in(app, anna)
    with client.session_transaction() as cookie:
        cookie["_user_id"] = f"{anna.id}.{anna.epoch + 1}"
    assert client.get("/login").status_code == 200


@pytest.mark.parametrize("moment", [1, 2], ids=["while it is checked", "after it was right"])
def test_a_password_that_is_replaced_at_the_last_moment_opens_no_session(app: Flask, anna: User, moment: int) -> None:
    """The new session counts from what the password was compared with, not from what was stored since."""
    commits = []

    def replace(_session: Session) -> None:
        commits.append(1)
        if len(commits) == moment:  # of the try, and of its success
            writing = {WRITE: time.monotonic() + 5}
            with db.engine.connect().execution_options(**writing) as connection, connection.begin():
                connection.execute(update(User).values(password_hash="another", epoch=User.epoch + 1))

    client = app.test_client()
    event.listen(db.session, "after_commit", replace)
    try:
        answer = submit_sign_in(client, "anna", PASSWORD)
    finally:
        event.remove(db.session, "after_commit", replace)
    assert answer.status_code == (422 if moment == 1 else 302)
    assert len(commits) >= moment
    assert client.get("/inbox").status_code == 302


def test_a_strange_session_is_nobody(app: Flask, anna: User) -> None:
    for kept in ("", "x", "1", "1.", "-1.0", "9" * 30 + ".0", "٣.0", "1.0\n", "999999999999999999.0"):
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"] = kept
        assert client.get("/login").status_code == 200, kept
        assert client.post("/ping", headers={"X-CSRFToken": csrf(client)}).status_code == 401, kept


def test_signing_in_again_as_somebody_else_replaces_the_person(
    app: Flask, client: FlaskClient, hall: Hall, anna: User
) -> None:
    other = hall.person("Bo Li", username="bo", password_hash=hash_password("another password"))
    submit_sign_in(client, "anna", PASSWORD)
    submit_sign_in(client, "bo", "another password")
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] == other.get_id()


def test_other_verbs_are_not_taken(client: FlaskClient) -> None:
    client.get("/login")
    for verb in ("PUT", "DELETE", "PATCH"):
        assert client.open("/login", method=verb).status_code in {400, 405}, verb


def test_the_page_is_not_kept_and_carries_its_policy(client: FlaskClient) -> None:
    answer = client.get("/login")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.text.count("<h1") == 1
