"""A session that no longer counts is emptied at once, everywhere; one that nobody uses ends, but never in an exam."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.accounts.sign_in_form import PASSWORD, submit_sign_in, token_of
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from tests.nightly import at_night
from webapp.accounts.passwords import hash_generated
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Test, User
from webapp.push.service import current_push

pytestmark = pytest.mark.one_database


@pytest.fixture
def anna(hall: Hall) -> User:
    anna = hall.person("Anna Ek", username="anna", password_hash=hash_generated(PASSWORD))
    hall.candidacy(hall.test(), anna)
    return anna


@pytest.fixture
def copied(app: Flask, client: FlaskClient, anna: User) -> FlaskClient:
    """A browser with a copy of the cookie of a session that has been signed out."""
    submit_sign_in(client, "anna", PASSWORD)
    copy = app.test_client()
    token = token_of(client)
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie
    copy.set_cookie(cookie.key, cookie.value)
    client.post("/logout", data={"csrf_token": token})
    copy.environ_base["HTTP_X_CSRFTOKEN"] = token
    return copy


def kept(client: FlaskClient) -> set[str]:
    """What the session cookie holds about who is signed in."""
    with client.session_transaction() as cookie:
        return {"_user_id", "sid", "_fresh"} & set(cookie)


def last_seen(app: Flask, session: Session, user: User) -> datetime | None:
    """What the list says after the next batch."""
    with app.app_context():
        current_push().presence.flush(session, utcnow())
    session.rollback()
    return session.query(Candidacy).filter_by(user_id=user.id).one().last_seen


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/ping", 401),
        ("GET", "/stream", 401),
        ("GET", "/", 302),
        ("POST", "/tests/1/answers/1", 401),
        ("OPTIONS", "/ping", 401),
        ("OPTIONS", "/tests/1/answers/1", 401),
        *at_night(("GET", "/login", 200), ("GET", "/nowhere", 404), ("GET", "/inbox/new", 401)),
        *at_night(("POST", "/logout", 302)),
    ],
)
def test_a_signed_out_cookie_is_emptied(
    app: Flask, session: Session, anna: User, copied: FlaskClient, method: str, path: str, status: int
) -> None:
    with app.app_context():
        current_push().presence.flush(session, utcnow())
        current_push().hub.capacity = 10  # without gevent there are no streams unless set
    with writing(session):
        session.execute(update(Candidacy).values(last_seen=None))
    answer = copied.open(path, method=method, data={"text": "x"} if method == "POST" and "answers" in path else None)
    assert answer.status_code == status
    assert kept(copied) == set()
    assert last_seen(app, session, anna) is None


def test_a_process_that_has_not_heard_of_the_end_finds_it_with_its_next_batch(
    app: Flask, session: Session, anna: User, copied: FlaskClient
) -> None:
    """R21: until then the ping is answered, and nobody is online by it."""
    with app.app_context():
        push = current_push()
    push.presence.flush(session, utcnow())
    with writing(session):
        session.execute(update(Candidacy).values(last_seen=None))
    push.hub._ended.clear()
    assert copied.post("/ping").status_code == 204
    assert last_seen(app, session, anna) is None
    assert copied.post("/ping").status_code == 401
    assert kept(copied) == set()


def test_a_ping_before_a_new_password_counts_no_longer_after_it(app: Flask, session: Session, anna: User) -> None:
    browser = signed_in(app, anna)
    headers = {"X-CSRFToken": csrf(browser)}
    for status in (204, 401):
        assert browser.post("/ping", headers=headers).status_code == status
        with writing(session):
            session.execute(update(User).values(epoch=User.epoch + 1))
        with app.app_context():
            current_push().presence.flush(session, utcnow())


@pytest.mark.parametrize(("path", "status", "is_renewed"), [("/ping", 204, True), ("/stream", 503, False)])
def test_a_cookie_is_signed_anew_only_by_what_has_checked_the_session(
    app: Flask, anna: User, path: str, status: int, *, is_renewed: bool
) -> None:
    """A copy that is signed again and again would outlive the row of its ended session. No stream is left here."""
    browser = signed_in(app, anna)
    headers = {"X-CSRFToken": csrf(browser)}
    with app.app_context():
        current_push().hub.capacity = 0
    with time_machine.travel(utcnow() + timedelta(hours=1), tick=True):
        answer = browser.open(path, method="POST" if path == "/ping" else "GET", headers=headers)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (status, is_renewed)


def test_only_these_views_check_the_session_themselves(app: Flask) -> None:
    """A view that is marked so and does not would let copies of ended sessions' cookies in."""
    marked = {name for name, view in app.view_functions.items() if getattr(view, "checks_session_itself", False)}
    assert marked == {"push.stream", "push.ping", "exams.save"}


def in_hours(hours: float, browser: FlaskClient, path: str = "/inbox") -> TestResponse:
    """A page that is asked for so many hours from now."""
    with time_machine.travel(utcnow() + timedelta(hours=hours), tick=True):
        return browser.get(path)


