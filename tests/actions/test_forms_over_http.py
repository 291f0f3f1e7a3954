"""The form and what it does over HTTP: R2, R3, R4, R6 as for sendings, and refusals beside the field (R28)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.actions.action_form import at_once, fields_of, open_form, press, undo
from tests.actions.taken import entries, stands
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from tests.nightly import at_night
from webapp.actions.kinds import KINDS
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Role, User
from webapp.models import Test as Exam

pytestmark = pytest.mark.one_database  # what an action writes is tried on both (`test_taking.py`)

ALL = [name for name, kind in KINDS.items() if kind.columns]
TYPED = {"attendance": "present", "note": "Kept <b>", "minutes": "5", "mode": "add", "room": "Room 1", "seat": ""}


def typed(action: str) -> dict[str, str]:
    """Values that an action takes."""
    return {name: TYPED[name] for name in KINDS[action].values}


@pytest.fixture
def browser(app: Flask, planner: User) -> FlaskClient:
    return signed_in(app, planner)


@pytest.mark.thorough
def test_every_action_has_a_form_that_is_answered_with_what_was_done(
    hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    for number, action in enumerate(ALL, start=1):
        one = hall.candidacy(test, submitted_at=utcnow() if action == "reopen" else None)
        done = press(browser, open_form(browser, action, candidate=one.id), **typed(action), reason="Because")
        assert done.status_code == 201, action
        assert done.headers["Location"] == f"/candidates/actions/{number}"
        assert "data-outcome" in done.text, action
        name, _, subjects = entries(session)[-1]
        assert (name, subjects, len(entries(session))) == (f"candidate.{action}", {one.id}, number)
        page = browser.get(f"/candidates/actions/{number}")
        assert page.status_code == 200, action
        assert "<!doctype html>" in page.text, action


@pytest.mark.parametrize("actions", [["attendance", "room", "reopen"], *at_night(ALL)], ids=["some", "all"])
def test_all_in_a_filter_are_reached_and_nobody_else(
    hall: Hall, test: Exam, browser: FlaskClient, session: Session, actions: list[str]
) -> None:
    """Also where filter and value have the same name."""
    for action in actions:
        room, fields = f"Aula of {action}", {"submitted_at": utcnow() if action == "reopen" else None}
        inside = {hall.candidacy(test, room=room, attendance="absent", **fields).id for _ in range(2)}
        hall.candidacy(test, attendance="absent", **fields)
        hall.candidacy(test, room=room, **fields)
        form = open_form(browser, action, scope="filtered", room=room, attendance="absent")
        done = press(browser, form, **typed(action))
        assert done.status_code == 201, done.text
        assert entries(session)[-1][2] == inside, action


def test_without_htmx_the_outcome_is_a_page_of_its_own(hall: Hall, test: Exam, browser: FlaskClient) -> None:
    one = hall.candidacy(test)
    form = open_form(browser, "flag", candidate=one.id)
    answer = browser.post("/candidates/actions", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/candidates/actions/1")
    undone = browser.post("/candidates/actions/1/undo", data={"csrf_token": csrf(browser)})
    assert (undone.status_code, undone.headers["Location"]) == (303, "/candidates/actions/2")


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("extra_time", {"minutes": "1441"}, "minutes"),
    ("extra_time", {"minutes": "-1"}, "minutes"),
    ("incident_time", {"minutes": "1.5"}, "minutes"),
    ("incident_time", {"minutes": "٣"}, "minutes"),
    ("extra_time", {"minutes": "9" * 400}, "minutes"),
    ("extra_time", {"minutes": ""}, "minutes"),
    ("extra_time", {}, "minutes"),
    ("room", {"room": "Nowhere <x>"}, "room"),
    ("room", {"room": "R" * 101}, "room"),
    ("room", {"room": "Room 1", "seat": "S" * 51}, "seat"),
    ("room", {"room": "Room 1", "seat": "a\tb"}, "seat"),
    ("note", {"note": "n" * 501}, "note"),
    ("note", {"note": "a\x07b"}, "note"),
    ("pause", {"reason": "r" * 501}, "reason"),
]


def test_what_cannot_be_stored_is_refused_beside_the_field_and_kept(
    hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    one = hall.candidacy(test)
    for action, fields, problem in REFUSED:
        kept = {"reason": "Kept & whole"} if problem not in ("reason", "note") else {}
        refused = press(browser, open_form(browser, action, candidate=one.id), **{**kept, **fields})
        assert refused.status_code == 422, (action, fields)
        part = refused.text[refused.text.index(f'id="action-{problem}"') :]
        assert 'aria-invalid="true"' in part[:300], (action, fields)
        assert f'id="action-{problem}-error"><' not in part, (action, fields)
        assert not kept or "Kept &amp; whole" in refused.text, (action, fields)
        assert "Nowhere" not in fields.get("room", "") or "Nowhere &lt;x&gt;" in refused.text
    assert entries(session) == []


UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("fly", {}),
    ("", {}),
    ("FLAG", {}),
    ("attendance", {"attendance": "late"}),
    ("attendance", {}),
    ("extra_time", {"minutes": "5", "mode": "double"}),
    ("note", {}),
    ("flag", {"minutes": "5"}),
    ("flag", {"seat": "5"}),
    ("flag", {"colour": "red"}),
    ("flag", {"subject": "red"}),
    ("flag", {"seen": "x"}),
    ("flag", {"candidate": "x"}),
    ("flag", {"scope": "all"}),
    ("flag", {"idempotency_key": ""}),
    ("flag", {"idempotency_key": "x" * 65}),
    ("pause", {"reason": ["a", "b"]}),
    ("extra_time", {"minutes": ["5", "6"]}),
]


def test_unknown_actions_names_and_values_are_bad_requests(
    hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    one = hall.candidacy(test)
    for action, fields in UNKNOWN:
        answer = at_once(browser, action, **{"candidate": one.id, **fields})
        assert answer.status_code == 400, (action, fields)
    assert entries(session) == []


def test_an_address_that_is_not_understood_is_a_bad_request(hall: Hall, test: Exam, browser: FlaskClient) -> None:
    hall.candidacy(test)
    for query in ("", "action=", "action=fly", "action=flag&action=pause", "action=flag&test=99999",
                  "action=flag&scope=filtered&room=Nowhere", "action=flag&minutes=5"):  # fmt: skip
        assert browser.get(f"/candidates/actions/new?{query}").status_code == 400, query


def test_r2_the_same_form_again_is_answered_as_before_and_another_content_is_refused(
    hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    one = hall.candidacy(test)
    form = open_form(browser, "extra_time", candidate=one.id)
    first = press(browser, form, minutes="5", mode="add")
    again = press(browser, form, minutes="5", mode="add")
    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])
    refused = press(browser, form, minutes="6", mode="add")
    assert refused.status_code == 409
    assert 'value="6"' in refused.text
    fresh = fields_of(refused)
    assert fresh["idempotency_key"] != form["idempotency_key"]
    assert press(browser, fresh, minutes="6", mode="add").status_code == 201
    assert stands(session, one.id, "extra_minutes") == 11


def test_r3_an_audience_that_has_changed_is_refused_once_and_frozen_then(
    hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    first = hall.candidacy(test, room="Aula")
    form = open_form(browser, "note", scope="filtered", room="Aula")
    second = hall.candidacy(test, room="Aula")
    refused = press(browser, form, note="Kept text")
    assert refused.status_code == 409
    assert "1 candidate joined" in refused.text
    assert "Kept text" in refused.text
    assert entries(session) == []
    hall.candidacy(test, room="Aula")
    assert press(browser, fields_of(refused), note="Kept text").status_code == 201
    assert entries(session)[0][2] == {first.id, second.id}


def test_r3_a_form_that_does_not_say_whom_it_showed_changes_nothing(
    hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_form(browser, "flag", scope="filtered")
    for token in ("", "nonsense"):
        form.setlist("audience", [token])
        assert press(browser, form).status_code == 409, token
    assert entries(session) == []


def test_r4_too_many_come_in_parts_and_nobody_is_refused(
    app: Flask, hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], max_recipients=3)
    hall.candidacies(test, 3)
    annex = hall.candidacy(test, room="Annex")
    shown = browser.get("/candidates/actions/new?action=note&scope=filtered", headers=HTMX)
    address = "/candidates/actions/new?action=note&scope=filtered&room=Annex"
    assert address.replace("&", "&amp;") in shown.text
    assert "data-send>" not in shown.text
    form = fields_of(shown)
    assert press(browser, form, note="x").status_code == 422
    part = browser.post(address, data={"csrf_token": csrf(browser), "note": "Comes along"}, headers=HTMX)
    assert "Comes along" in part.text
    assert press(browser, fields_of(part), note="x").status_code == 201
    assert entries(session)[0][2] == {annex.id}
    assert press(browser, open_form(browser, "flag", scope="filtered", q="nobody at all")).status_code == 422


def test_help_with_signing_in_leads_to_its_page_one_by_one(hall: Hall, test: Exam, browser: FlaskClient) -> None:
    one, two = hall.candidacy(test), hall.candidacy(test)
    for action, kind, headers in (("new_password", "password", {}), ("unlock", "unlock", HTMX)):
        answer = browser.get(f"/candidates/actions/new?action={action}&candidate={one.id}", headers=headers)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/monitor/candidates/{one.id}/{kind}")
        for several in (
            f"candidate={one.id}&candidate={two.id}",
            f"candidate={one.id}&room={one.room}",
            "scope=filtered",
            "",
        ):
            refused = browser.get(f"/candidates/actions/new?action={action}&{several}", headers=headers)
            assert refused.status_code == 422
            assert "one candidate at a time" in refused.text
        assert at_once(browser, action, candidate=one.id).status_code == 303


def test_what_a_colleague_has_changed_is_shown_with_what_stands(
    app: Flask, hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    """The form was open when Anna gave 30 minutes."""
    one, two = hall.candidacy(test), hall.candidacy(test)
    anna = hall.contributor(test, role=Role.CHIEF_INVIGILATOR, user=hall.person("Anna <i>"))
    form = open_form(browser, "extra_time", candidate=[one.id, two.id])
    colleague = signed_in(app, anna)
    press(colleague, open_form(colleague, "extra_time", candidate=one.id), minutes="30", mode="set")
    done = press(browser, form, minutes="15", mode="add")
    assert done.status_code == 201
    assert 'data-obstacle="changed"' in done.text
    assert "Anna &lt;i&gt;" in done.text
    assert "30 minutes" in done.text
    assert (stands(session, one.id, "extra_minutes"), stands(session, two.id, "extra_minutes")) == (30, 15)


def test_after_a_mistyped_value_a_change_meanwhile_is_still_told(
    app: Flask, hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    one = hall.candidacy(test)
    form = open_form(browser, "extra_time", candidate=one.id)
    colleague = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    press(colleague, open_form(colleague, "extra_time", candidate=one.id), minutes="30", mode="set")
    corrected = fields_of(press(browser, form, minutes="x"))
    assert 'data-obstacle="changed"' in press(browser, corrected, minutes="15").text
    assert stands(session, one.id, "extra_minutes") == 30


def test_one_press_is_undone_by_the_same_person_where_it_still_stands(
    app: Flask, hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    one, two = hall.candidacy(test, attendance="absent"), hall.candidacy(test)
    done = at_once(browser, "attendance", candidate=[one.id, two.id], attendance="present")
    assert done.status_code == 201
    assert "data-quiet" in done.text
    colleague = signed_in(app, hall.contributor(test))
    assert colleague.get(done.headers["Location"]).status_code == 404
    assert undo(colleague, done).status_code == 404
    at_once(colleague, "attendance", candidate=two.id, attendance="unset")
    undone = undo(browser, done)
    assert undone.status_code == 201
    assert 'data-obstacle="changed"' not in undone.text  # it is as it was already
    assert (stands(session, one.id, "attendance"), stands(session, two.id, "attendance")) == ("absent", None)
    assert undo(browser, done).headers["Location"] == undone.headers["Location"]
    assert [name for name, *_ in entries(session)][-1] == "candidate.undo"
    assert len(entries(session)) == 3


def test_a_form_opened_in_a_closed_test_or_beside_ones_room_is_refused(
    app: Flask, hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    one, other = hall.candidacy(test, room="Aula"), hall.candidacy(test, room="Annex")
    limited = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR, room="Aula"))
    assert limited.get(f"/candidates/actions/new?action=flag&candidate={other.id}").status_code == 404
    assert at_once(limited, "flag", candidate=[one.id, other.id]).status_code == 409
    assert at_once(limited, "room", candidate=one.id, room="Annex").status_code == 403
    assert 'value="Annex"' not in limited.get(f"/candidates/actions/new?action=room&candidate={one.id}").text
    form = open_form(browser, "pause", candidate=one.id)
    with writing(session):
        session.get_one(Exam, test.id).closed_at = utcnow()
    assert press(browser, form).status_code == 403
    assert session.get_one(Candidacy, one.id).paused_at is None
    assert entries(session) == []
