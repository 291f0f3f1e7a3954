"""POST /messages: whom a sending reaches, and when it is refused (R3 to R6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, fields_of, open_dialog, post, reopen
from tests.messaging.written import counts, recipients
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.messaging.notices import MESSAGE_SOURCE
from webapp.models import Candidacy, Contribution, Test, User


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
    assert "2 people joined" in refused.text
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


@pytest.mark.one_database
def test_r3_a_frozen_audience_stays_what_was_shown_last_while_the_text_is_corrected(
    app: Flask, hall: Hall, test: Test, session: Session
) -> None:
    browser = signed_in(app, hall.contributor(test, room="Hall A"))
    stays, away = hall.candidacy(test, room="Hall A"), hall.candidacy(test, room="Hall A")
    form = open_dialog(browser, scope="filtered")
    joined = hall.candidacy(test, room="Hall A")
    frozen = fields_of(post(browser, form))
    hall.candidacy(test, room="Hall A")
    with writing(session):
        session.get_one(Candidacy, away.id).room = "Hall B"
    corrected = fields_of(post(browser, frozen, subject=""))
    with writing(session):
        session.get_one(Candidacy, away.id).room = "Hall A"
    assert post(browser, corrected).status_code == 201
    assert recipients(session) == {stays.user_id, joined.user_id}


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


@pytest.mark.one_database
def test_r3_a_form_that_does_not_say_whom_it_showed_sends_nothing(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    for token in ("", "nonsense", "WyJzZWVuIiwiIl0.AAAA"):
        refused = post(browser, open_dialog(browser, scope="filtered"), audience=token)
        assert refused.status_code == 409, token
        assert counts(session) == (0, 0, 0, 0), token
    assert post(browser, fields_of(refused)).status_code == 201


@pytest.mark.one_database
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


@pytest.mark.one_database("postgresql")
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


@pytest.mark.thorough
@pytest.mark.one_database("postgresql")
def test_r4_picked_candidates_above_the_limit_come_in_parts_too(hall: Hall, test: Test, browser: FlaskClient) -> None:
    many = hall.candidacies(test, 1501)
    few = hall.candidacies(test, 3, room="Annex")
    picked = [str(one.id) for one in many + few]
    refused = reopen(browser, candidate=picked)
    assert "/messages/new?room=Annex" in refused.text
    part = reopen(browser, "/messages/new?room=Annex", candidate=picked)
    assert sorted(fields_of(part).getlist("candidate"), key=int) == [str(one.id) for one in few]


@pytest.mark.one_database
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


@pytest.mark.one_database("postgresql")
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


def test_r6_a_test_that_was_closed_while_the_sender_wrote_is_out_of_reach(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    with writing(session):
        session.get_one(Test, test.id).closed_at = utcnow()
    assert post(browser, form).status_code == 403
    assert counts(session) == (0, 0, 0, 0)


@pytest.mark.one_database
def test_r6_an_administrator_without_a_role_in_the_test_sends_nothing(app: Flask, hall: Hall, test: Test) -> None:
    one = hall.candidacy(test)
    admin = signed_in(app, hall.person(is_admin=True))
    assert admin.get(f"/messages/new?candidate={one.id}").status_code == 403


@pytest.mark.one_database
def test_r6_an_unknown_name_or_value_is_refused_not_dropped(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    for wrong in ({"rooms": "Hall A"}, {"status": "onlin"}, {"test": "999999"}, {"scope": "all"},
                  {"seen_within": "soon"}, {"candidate": "1"}):  # fmt: skip
        assert post(browser, form, **wrong).status_code == 400, wrong
        assert browser.get("/messages/new", query_string={"scope": "filtered", **wrong}).status_code == 400, wrong
    assert counts(session) == (0, 0, 0, 0)


@pytest.mark.one_database
def test_r6_a_candidate_that_is_no_id_is_refused(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    for candidate in ("0x1", "-1", "1.5", "９", "9" * 40, "", "1 OR 1=1"):
        assert browser.get("/messages/new", query_string={"candidate": candidate}).status_code == 400, candidate


def test_r5_the_sweep_reads_whom_a_message_was_for_from_its_log_entry_each_person_once(
    app: Flask, hall: Hall, test: Test, session: Session
) -> None:
    other = hall.test("Law")
    browser = signed_in(app, hall.contributor(test, other))
    twice = hall.candidacy(test, room="Hall A")
    hall.candidacy(other, session.get_one(User, twice.user_id), room="Hall A")
    once, beside = hall.candidacy(test, room="Hall A"), hall.candidacy(test, room="Hall B")
    for room in ("Hall A", "Hall B"):
        assert post(browser, open_dialog(browser, scope="filtered", room=room)).status_code == 201
    session.rollback()
    with app.test_request_context():
        assert sorted(MESSAGE_SOURCE.load(1).user_ids) == sorted([twice.user_id, once.user_id])
        assert MESSAGE_SOURCE.load(2).user_ids == [beside.user_id]


def test_r5_one_person_in_very_many_tests_can_be_written_to_whatever_the_limit(
    app: Flask, hall: Hall, sender: User, browser: FlaskClient, session: Session
) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], max_recipients=1)
    person = hall.person()
    for number in range(21):
        other = hall.test(f"Test {number}")
        hall.contributor(other, user=sender)
        hall.candidacy(other, person)
    form = open_dialog(browser, scope="filtered")
    assert post(browser, form).status_code == 201
    assert counts(session)[0] == 1
    assert recipients(session) == {person.id}