def test_a_staff_members_session_ends_after_twelve_hours_without_a_request(app: Flask, hall: Hall) -> None:
    staff = hall.contributor(hall.test(ends_at=utcnow() + timedelta(hours=48)))
    browser = signed_in(app, staff)
    assert in_hours(11.9, browser, "/monitor").status_code == 200
    assert in_hours(23.5, browser, "/monitor").status_code == 200  # the last request was not twelve hours ago
    answer = in_hours(35.6, browser, "/monitor")
    assert answer.status_code == 302
    assert kept(browser) == set()
    idle = signed_in(app, staff)
    token = csrf(idle)
    with time_machine.travel(utcnow() + timedelta(hours=12.1), tick=True):
        assert idle.post("/ping", headers={"X-CSRFToken": token}).status_code == 401


def test_r22_a_candidates_session_ends_by_idling_once_the_last_test_is_closed(
    app: Flask, hall: Hall, session: Session
) -> None:
    one, two = hall.test("Algebra"), hall.test("Law")
    ada = hall.person()
    for test in (one, two):
        hall.candidacy(test, ada)
    browser, another = signed_in(app, ada), signed_in(app, ada)
    close(session, one)
    assert in_hours(30, browser).status_code == 200
    close(session, two)
    assert in_hours(41.9, browser).status_code == 200
    assert in_hours(13, another).status_code == 302
    assert kept(another) == set()


def close(session: Session, test: Test) -> None:
    with writing(session):
        session.execute(update(Test).where(Test.id == test.id).values(closed_at=utcnow()))


def test_a_page_of_one_person_is_not_opened_for_the_next_who_signs_in(app: Flask, hall: Hall, anna: User) -> None:
    """Whether the session has ended by itself, or its person has signed out; the same person goes on there."""
    hall.person(username="bo", password_hash=hash_generated(PASSWORD))
    for leaves in (lambda one: one.post("/logout", data={"csrf_token": token_of(one)}), end_session):
        for username, expected in (("bo", "/"), ("anna", "/tests/1?a=b")):
            browser = app.test_client()
            submit_sign_in(browser, "anna", PASSWORD)
            leaves(browser)
            led = browser.get("/tests/1?a=b")
            assert led.location == "/login?next=/tests/1?a%3Db"
            assert browser.get(led.location).status_code == 200
            assert submit_sign_in(browser, username, PASSWORD, "/tests/1?a=b").location == expected
            assert browser.get(led.location).location == expected


def test_the_latest_eight_pages_of_an_ended_session_are_remembered(app: Flask, hall: Hall, anna: User) -> None:
    """The cookie has no room for more."""
    hall.person(username="bo", password_hash=hash_generated(PASSWORD))
    browser = app.test_client()
    submit_sign_in(browser, "anna", PASSWORD)
    end_session(browser)
    pages = [f"/tests/{number}" for number in range(1, 10)]
    for page in pages:
        browser.get(page)
    submit_sign_in(browser, "bo", PASSWORD)
    led = [browser.get("/login", query_string={"next": page}).location for page in pages]
    assert led == [pages[0], *["/"] * 8]


def end_session(browser: FlaskClient) -> None:
    with browser.session_transaction() as cookie:
        cookie["_user_id"] = cookie["_user_id"].partition(".")[0] + ".999"


def test_who_was_never_here_goes_where_the_link_leads(app: Flask, anna: User) -> None:
    browser = app.test_client()
    assert browser.get("/tests/1").location == "/login?next=/tests/1"
    assert submit_sign_in(browser, "anna", PASSWORD, "/tests/1").location == "/tests/1"


def test_the_second_of_two_sign_in_tabs_works(app: Flask, hall: Hall, anna: User) -> None:
    """Its token belongs to the session before; and it is good for nothing else."""
    hall.person("Bo Ek", username="bo", password_hash=hash_generated(PASSWORD))
    browser = app.test_client()
    token = token_of(browser, "/login")
    for username in ("anna", "anna", "bo"):
        form = {"username": username, "password": PASSWORD, "next": "/inbox", "csrf_token": token}
        answer = browser.post("/login", data=form)
        assert (answer.status_code, answer.location) == (302, "/inbox")
    assert "Bo Ek" in browser.get("/inbox").text
    assert browser.post("/inbox/close", data={"csrf_token": token}).status_code == 400
    browser.post("/logout", data={"csrf_token": token_of(browser)})
    assert browser.post("/login", data=form).status_code == 302


def test_a_sign_in_page_that_has_become_too_old_is_shown_again(client: FlaskClient, anna: User) -> None:
    """With the username, and with a token that is good: the same form sent once more signs in."""
    form = {"username": "anna", "password": PASSWORD, "next": "/inbox", "csrf_token": "of another day"}
    answer = client.post("/login", data=form)
    assert answer.status_code == 400
    assert "open for too long" in answer.text
    assert 'value="anna"' in answer.text
    form["csrf_token"] = answer.text.split('name="csrf_token" value="')[1].split('"')[0]
    assert client.post("/login", data=form).location == "/inbox"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/inbox/new"), ("GET", "/stream"), ("POST", "/ping"), ("GET", "/monitor")]
)
def test_a_fragment_for_nobody_begins_no_session(client: FlaskClient, method: str, path: str) -> None:
    """Its cookie would replace that of a sign-in page in another tab, whose form would have become too old."""
    answer = client.open(path, method=method, headers={"HX-Request": "true"})
    assert answer.status_code in {400, 401}
    assert "Set-Cookie" not in answer.headers
