"""Incidents over HTTP: the forms, what is refused beside its field, and what the monitor shows meanwhile (R28, R20)."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.actions.incident import set_columns
from tests.actions.taken import entries, stands
from tests.hall import Hall, signed_in
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Incident, Message, Role, User
from webapp.models import Test as Exam

HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.one_database  # what an incident writes is tried on both (`test_incidents.py`)


def fields_of(page: str) -> dict[str, list[str]]:
    """What the form on a page would post, unchanged."""
    form = page.split('id="incident-form"')[1].split("</form>", maxsplit=1)[0]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        values = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in values and (values.get("type") != "checkbox" or " checked" in tag):
            found.setdefault(values["name"], []).append(html.unescape(values.get("value", "")))
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL):
        found[name] = [html.unescape(text)]
    return found


@pytest.fixture
def client(app: Flask, chief: User) -> FlaskClient:
    return signed_in(app, chief)


def test_a_room_is_paused_told_and_given_its_minutes(
    app: Flask, client: FlaskClient, hall: Hall, test: Exam, session: Session
) -> None:
    """The whole way, without JavaScript. The message is pushed when the answer is out, as every sending (R8)."""
    one = hall.candidacy(test)
    hall.candidacy(test, paused_at=utcnow())
    hall.candidacy(test, room="Room 2")
    asked = client.get("/incidents/new?scope=filtered&room=Room+1")
    assert asked.status_code == 200
    assert "Pauses 1 candidate." in asked.text
    assert "1 paused already" in asked.text
    fields = fields_of(asked.text)
    assert (fields["tell"], fields["room"], fields["reason"]) == (["yes"], ["Room 1"], [""])
    push = app.extensions["examhall_push"]
    push.stop()  # or the sweep might come before
    started = client.post("/incidents", data={**fields, "reason": "Power cut"}, buffered=False)
    assert (started.status_code, started.headers["Location"]) == (303, "/incidents/1")
    assert stands(session, one.id, "paused_at") is not None
    message = session.scalars(select(Message)).one()
    assert [message.subject] == fields["subject"]
    assert not push.hub.has_handed_out(message.id)
    started.close()
    assert push.hub.has_handed_out(message.id)
    monitor = re.sub(
        r"\s+", " ", re.sub(r"<[^>]+>", "", client.get("/monitor").text.split('class="incident"')[1].split("</p>")[0])
    )
    assert re.search(r"Power cut · Room 1 · 1 paused since .* End incident…", monitor)
    with writing(session):
        session.execute(update(Incident).values(started_at=Incident.started_at))
    shift(session, one.id, timedelta(minutes=3, seconds=5))
    page = client.get("/incidents/1")
    assert "4 minutes lost" in page.text
    ended = client.post("/incidents/1/end", data=fields_of(page.text))
    assert (ended.status_code, ended.headers["Location"]) == (303, "/incidents/1")
    assert stands(session, one.id, "paused_at", "incident_minutes") == (None, 4)
    assert "Minutes added to your time: 4" in session.scalars(select(Message.body).order_by(Message.id.desc())).first()
    assert 'class="incident"' not in client.get("/monitor").text
    assert "End incident" not in client.get("/incidents/1").text
    log = client.get("/log").text
    assert "Power cut · 1 changed" in log
    assert "Power cut · 1 changed · 4 minutes" in log


def shift(session: Session, candidacy_id: int, duration: timedelta) -> None:
    """Have the incident, and this pause, begun earlier."""
    started = session.scalars(select(Incident.started_at)).one() - duration
    with writing(session):
        session.execute(update(Incident).values(started_at=started))
    set_columns(session, candidacy_id, paused_at=started)


def test_the_message_may_be_left_out(client: FlaskClient, hall: Hall, test: Exam, session: Session) -> None:
    one = hall.candidacy(test)
    fields = fields_of(client.get(f"/incidents/new?candidate={one.id}").text)
    del fields["tell"]
    answer = client.post("/incidents", data={**fields, "reason": "Fire"}, headers=HTMX)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/incidents/1")
    assert "1 candidate is paused." in answer.text
    assert "<html" not in answer.text
    assert session.scalar(select(func.count()).select_from(Message)) == 0


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    client: FlaskClient, hall: Hall, test: Exam, session: Session, headers: dict[str, str]
) -> None:
    one = hall.candidacy(test)
    fields = fields_of(client.get(f"/incidents/new?candidate={one.id}").text)
    typed = {"reason": " ", "subject": "", "body": "Wait & see"}
    for problem, change in (
        ("Please write the reason.", {}),
        ("Please write a subject.", {"reason": "Fire"}),
        ("at most 500 characters", {"reason": "x" * 501}),
    ):
        answer = client.post("/incidents", data={**fields, **typed, **change}, headers=headers)
        assert answer.status_code == 422
        assert problem in answer.text
        assert "Wait &amp; see" in answer.text
    assert (
        "Please write a subject."
        not in client.post(
            "/incidents",
            data={key: value for key, value in {**fields, **typed}.items() if key != "tell"},
            headers=headers,
        ).text
    )  # nobody is told
    assert entries(session) == []


def test_a_stale_form_comes_back_and_goes_with_the_next_press(
    client: FlaskClient, hall: Hall, test: Exam, session: Session
) -> None:
    """R3: 409, with the present audience frozen; somebody who comes after that is not paused."""
    one = hall.candidacy(test)
    fields = fields_of(client.get("/incidents/new?scope=filtered&room=Room+1").text) | {"reason": ["Fire"]}
    two = hall.candidacy(test)
    refused = client.post("/incidents", data=fields)
    assert refused.status_code == 409
    assert "the candidates have changed" in refused.text
    again = fields_of(refused.text)
    assert again["reason"] == ["Fire"]
    three = hall.candidacy(test)
    assert client.post("/incidents", data=again).status_code == 303
    paused = [stands(session, one.id, "paused_at") for one in (one, two, three)]
    assert [moment is not None for moment in paused] == [True, True, False]
    other = client.post("/incidents", data={**again, "reason": "Water"})
    assert other.status_code == 409
    assert fields_of(other.text)["idempotency_key"] != again["idempotency_key"]


def test_the_second_who_ends_it_is_told(
    app: Flask, client: FlaskClient, planner: User, hall: Hall, test: Exam, session: Session
) -> None:
    one = hall.candidacy(test)
    fields = fields_of(client.get(f"/incidents/new?candidate={one.id}").text)
    client.post("/incidents", data={**fields, "reason": "Fire"})
    other = signed_in(app, planner)
    late = fields_of(other.get("/incidents/1").text)
    assert client.post("/incidents/1/end", data=fields_of(client.get("/incidents/1").text)).status_code == 303
    answer = other.post("/incidents/1/end", data=late)
    assert answer.status_code == 409
    assert "A colleague has ended this incident already." in answer.text
    assert [name for name, *_ in entries(session) if name == "incident.ended"] == ["incident.ended"]


BAD = [
    ("GET", "/incidents/new?scope=nonsense", 400), ("GET", "/incidents/new?scope=filtered&rooms=x", 400),
    ("GET", "/incidents/new?candidate=x", 400), ("GET", "/incidents/new?candidate=999999", 404),
    ("GET", "/incidents/new?scope=filtered&room=Nowhere", 400), ("GET", "/incidents/999999", 404),
    ("GET", "/incidents/99999999999999999999", 404), ("POST", "/incidents", 400), ("POST", "/incidents/1/end", 404),
]  # fmt: skip


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_bad_input_is_refused(client: FlaskClient, hall: Hall, test: Exam, headers: dict[str, str]) -> None:
    one = hall.candidacy(test)
    token = fields_of(client.get(f"/incidents/new?candidate={one.id}").text)
    for method, address, status in BAD:
        data = {"csrf_token": token["csrf_token"]} if method == "POST" else None
        if address.endswith("/end"):
            data = {**token, "reason": "Fire"}
        assert client.open(address, method=method, data=data, headers=headers).status_code == status, address
    for wrong in ({"tell": "maybe"}, {"idempotency_key": ""}, {"idempotency_key": "x" * 65}, {"nonsense": "1"}):
        data = {**token, "reason": "Fire", **wrong}
        assert client.post("/incidents", data=data, headers=headers).status_code == 400, wrong


@pytest.mark.thorough
def test_r6_invigilators_start_none_and_see_none(app: Flask, client: FlaskClient, hall: Hall, test: Exam) -> None:
    one = hall.candidacy(test)
    invigilator = signed_in(app, hall.contributor(test))
    in_charge_elsewhere = signed_in(app, hall.contributor(hall.test("Law"), role=Role.PLANNER))
    fields = {**fields_of(client.get(f"/incidents/new?candidate={one.id}").text), "reason": ["Fire"]}
    address = f"/incidents/new?candidate={one.id}"
    assert [each.get(address).status_code for each in (invigilator, in_charge_elsewhere)] == [403, 404]
    client.post("/incidents", data=fields)
    assert [each.get("/incidents/1").status_code for each in (invigilator, in_charge_elsewhere)] == [403, 404]
    assert "Power" not in invigilator.get("/monitor").text
    assert "Incident…" not in invigilator.get("/monitor").text
    assert 'class="incident"' not in invigilator.get("/monitor").text
    assert "Incident…" in client.get("/monitor").text
