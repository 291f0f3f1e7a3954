"""POST /messages: what a sending writes, and when it is refused."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, fields_of, open_dialog, post, reopen
from webapp.clock import utcnow
from webapp.database import writing
from webapp.models import Candidacy, Contribution, Delivery, LogEntry, LogSubject, Message, Role, Test, User


def counts(session: Session) -> tuple[int, int, int, int]:
    """Messages, deliveries, log entries, subjects: all that a sending writes."""
    session.rollback()
    return tuple(
        session.scalar(select(func.count()).select_from(t)) or 0 for t in (Message, Delivery, LogEntry, LogSubject)
    )  # type: ignore[return-value]


def recipients(session: Session) -> set[int]:
    """The people whom anything was delivered to."""
    session.rollback()
    return set(session.scalars(select(Delivery.user_id)))


@pytest.fixture
def test(hall: Hall) -> Test:
    return hall.test()


@pytest.fixture
def sender(hall: Hall, test: Test) -> User:
    return hall.contributor(test, role=Role.CHIEF_INVIGILATOR)


@pytest.fixture
def browser(app: Flask, sender: User) -> FlaskClient:
    return signed_in(app, sender)


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
    assert set(session.scalars(select(LogSubject.candidacy_id))) == {one.id for one in people}


@pytest.mark.parametrize("table", ["delivery", "log_subject", "log_entry", "message"])
def test_r1_a_failure_anywhere_leaves_nothing(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, table: str
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    with writing(session):
        session.execute(
            text(f"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END")
        )
    assert post(browser, form).status_code == 500
    assert counts(session) == (0, 0, 0, 0)


def test_r2_the_same_form_ten_times_at_once_is_one_message_and_ten_equal_answers(
    app: Flask, hall: Hall, test: Test, sender: User, session: Session
) -> None:
    hall.candidacies(test, 5)
    browser = signed_in(app, sender)
    form = open_dialog(browser, scope="filtered")
    cookie = browser.get_cookie("examhall_session")
    assert cookie

    def press(_: int) -> TestResponse:
        tab = app.test_client()
        tab.set_cookie(cookie.key, cookie.value)
        return post(tab, form)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(press, range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
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


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space", "ключ-ключ"])
def test_r2_a_form_without_a_proper_key_is_refused(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, key: str
) -> None:
    hall.candidacy(test)
    assert post(browser, open_dialog(browser, scope="filtered"), idempotency_key=key).status_code == 400
    assert counts(session) == (0, 0, 0, 0)


def test_r3_people_who_joined_and_left_refuse_the_sending_and_are_counted(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    gone = [hall.candidacy(test, room="Hall A") for _ in range(3)]
    form = open_dialog(browser, scope="filtered", room="Hall A")
    with writing(session):
        session.get_one(Candidacy, gone[0].id).room = "Hall B"
    for _ in range(2):
        hall.candidacy(test, room="Hall A")
    refused = post(browser, form, subject="Kept <subject>")
    assert refused.status_code == 409
    assert "2 persons joined" in refused.text
    assert "1 left" in refused.text
    assert "Kept &lt;subject&gt;" in refused.text
    assert counts(session) == (0, 0, 0, 0)


def test_r3_the_next_press_sends_to_the_frozen_audience_whatever_moves(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    first = hall.candidacy(test, room="Hall A")
    form = open_dialog(browser, scope="filtered", room="Hall A")
    second = hall.candidacy(test, room="Hall A")
    frozen = fields_of(post(browser, form))
    hall.candidacy(test, room="Hall A")
    with writing(session):
        session.get_one(Candidacy, first.id).room = "Hall B"  # left the filter, may still be reached
    assert post(browser, frozen).status_code == 201
    assert recipients(session) == {first.user_id, second.user_id}


def test_r3_the_frozen_audience_still_obeys_rights(app: Flask, hall: Hall, test: Test, session: Session) -> None:
    limited = hall.contributor(test, room="Hall A")
    browser = signed_in(app, limited)
    moved, stays = hall.candidacy(test, room="Hall A"), hall.candidacy(test, room="Hall A")
    form = open_dialog(browser, scope="filtered")
    joined = hall.candidacy(test, room="Hall A")
    frozen = fields_of(post(browser, form))
    with writing(session):
        session.get_one(Candidacy, moved.id).room = "Hall B"
    assert post(browser, frozen).status_code == 201
    assert recipients(session) == {stays.user_id, joined.user_id}


@pytest.mark.parametrize("token", ["", "nonsense", "WyJzZWVuIiwiIl0.AAAA"])
def test_r3_a_form_that_does_not_say_whom_it_showed_sends_nothing(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, token: str
) -> None:
    hall.candidacy(test)
    refused = post(browser, open_dialog(browser, scope="filtered"), audience=token)
    assert refused.status_code == 409
    assert counts(session) == (0, 0, 0, 0)
    assert post(browser, fields_of(refused)).status_code == 201


def test_r3_a_token_of_somebody_else_is_worth_nothing(app: Flask, hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    other = open_dialog(signed_in(app, hall.contributor(test)), scope="filtered")
    assert post(browser, open_dialog(browser, scope="filtered"), audience=other["audience"]).status_code == 409


def test_r4_1500_persons_are_fine_and_1501_are_not(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacies(test, 1500)
    assert post(browser, open_dialog(browser, scope="filtered")).status_code == 201
    assert counts(session) == (1, 1500, 1, 1500)
    hall.candidacy(test, room="Annex")
    dialog = browser.get("/messages/new?scope=filtered", headers=HTMX)
    assert "1,501" in dialog.text
    assert "data-send" not in dialog.text.split("<form", 1)[1].replace("find [data-send]", "")
    form = fields_of(dialog)
    form["idempotency_key"] = "a-key-that-is-new"
    refused = post(browser, form)
    assert refused.status_code == 422
    assert "1,501" in refused.text
    assert 'href="/messages/new?scope=filtered&amp;room=Annex"' in refused.text
    assert counts(session) == (1, 1500, 1, 1500)


def test_r4_the_link_to_a_part_opens_the_same_message_for_it(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient
) -> None:
    hall.candidacies(test, 1501)
    annex = hall.candidacy(test, room="Annex")
    typed = {"subject": "Long typed", "body": "Kept\nwhole", "scope": "filtered"}
    part = reopen(browser, "/messages/new?scope=filtered&room=Annex", **typed)
    assert part.status_code == 200
    assert "Long typed" in part.text
    assert "Kept\nwhole" in part.text
    form = fields_of(part)
    assert form.getlist("room") == ["Annex"]
    assert 'data-persons="1"' in part.text
    assert post(browser, form).status_code == 201
    assert annex.id


def test_r4_picked_candidates_above_the_limit_come_in_parts_too(hall: Hall, test: Test, browser: FlaskClient) -> None:
    many = hall.candidacies(test, 1501)
    few = hall.candidacies(test, 3, room="Annex")
    picked = [str(one.id) for one in many + few]
    refused = reopen(browser, candidate=picked)
    assert "/messages/new?room=Annex" in refused.text
    part = reopen(browser, "/messages/new?room=Annex", candidate=picked)
    assert sorted(fields_of(part).getlist("candidate"), key=int) == [str(one.id) for one in few]


def test_r4_nobody_is_refused(hall: Hall, test: Test, browser: FlaskClient, session: Session) -> None:
    hall.candidacy(test, room="Hall A")
    assert post(browser, open_dialog(browser, scope="filtered", q="no such person")).status_code == 422
    assert post(browser, open_dialog(browser)).status_code == 422
    assert counts(session) == (0, 0, 0, 0)


def test_r5_a_person_in_two_tests_gets_one_copy_and_the_log_has_both(
    app: Flask, hall: Hall, test: Test, session: Session
) -> None:
    other = hall.test("Law")
    browser = signed_in(app, hall.contributor(test, other))
    one = hall.candidacy(test)
    hall.candidacy(other, hall.session.get_one(User, one.user_id))
    dialog = browser.get("/messages/new?scope=filtered", headers=HTMX)
    assert 'data-persons="1"' in dialog.text
    assert 'data-candidacies="2"' in dialog.text
    sent = post(browser, fields_of(dialog))
    assert "Sent to 1 person" in sent.text
    assert counts(session) == (1, 1, 1, 2)


def test_r5_the_limit_counts_persons(app: Flask, hall: Hall, test: Test, session: Session) -> None:
    other = hall.test("Law")
    browser = signed_in(app, hall.contributor(test, other))
    people = hall.candidacies(test, 1500)
    with writing(session):
        session.add_all(
            Candidacy(user_id=one.user_id, test_id=other.id, number=f"L{one.user_id}") for one in people[:10]
        )
    assert post(browser, open_dialog(browser, scope="filtered")).status_code == 201
    assert counts(session) == (1, 1500, 1, 1510)


def test_r6_a_room_limited_sender_reaches_their_room_only(app: Flask, hall: Hall, test: Test, session: Session) -> None:
    inside = hall.candidacy(test, room="Aula Magna")
    outside = hall.candidacy(test, room="Aula magna")
    browser = signed_in(app, hall.contributor(test, room="Aula Magna"))
    assert post(browser, open_dialog(browser, scope="filtered")).status_code == 201
    assert recipients(session) == {inside.user_id}
    assert browser.get(f"/messages/new?candidate={outside.id}").status_code == 404
    form = open_dialog(browser, candidate=inside.id)
    assert post(browser, form, candidate=str(outside.id)).status_code == 404
    refused = post(browser, form, candidate=[str(inside.id), str(outside.id)])
    assert refused.status_code == 409
    assert "1 of the selected candidates can no longer be reached" in refused.text
    assert counts(session)[0] == 1
    assert fields_of(refused).getlist("candidate") == [str(inside.id)]


def test_r6_rights_are_those_at_the_moment_of_sending(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    with writing(session):
        session.execute(Contribution.__table__.delete())  # type: ignore[attr-defined]
    assert post(browser, form).status_code == 403
    assert counts(session) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"starts_at": timedelta(minutes=61)}, False),
        ({"starts_at": timedelta(minutes=59)}, True),
        ({"closed_at": timedelta(minutes=-1)}, False),
    ],
)
def test_r6_the_access_window_holds(
    app: Flask, hall: Hall, session: Session, change: dict[str, timedelta], allowed: bool
) -> None:
    test = hall.test(**{name: utcnow() + offset for name, offset in change.items()})
    one = hall.candidacy(test)
    browser = signed_in(app, hall.contributor(test))
    status = browser.get(f"/messages/new?candidate={one.id}").status_code
    assert status == (200 if allowed else 403)


def test_r6_an_administrator_without_a_role_in_the_test_sends_nothing(app: Flask, hall: Hall, test: Test) -> None:
    one = hall.candidacy(test)
    admin = signed_in(app, hall.person(is_admin=True))
    assert admin.get(f"/messages/new?candidate={one.id}").status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"rooms": "Hall A"},
        {"status": "onlin"},
        {"test": "999999"},
        {"scope": "all"},
        {"seen_within": "soon"},
        {"candidate": "1"},
    ],
)
def test_r6_an_unknown_name_or_value_is_refused_not_dropped(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, wrong: dict[str, str]
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    assert post(browser, form, **wrong).status_code == 400
    assert browser.get("/messages/new", query_string={"scope": "filtered", **wrong}).status_code == 400
    assert counts(session) == (0, 0, 0, 0)


@pytest.mark.parametrize("candidate", ["0x1", "-1", "1.5", "９", "9" * 40, "", "1 OR 1=1"])
def test_r6_a_candidate_that_is_no_id_is_refused(hall: Hall, test: Test, browser: FlaskClient, candidate: str) -> None:
    hall.candidacy(test)
    assert browser.get("/messages/new", query_string={"candidate": candidate}).status_code == 400


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"subject": "s" * 120, "body": "b" * 4000}, 201),
        ({"subject": "😀" * 120, "body": "é\r\n" * 2000}, 201),
        ({"subject": "s" * 121}, 422),
        ({"body": "b" * 4001}, 422),
        ({"subject": ""}, 422),
        ({"subject": " \t"}, 422),
        ({"body": "\r\n "}, 422),
        ({"subject": "two\nlines"}, 422),
        ({"subject": "nul\x00"}, 422),
        ({"body": "nul\x00"}, 422),
        ({"body": "bell\x07"}, 422),
        ({"body": "\ufffd"}, 422),
    ],
)
def test_r7_lengths_and_characters(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, changes: dict[str, str], status: int
) -> None:
    hall.candidacy(test)
    assert post(browser, open_dialog(browser, scope="filtered"), **changes).status_code == status
    assert counts(session)[0] == (1 if status == 201 else 0)


def test_r7_what_was_typed_comes_back_after_a_refusal(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    refused = post(browser, open_dialog(browser, scope="filtered"), subject="", body="<b>typed</b>\nlong")
    assert "&lt;b&gt;typed&lt;/b&gt;\nlong" in refused.text
    assert "Please write a subject." in refused.text


def test_r7_a_lone_surrogate_is_refused_with_a_text(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    fields = "&".join(f"{name}={value}" for name, value in form.items())
    answer = browser.post(
        "/messages",
        data=(fields + "&subject=a&body=%ED%A0%80").encode(),
        headers=HTMX,
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 400
    assert "Nothing was done" in answer.text
    assert counts(session)[0] == 0


def test_r7_every_script_comes_through_whole(hall: Hall, test: Test, browser: FlaskClient, session: Session) -> None:
    one = hall.candidacy(test)
    body = "مرحبا \u200f 你好 👩‍👩‍👧 e\u0301 \u2028 \u202e<script>alert(1)</script>\n\n  indented\t."
    assert post(browser, open_dialog(browser, candidate=one.id), subject="Ж " * 10 + "?", body=body).status_code == 201
    session.rollback()
    assert session.scalars(select(Message)).one().body == body


def test_a_body_of_ten_megabytes_is_refused_with_a_text(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    answer = post(browser, open_dialog(browser, scope="filtered"), body="x" * 10_000_000)
    assert answer.status_code == 413
    assert "Too large" in answer.text


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


def test_traps_22_and_23_success_says_how_many_and_a_colleague_is_warned(
    app: Flask, hall: Hall, test: Test, sender: User, browser: FlaskClient
) -> None:
    hall.candidacies(test, 4)
    sent = post(browser, open_dialog(browser, scope="filtered"), subject="Fire drill")
    assert "Sent to 4 persons" in sent.text
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


def test_the_dialog_puts_a_tests_name_into_the_subject_on_request(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    answer = reopen(browser, scope="filtered", subject="Late", insert=str(test.id))
    assert 'value="Algebra: Late"' in answer.text


@pytest.mark.parametrize("wrong", ["0", "x", "9" * 30])
def test_a_test_that_is_not_there_cannot_be_named(hall: Hall, test: Test, browser: FlaskClient, wrong: str) -> None:
    hall.candidacy(test)
    assert reopen(browser, scope="filtered", insert=wrong).status_code == 400


def test_everything_stays_equal_under_a_key_made_by_a_machine(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    assert post(browser, form, idempotency_key=os.urandom(16).hex()).status_code == 201
