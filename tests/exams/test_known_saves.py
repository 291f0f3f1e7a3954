"""A page that has saved is known: what it saves next is stored without Flask, by the same rules."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.exams.rows import question_of
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from tests.push.test_known_pings import answered, counted
from webapp import known
from webapp.clock import utcnow
from webapp.db import connection, transactions
from webapp.db.transactions import writing
from webapp.exams.known_saves import LONGEST
from webapp.extensions import db
from webapp.models import Answer, Candidacy, EndedSession, User

PATIENCE = 1.0
CUT_ALL_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Page:
    """An exam page whose answer is stored, and which has saved since: the next save is known."""

    def __init__(self, app: Flask, hall: Hall, title: str = "Algebra") -> None:
        self.app, test = app, hall.test(title)
        self.candidacy = hall.candidacy(test, started_at=utcnow())
        self.candidacy_id, self.user_id = self.candidacy.id, self.candidacy.user_id
        self.client: FlaskClient = signed_in(app, hall.session.get_one(User, self.user_id))
        self.address = f"/tests/{test.id}/answers/{question_of(hall, test.id)}"
        self.headers = {**HTMX, "X-CSRFToken": csrf(self.client)}
        self.base = "0"
        for typed in ("first", "second"):
            assert self.save(typed)[0].status_code == 200

    def save(self, typed: str, **more: Any) -> tuple[TestResponse, bool]:
        """The answer, and whether it came through Flask; a version that it tells is what is saved over next."""
        form = {"text": typed, "base": self.base, "person": str(self.user_id)} | more.pop("fields", {})
        asked = {"data": form, "headers": self.headers, **more}
        with counted(self.app) as requests:
            answer = self.client.post(asked.pop("address", self.address), **asked)
        told = re.search(r'data-version="(\d+)"', answer.text)
        self.base = told[1] if told and answer.status_code == 200 else self.base
        return answer, bool(requests)

    def stored(self, session: Session) -> str:
        session.rollback()
        return session.scalars(select(Answer.text).where(Answer.candidacy_id == self.candidacy_id)).one()


@pytest.fixture
def page(app: Flask, hall: Hall) -> Page:
    return Page(app, hall)


def test_it_is_stored_and_answered_as_by_flask(app: Flask, page: Page, session: Session) -> None:
    app.extensions["examhall_push"].presence.flush(session, utcnow())
    seen = select(Candidacy.last_seen).where(Candidacy.id == page.candidacy_id)
    before = session.scalars(seen).one()
    known, through_flask = page.save("naïve & 100 % + „x“\r\n= more")
    assert not through_flask
    assert page.stored(session) == "naïve & 100 % + „x“\n= more"
    asked, through_flask = page.save("by another browser", headers={**page.headers, "User-Agent": "another"})
    assert through_flask
    assert (known.status, sorted(known.headers)) == (asked.status, sorted(asked.headers))
    assert re.sub(r"\d", "0", known.text) == re.sub(r"\d", "0", asked.text)
    app.extensions["examhall_push"].presence.flush(session, utcnow())
    after = session.scalars(seen).one()
    assert before
    assert after
    assert after > before  # R21


def test_whoever_says_anything_else_is_asked(app: Flask, page: Page, hall: Hall, session: Session) -> None:
    other = Page(app, hall, "Law")
    token = page.headers["X-CSRFToken"]
    for headers in (HTMX, {**HTMX, "X-CSRFToken": token[:-1]}, other.headers):
        for _ in range(2):
            answer, through_flask = page.save("forged", headers=headers)
            assert (answer.status_code, through_flask) == (400, True)
    assert page.save("not mine", address=other.address)[0].status_code == 404
    assert page.save("somebody else's page", fields={"person": str(other.user_id)})[0].status_code == 409
    assert app.test_client().post(page.address, headers=page.headers).status_code == 401
    assert page.stored(session) == "second"
    assert page.save("mine")[1] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"text=%ff&base={base}&person={person}", 400),
        (b"text=a&text=b&base={base}&person={person}", 200),
        (b"text=a&base={base}&more=1", 200),
        (b"text=a&base={base}&person={person}&more=1", 200),
        (b"text=a&base=x&person={person}", 400),
        (b"base={base}&person={person}&x=1", 400),
        (b"", 400),
        (b"text=" + LONGEST * b"a" + b"&base={base}&person={person}", 200),
    ],
)
def test_a_body_of_another_shape_goes_the_long_way(page: Page, body: bytes, status: int) -> None:
    said = body.replace(b"{base}", page.base.encode()).replace(b"{person}", str(page.user_id).encode())
    answer, through_flask = page.save("", data=said, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, through_flask) == (status, True)


def test_a_page_whose_token_was_in_the_form_is_not_known(page: Page, session: Session) -> None:
    """Its header may say anything, and the next form could come without a token."""
    headers = {**HTMX, "X-CSRFToken": "no token"}
    for _ in range(2):
        good = page.save("with a field", headers=headers, fields={"csrf_token": page.headers["X-CSRFToken"]})
        assert (good[0].status_code, good[1]) == (200, True)
    assert page.save("without", headers=headers)[0].status_code == 400
    assert page.stored(session) == "with a field"


def test_long_texts_push_nobody_out(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a boundary of its own: remembered, a hall of them would have everybody forgotten every two minutes."""
    monkeypatch.setattr(known, "REMEMBERED", 2)
    for number in range(3):
        assert page.save(f"long {number}", content_type="multipart/form-data")[0].status_code == 200
    assert page.save("short")[1] is False


