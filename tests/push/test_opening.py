"""A stream that opens while something is sent (trap 1)."""

from __future__ import annotations

from threading import Thread
from typing import Any

from flask import Flask
from sqlalchemy import event

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog, post
from webapp.extensions import db


def test_trap_1_what_is_sent_between_the_sign_in_check_and_the_subscription_is_not_missed(
    app: Flask, hall: Hall
) -> None:
    """On SQLite the check began a transaction, which sees nothing that was committed since."""
    test = hall.test()
    candidate = hall.person()
    hall.candidacy(test, candidate)
    invigilator = signed_in(app, hall.contributor(test))
    form = open_dialog(invigilator, scope="filtered")
    page = signed_in(app, candidate)
    page.get("/inbox")  # the process has had its first request
    app.extensions["examhall_push"].hub.capacity = 10
    answers: list[int] = []
    begun: list[str] = []

    def send_meanwhile(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not begun and "sign_in_name" in statement:  # the sign-in check
            begun.append(statement)
            sending = Thread(target=lambda: answers.append(post(invigilator, form).status_code))
            sending.start()
            sending.join()

    hall.session.rollback()
    event.listen(db.engine, "after_cursor_execute", send_meanwhile)
    stream = page.get("/stream", buffered=False)
    assert answers == [201]
    events = iter(stream.response)
    assert [next(events).split(b"\n")[-3] for _ in range(3)] == [b"data: ", b"data: 1", b"id: 1"]
    stream.close()
