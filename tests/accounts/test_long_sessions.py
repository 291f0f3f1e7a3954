"""No session ends by idling during its person's exam (R22)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from webapp.clock import utcnow
from webapp.models import User

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
