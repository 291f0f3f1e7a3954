"""Taking messages back, and important ones (R30)."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from tests.messaging.test_corrections import Reached, send
from tests.messaging.written import counts
from webapp.logbook.verify import verify
from webapp.models import Delivery, LogEntry, LogSubject, Message, Role


@pytest.fixture
def group(app: Flask, hall: Hall) -> Reached:
    return Reached(app, hall)


def withdraw(by: FlaskClient, number: int) -> tuple[int, str]:
    answer = by.post(f"/messages/{number}/withdraw", headers={**HTMX, "X-CSRFToken": csrf(by)})
    return answer.status_code, answer.text


def test_r30_a_withdrawn_message_leaves_the_screens_never_the_log(group: Reached, session: Session) -> None:
    ada, bob = group.browser("Ada"), group.browser("Bob")
    assert bob.post("/inbox/close", data={"message": group.first, "csrf_token": csrf(bob)}).status_code == 204
    status, words = withdraw(group.chief, group.first)
    assert status == 200
    assert "2 people had it open" in words
    for browser in (ada, bob):
        polled = browser.get("/inbox/new", headers=HTMX).text
        assert "data-notice=" not in polled
        assert f'data-withdrawn="{group.first}"' in polled
        center = browser.get("/inbox").text
        assert re.search(r"Withdrawn <time[^>]*>\d\d:\d\d<", center)
        assert "<s>Break at 10</s>" in center
    session.rollback()
    sent, withdrawn = session.scalars(select(LogEntry).order_by(LogEntry.id))
    assert json.loads(sent.detail)["body"] == "Ten minutes."
    assert withdrawn.action == "message.withdrawn"
    assert json.loads(withdrawn.detail) == {"message": group.first, "subject": "Break at 10"}
    subjects = select(LogSubject.candidacy_id).where(LogSubject.entry_id == withdrawn.id)
    assert set(session.scalars(subjects)) == {one.id for one in group.people.values()}
    assert verify(session).sound
    before = counts(session)
    assert withdraw(group.chief, group.first)[0] == 200  # once more: nothing
    assert counts(session) == before
    assert "Message withdrawn" in group.chief.get(f"/log/{withdrawn.id}").text
    assert group.chief.get(f"/messages/new?corrects={group.first}").status_code == 409
    form = {"subject": "S", "body": "kept", "idempotency_key": "k", "corrects": group.first}
    answer = send(group.chief, **form)
    assert answer.status_code == 409
    assert "was withdrawn meanwhile" in answer.text
    assert "kept</textarea>" in answer.text


@pytest.mark.one_database
def test_r30_who_may_take_a_message_back(app: Flask, hall: Hall, group: Reached, session: Session) -> None:
    """Its sender, and chiefs and planners of all of its candidates; for others it stays, or is not there."""
    invigilator = signed_in(app, hall.contributor(group.algebra))
    of_one_test = signed_in(app, hall.contributor(group.algebra, role=Role.CHIEF_INVIGILATOR))
    stranger = signed_in(app, hall.contributor(hall.test("Art")))
    for browser, status in (
        (invigilator, 403), (of_one_test, 403), (stranger, 404), (group.browser("Ada"), 403),
    ):  # fmt: skip
        assert withdraw(browser, group.first)[0] == status
        assert "Withdraw now" not in browser.get(f"/messages/{group.first}").text
    assert session.scalar(select(Message.withdrawn_at)) is None
    assert withdraw(group.chief, 99)[0] == 404
    own = group.send(invigilator, "Ada")
    assert "Withdraw now" in of_one_test.get(f"/messages/{own}").text
    assert withdraw(of_one_test, own)[0] == 200
    own = group.send(invigilator, "Ada")
    page = invigilator.post(f"/messages/{own}/withdraw", data={"csrf_token": csrf(invigilator)})
    assert (page.status_code, page.headers["Location"]) == (303, f"/messages/{own}")


def test_r30_of_a_corrected_message_the_correction_is_withdrawn(group: Reached) -> None:
    """Unless the message still stands for somebody whom no correction has reached."""
    adas = group.correct(group.first, None, "Ada")
    assert withdraw(group.chief, group.first)[0] == 200
    assert {name: group.open_of(name) for name in group.people} == {"Ada": [str(adas)], "Bob": [], "Cleo": []}
    second = group.send(group.chief)
    third = group.correct(second)
    status, words = withdraw(group.chief, second)
    assert status == 409
    assert f'href="/messages/{third}"' in words
    assert withdraw(group.chief, third)[0] == 200
    assert group.open_of("Bob") == []
    center = group.browser("Bob").get("/inbox").text
    assert re.search(rf'data-message="{third}" data-withdrawn', center)
    assert re.search(rf'data-message="{second}" data-corrected', center)


@pytest.mark.one_database
def test_r30_an_important_message_stays_until_it_was_read(group: Reached, session: Session) -> None:
    """*Close* and *Close all* leave it; it is on top of newer ones; nobody else's is read."""
    important = group.send(group.chief, subject="Evacuate", level="important")
    newer = group.send(group.chief, subject="Water is outside")
    ada, bob = group.browser("Ada"), group.browser("Bob")
    assert group.open_of("Ada") == [str(important), str(newer), str(group.first)]
    page = ada.get("/").text
    assert "I have read this" in page
    token = csrf(ada)
    every = {"message": [important, newer, group.first], "csrf_token": token}
    assert ada.post("/inbox/close", data=every).status_code == 204
    assert group.open_of("Ada") == [str(important)]
    assert bob.post("/inbox/read", data={"message": important, "csrf_token": csrf(bob)}).status_code == 204
    assert group.open_of("Ada") == [str(important)]
    without_script = ada.post(
        "/inbox/read",
        data={"message": important, "csrf_token": token},
        headers={"Accept": "text/html", "Referer": "http://localhost/inbox"},
    )
    assert (without_script.status_code, without_script.headers["Location"]) == (303, "/inbox")
    assert group.open_of("Ada") == []
    assert ">Important<" in ada.get("/inbox").text
    assert ada.post("/inbox/read", data={"message": "x", "csrf_token": token}).status_code == 400
    session.rollback()
    assert session.scalars(select(Delivery.closed_at).where(Delivery.message_id == important)).all().count(None) == 1
    assert send(group.chief, subject="S", body="B", level="urgent").status_code == 400
