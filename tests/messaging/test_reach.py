"""Who gets a message, who does not, and what the sender learns of it (R16, trap 20)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf, open_dialog, post
from tests.messaging.written import recipients
from webapp.clock import utcnow
from webapp.models import Role, User


def test_trap_20_one_tests_message_stays_in_it_and_all_leaves_nobody_out(
    app: Flask, hall: Hall, session: Session
) -> None:
    algebra, law, elsewhere = hall.test("Algebra"), hall.test("Law"), hall.test("Elsewhere")
    moment = utcnow() - timedelta(minutes=5)
    of_algebra = {
        hall.candidacy(algebra, **fields).user_id
        for fields in (
            {}, {"room": ""}, {"started_at": None, "entered_at": None}, {"submitted_at": moment},
            {"withdrawn_at": moment}, {"paused_at": moment},
        )
    }  # fmt: skip
    of_law = {hall.candidacy(law).user_id}
    hall.candidacy(elsewhere)
    browser = signed_in(app, hall.contributor(algebra, law))
    assert post(browser, open_dialog(browser, scope="filtered", test=algebra.id)).status_code == 201
    assert recipients(session) == of_algebra
    assert post(browser, open_dialog(browser, scope="filtered")).status_code == 201
    assert recipients(session) == of_algebra | of_law


@pytest.mark.one_database
def test_r16_the_sender_cannot_see_who_got_or_closed_it(app: Flask, hall: Hall, session: Session) -> None:
    test = hall.test()
    one = hall.candidacy(test)
    chief = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    post(chief, open_dialog(chief, scope="filtered"))

    def views() -> list[str]:
        pages = (chief.get(path, buffered=True).text for path in ("/messages/1", "/log", "/log/1", "/log.csv"))
        return [
            re.sub(r'(name="(?:csrf[-_]token|server-time)" (?:content|value)=)"[^"]*"', r"\1", page) for page in pages
        ]

    before = views()
    candidate = signed_in(app, session.get_one(User, one.user_id))
    candidate.get("/")
    assert (
        candidate.post("/inbox/close", data={"message": "1"}, headers={"X-CSRFToken": csrf(candidate)}).status_code
        == 204
    )
    assert views() == before
