"""No session ends by idling during its person's exam (R22)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.exams.rows import question_of
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Answer, Test, User

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("hours", [1.5, 8, 30])
def test_r22_a_page_that_was_left_alone_for_hours_still_saves(
    app: Flask, hall: Hall, session: Session, hours: float
) -> None:
    """With the token that the page got when it was opened: Flask-WTF would let it die after an hour."""
    one = hall.candidacy(hall.test(ends_at=utcnow() + timedelta(hours=48)))
    browser = signed_in(app, session.get_one(User, one.user_id))
    token = csrf(browser)
    with time_machine.travel(utcnow() + timedelta(hours=hours), tick=True):
        assert browser.post("/ping", headers={"X-CSRFToken": token}).status_code == 204
        assert browser.get(f"/tests/{one.test_id}").status_code == 200
        closed = browser.post("/inbox/close", data={"message": "1"}, headers={"X-CSRFToken": token})
        assert closed.status_code == 204


@pytest.mark.parametrize("is_closed", [False, True], ids=["open", "closed"])
def test_the_first_request_after_many_hours_is_a_save(
    app: Flask, hall: Hall, session: Session, *, is_closed: bool
) -> None:
    """The statement of a save knows nothing of idling: the person is loaded first."""
    one = hall.candidacy(hall.test(ends_at=utcnow() + timedelta(hours=48)))
    address = f"/tests/{one.test_id}/answers/{question_of(hall, one.test_id)}"
    browser = signed_in(app, session.get_one(User, one.user_id))
    headers = {"X-CSRFToken": csrf(browser)}
    if is_closed:
        with writing(session):
            session.get_one(Test, one.test_id).closed_at = utcnow()
    with time_machine.travel(utcnow() + timedelta(hours=30), tick=True):
        answer = browser.post(address, data={"text": "typed at night"}, headers=headers)
    assert answer.status_code == (401 if is_closed else 303)
    session.rollback()
    assert session.scalars(select(Answer.text)).all() == ([] if is_closed else ["typed at night"])
