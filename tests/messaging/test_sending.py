"""POST /messages: what a sending writes, once (R1, R2), and what it answers."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.databases import refuse_inserts
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, fields_of, open_dialog, post
from tests.messaging.written import counts, recipients
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import LogEntry, LogSubject, Message, Test, User
from webapp.planning.closing import set_closed

TOKEN = re.compile(r'(?<=name="csrf_token" value=")[^"]+')


def test_r1_message_deliveries_and_log_are_written_together(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    people = [hall.candidacy(test, room="Hall A") for _ in range(3)]
    hall.candidacy(test, room="Hall B")
    answer = post(browser, open_dialog(browser, scope="filtered", room="Hall A"), subject="Stop", body="Pens\r\ndown")

    assert answer.status_code == 201
    message = session.scalars(select(Message)).one()
    assert answer.headers["Location"] == f"/messages/{message.id}"
    assert (message.subject, message.body, message.sender_role) == ("Stop", "Pens\ndown", "chief_invigilator")
    assert recipients(session) == {one.user_id for one in people}
    entry = session.scalars(select(LogEntry)).one()
    assert entry.id == message.id
    assert json.loads(entry.detail)["subject"] == "Stop"
    assert json.loads(entry.detail)["audience_words"] == ["Room: Hall A"]
    assert set(session.scalars(select(LogSubject.candidacy_id))) == {one.id for one in people}


@pytest.mark.one_database
def test_the_log_says_in_words_whom_a_filter_was_for(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    one = hall.candidacy(test, room="Aula")
    assert post(browser, open_dialog(browser, scope="filtered", test=test.id, room="Aula")).status_code == 201
    assert post(browser, open_dialog(browser, candidate=one.id), room="Aula").status_code == 201
    session.rollback()
    said = [json.loads(entry.detail)["audience_words"] for entry in session.scalars(select(LogEntry))]
    assert said == [[f"Test: {test.title}", "Room: Aula"], []]


@pytest.mark.one_database
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_r1_r8_what_is_committed_is_answered_and_then_pushed(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session, headers: dict[str, str]
) -> None:
    """The sender does not wait until the streams of a hall are written to."""
    hall.candidacy(test)
    form = {**open_dialog(browser, scope="filtered"), "subject": "a", "body": "b"}
    push = app.extensions["examhall_push"]
    push.stop()  # or the sweep might come between
    answer = browser.post("/messages", data=form, headers=headers, buffered=False)
    number = session.scalars(select(Message.id)).one()
    assert answer.headers["Location"] == f"/messages/{number}"
    assert not push.hub.has_handed_out(number)
    answer.close()
    assert push.hub.has_handed_out(number)


@pytest.mark.parametrize("table", ["delivery", "log_subject", "log_entry", "message"])
def test_r1_a_failure_anywhere_leaves_nothing(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, table: str
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    refuse_inserts(session, table)
    assert post(browser, form).status_code == 500
    assert counts(session) == (0, 0, 0, 0)


def test_r2_the_same_form_ten_times_at_once_is_one_message_and_ten_equal_answers(
    app: Flask, hall: Hall, test: Test, sender: User, session: Session
) -> None:
    hall.candidacies(test, 5)
    browser = signed_in(app, sender)
    form = open_dialog(browser, scope="filtered")
    cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie

    def press(_: int) -> TestResponse:
        tab = app.test_client()
        tab.set_cookie(cookie.key, cookie.value)
        return post(tab, form)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(press, range(10)))
    assert {answer.status_code for answer in answers} == {201}
    # the token of a form has the second in which it was made
    assert len({TOKEN.sub("", answer.text) for answer in answers}) == 1
    assert counts(session) == (1, 5, 1, 5)


def test_r2_the_same_form_again_is_answered_as_before_even_if_the_audience_is_another(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    first = post(browser, form)
    hall.candidacy(test)
    again = post(browser, form)
    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])
    assert counts(session)[0] == 1


@pytest.mark.one_database
@pytest.mark.parametrize("change", [{"subject": "Other"}, {"body": "Other"}, {"room": "Room 1"}])
def test_r2_the_same_key_with_other_content_is_refused_with_a_new_key_and_the_text(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, change: dict[str, str]
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    post(browser, form)
    refused = post(browser, form, **change)
    assert refused.status_code == 409
    assert counts(session)[0] == 1
    fresh = fields_of(refused)
    assert fresh["idempotency_key"] != form["idempotency_key"]
    assert change.get("body", "Ten more minutes.") in refused.text
    assert post(browser, fresh, **change).status_code == 201
    assert counts(session)[0] == 2


def test_r2_comes_before_r3(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    post(browser, form)
    hall.candidacy(test)
    assert "already sent" in post(browser, form, subject="Other").text


def test_r2_a_key_is_one_senders_own(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    post(browser, form)
    colleague = signed_in(app, hall.contributor(test))
    own = open_dialog(colleague, scope="filtered")
    assert post(colleague, own, idempotency_key=form["idempotency_key"]).status_code == 201
    assert counts(session)[0] == 2


@pytest.mark.one_database
@pytest.mark.parametrize("key", ["", "x" * 65, "with space", "ключ-ключ"])
def test_r2_a_form_without_a_proper_key_is_refused(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, key: str
) -> None:
    hall.candidacy(test)
    assert post(browser, open_dialog(browser, scope="filtered"), idempotency_key=key).status_code == 400
    assert counts(session) == (0, 0, 0, 0)


@pytest.mark.one_database
def test_without_htmx_success_leads_to_the_log_entry(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    form = {**open_dialog(browser, scope="filtered"), "subject": "a", "body": "b"}
    answer = browser.post("/messages", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/messages/1")
    shown = browser.get("/messages/1")
    assert shown.status_code == 200
    assert "Person" in shown.text


def test_without_htmx_a_refusal_is_a_page_with_the_text(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    form = {**open_dialog(browser, scope="filtered"), "subject": "", "body": "kept"}
    answer = browser.post("/messages", data=form)
    assert answer.status_code == 422
    assert "<!doctype html>" in answer.text
    assert "kept" in answer.text


@pytest.mark.one_database
def test_traps_22_and_23_success_says_how_many_and_a_colleague_is_warned(
    app: Flask, hall: Hall, test: Test, sender: User, browser: FlaskClient
) -> None:
    hall.candidacies(test, 4)
    sent = post(browser, open_dialog(browser, scope="filtered"), subject="Fire drill")
    assert "Sent to 4 people" in sent.text
    assert 'href="/messages/1"' in sent.text
    colleague = signed_in(app, hall.contributor(test))
    warned = colleague.get("/messages/new?scope=filtered", headers=HTMX)
    assert "Fire drill" in warned.text
    assert "to 4 of these people" in warned.text
    assert post(colleague, fields_of(warned)).status_code == 201


def test_the_warning_ends_after_two_minutes(hall: Hall, test: Test, browser: FlaskClient, session: Session) -> None:
    hall.candidacy(test)
    post(browser, open_dialog(browser, scope="filtered"))
    with writing(session):
        session.scalars(select(Message)).one().sent_at = utcnow() - timedelta(minutes=2, seconds=1)
    assert "data-overlap" not in browser.get("/messages/new?scope=filtered", headers=HTMX).text


def test_everything_stays_equal_under_a_key_made_by_a_machine(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    assert post(browser, form, idempotency_key=os.urandom(16).hex()).status_code == 201


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_r26_a_form_that_was_open_while_its_test_was_closed_is_told_so(
    session: Session, test: Test, hall: Hall, browser: FlaskClient, headers: dict[str, str]
) -> None:
    """The sender's role is not to blame."""
    hall.candidacy(test)
    form = {**open_dialog(browser, scope="filtered"), "subject": "Please note", "body": "Ten more minutes."}
    set_closed(session, test.title, test.start_date, closed=True, now=utcnow())
    for answer in (
        browser.post("/messages", data=form, headers=headers),
        browser.get("/messages/new?scope=filtered", headers=headers),
    ):
        assert answer.status_code == 403
        assert "None of your tests is open now" in answer.text
        assert "Your role" not in answer.text
    session.rollback()
    assert session.scalars(select(Message)).all() == []


def test_a_form_with_an_unknown_time_sends_nothing(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    assert post(browser, form, when="yesterday").status_code == 400
    assert counts(session) == (0, 0, 0, 0)