def test_what_is_refused_is_said_in_words(page: Page, session: Session) -> None:
    elsewhere = page.base
    page.save("by another tab")
    page.base = elsewhere
    refused, through_flask = page.save("typed here")
    assert (refused.status_code, through_flask) == (409, True)
    with writing(session):
        session.execute(update(Candidacy).values(submitted_at=utcnow()))
    late, through_flask = page.save("too late")
    assert (late.status_code, through_flask) == (409, True)
    assert 'data-reason="submitted"' in late.text
    assert page.stored(session) == "by another tab"


def test_a_session_that_has_ended_is_not_known_any_more(page: Page, session: Session) -> None:
    with page.client.session_transaction() as cookie:
        session_id = cookie.get("sid", "")
    with writing(session):
        session.add(EndedSession(user_id=page.user_id, session_id=session_id, at=utcnow()))
    answer, through_flask = page.save("signed out")
    assert (answer.status_code, through_flask) == (401, True)
    assert page.stored(session) == "second"


def test_a_cookie_that_got_too_old_is_known_for_an_hour_at_the_most(page: Page, session: Session) -> None:
    with writing(session):
        session.execute(update(Candidacy).values(extra_minutes=60 * 24 * 40))
    with time_machine.travel(utcnow() + timedelta(hours=1), tick=True):
        assert page.save("an hour later")[1] is True  # which signs the cookie anew
        assert page.save("with that one")[1] is True
        assert page.save("and again")[1] is False
    with time_machine.travel(utcnow() + timedelta(days=32), tick=True):
        assert page.save("a month later")[0].status_code == 401
    assert page.stored(session) == "and again"


def test_it_is_counted_as_any_request(app: Flask, page: Page) -> None:
    before = answered(app, "exams.save", 200)
    assert page.save("counted")[1] is False
    assert answered(app, "exams.save", 200) == before + 1


@pytest.mark.only_on("sqlite")
def test_a_database_that_is_busy_is_waited_for_once(
    app: Flask, page: Page, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "WRITE_TIMEOUT_SECONDS", PATIENCE)
    path = session.get_bind().engine.url.database
    assert path
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answer, through_flask = page.save("kept in the page")
        assert (answer.status_code, through_flask) == (503, True)
        assert answer.headers["Retry-After"]
        assert time.monotonic() - began < 2 * PATIENCE
    assert page.save("kept in the page")[1] is False


@pytest.mark.only_on("postgresql")
def test_a_database_that_says_nothing_is_not_waited_for_for_ever(
    page: Page, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in any request, though it is none of Flask's: a lock is waited for for ten seconds."""
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 0.5)
    with writing(session):
        session.execute(update(Candidacy).values(saved_at=utcnow()))
        began = time.monotonic()
        assert page.save("kept in the page")[0].status_code == 503
        assert time.monotonic() - began < transactions.WRITE_TIMEOUT_SECONDS / 2
    # PostgreSQL may have stored it after all, when the lock was gone: the same text once more is good either way
    assert page.save("kept in the page")[0].status_code == 200
    assert page.stored(session) == "kept in the page"


@pytest.mark.only_on("postgresql")
def test_a_connection_that_was_cut_is_told_of_and_replaced(page: Page, session: Session) -> None:
    """As by a restart of the database."""
    with db.engine.connect():  # one more than the session's, which the next save gets
        session.execute(CUT_ALL_OTHERS)
    answer, through_flask = page.save("kept in the page")
    assert (answer.status_code, through_flask) == (503, True)
    assert answer.headers["Retry-After"]
    assert page.save("kept in the page")[1] is False
    assert page.stored(session) == "kept in the page"
