"""R31: an answer is a message that is joined to the request, and claims it where nobody has."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.help_requests.asked import ask, client_of, logged, press, requests, state_on_page
from tests.messaging.compose_form import open_dialog, post
from webapp.logbook.verify import verify
from webapp.models import LogEntry, Message

pytestmark = pytest.mark.one_database


def test_r31_an_answer_claims_the_request_for_its_sender(app: Flask, hall: Hall, session: Session) -> None:
    """The form shows what was asked, the notice says that it answers; a second answer takes it from nobody."""
    test = hall.test()
    candidacy = hall.candidacy(test)
    person = client_of(app, hall, candidacy)
    ask(person, test.id, "technical", "The <b>mouse</b> is dead")
    anna, bo = (signed_in(app, hall.contributor(test, user=hall.person(name))) for name in ("Anna", "Bo"))
    page = anna.get("/help").text
    assert f"/messages/new?candidate={candidacy.id}&amp;help=1" in page
    shown = anna.get(f"/messages/new?candidate={candidacy.id}&help=1").text
    assert "The &lt;b&gt;mouse" in shown
    assert 'name="help_request" value="1"' in shown
    form = open_dialog(anna, candidate=candidacy.id, help=1)
    assert post(anna, form, body="").status_code == 422
    sent = post(anna, form)
    assert sent.status_code == 201
    assert post(anna, form).headers["Location"] == sent.headers["Location"]  # R2
    assert post(bo, open_dialog(bo, candidate=candidacy.id, help=1)).status_code == 201
    (asked,) = requests(session)
    assert asked.claimed_by == session.scalars(select(Message.sender_id).order_by(Message.id)).first()
    assert session.scalars(select(Message.help_request_id)).all() == [1, 1]
    assert [entry[:2] for entry in logged(session)[1:]] == [("help.claimed", "Anna")]
    details = session.scalars(select(LogEntry.detail).where(LogEntry.action == "message.sent"))
    assert [json.loads(detail)["help_request"] for detail in details] == [1, 1]
    assert verify(session).sound
    assert state_on_page(person, test.id) == "coming"
    assert "Answer to your request for help" in person.get("/inbox/new").text


def test_r31_only_a_request_of_a_recipient_is_answered(app: Flask, hall: Hall, session: Session) -> None:
    """Another candidate's, an unknown one, and no number: nothing is sent. One that is over can be answered still."""
    test = hall.test()
    asker, other = hall.candidacy(test, room="A"), hall.candidacy(test, room="B")
    ask(client_of(app, hall, asker), test.id)
    staff = signed_in(app, hall.contributor(test))
    form = open_dialog(staff, candidate=other.id)
    for number in ("1", "2", "x", "9" * 30):
        assert post(staff, form, help_request=number).status_code == 400
    for audience in ({"scope": "filtered"}, {"candidate": [asker.id, other.id]}):  # others have asked nothing
        assert post(staff, open_dialog(staff, **audience), help_request="1").status_code == 400
    limited = signed_in(app, hall.contributor(test, room="B"))
    assert "Answers a request" not in limited.get(f"/messages/new?candidate={other.id}&help=1").text
    assert session.scalar(select(Message)) is None
    press(staff, "/help/1/done")
    assert post(staff, open_dialog(staff, candidate=asker.id, help=1)).status_code == 201
    assert requests(session)[0].claimed_by is None
