"""A stream that opens while something is sent (trap 1)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from threading import Event, Lock, Thread, current_thread, main_thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf, open_dialog, post
from tests.until import until
from webapp.clock import utcnow
from webapp.exceptions import Unavailable
from webapp.extensions import db
from webapp.models import SessionClaims
from webapp.push.sessions import write_end
from webapp.push.sweep import OpenNotices


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute"])
def test_trap_1_what_is_sent_while_a_stream_asks_for_what_is_open_comes_once(
    app: Flask, hall: Hall, moment: str
) -> None:
    """Right before and right after the first that it asks of the database."""
    test = hall.test()
    candidate = hall.person()
    hall.candidacy(test, candidate)
    invigilator, page = signed_in(app, hall.contributor(test)), signed_in(app, candidate)
    form = open_dialog(invigilator, scope="filtered")
    page.get("/inbox")  # the process has had its first request
    hub = app.extensions["examhall_push"].hub
    hub.capacity = 10
    answers: list[int] = []
    asked: list[str] = []

    def send_meanwhile(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not asked and current_thread() is main_thread():
            asked.append(statement)
            sending = Thread(target=lambda: answers.append(post(invigilator, form).status_code))
            sending.start()
            sending.join()

    hall.session.rollback()
    event.listen(db.engine, moment, send_meanwhile)
    stream = page.get("/stream", buffered=False)
    assert answers == [201]
    hub.drain()  # or it would go on for hours
    assert b"".join(stream.response).count(b"id: 1\n") == 1
    stream.close()


def test_opening_a_stream_is_a_sign_of_life(app: Flask, hall: Hall, session: Session) -> None:
    candidate = hall.person()
    candidacy = hall.candidacy(hall.test(), candidate)
    push = app.extensions["examhall_push"]
    push.hub.capacity = 10
    stream = signed_in(app, candidate).get("/stream", buffered=False)
    push.presence.flush(session, utcnow())
    session.refresh(candidacy)
    assert candidacy.last_seen
    stream.close()


def test_r9_a_stream_begins_with_what_is_open_and_nothing_that_was_closed(app: Flask, hall: Hall) -> None:
    test = hall.test()
    candidate = hall.person()
    hall.candidacy(test, candidate)
    invigilator, page = signed_in(app, hall.contributor(test)), signed_in(app, candidate)
    app.extensions["examhall_push"].hub.capacity = 10
    for _ in range(2):
        assert post(invigilator, open_dialog(invigilator, scope="filtered")).status_code == 201
    assert page.post("/inbox/close", data={"message": "1", "csrf_token": csrf(page)}).status_code == 204
    stream = page.get("/stream", buffered=False)
    begun = b"".join(islice(stream.response, 3))
    assert (b"id: 1\n" in begun, b"id: 2\n" in begun) == (False, True)
    stream.close()


def test_a_session_that_has_ended_opens_no_stream_and_ends_none(app: Flask, hall: Hall) -> None:
    """Its cookie was copied before; the person has two streams open in the session that counts."""
    candidate = hall.person()
    hall.candidacy(hall.test(), candidate)
    page, copy = signed_in(app, candidate), signed_in(app, candidate)
    with copy.session_transaction() as cookie:
        cookie["sid"] = "ended"
    hub = app.extensions["examhall_push"].hub
    hub.capacity = 10
    write_end(hall.session, candidate.id, "ended")
    streams = [page.get("/stream", buffered=False) for _ in range(2)]
    refused = copy.get("/stream", headers={"HX-Request": "true"})
    assert refused.status_code == 401
    assert len(hub) == 2
    assert [b"event: poll" in b"".join(islice(stream.response, 2)) for stream in streams] == [False, False]
    for stream in streams:
        stream.close()


def test_r21_whose_last_stream_ends_has_left(app: Flask, hall: Hall, session: Session) -> None:
    candidate = hall.person()
    candidacy = hall.candidacy(hall.test(), candidate)
    push, page = app.extensions["examhall_push"], signed_in(app, candidate)
    push.hub.capacity = 10
    streams = [page.get("/stream", buffered=False) for _ in range(2)]
    in_a_while = utcnow() + timedelta(seconds=10)
    for stream, has_left in zip(streams, (False, True), strict=True):
        stream.close()
        push.presence.flush(session, in_a_while)
        session.refresh(candidacy)
        assert bool(candidacy.left_at) is has_left


def test_trap_9_the_third_stream_of_a_person_ends_the_first(app: Flask, hall: Hall) -> None:
    hub, page = app.extensions["examhall_push"].hub, signed_in(app, hall.person())
    hub.capacity = 10
    streams = [page.get("/stream", buffered=False) for _ in range(3)]
    assert b"".join(streams[0].response).endswith(b"event: poll\ndata: \n\n")
    hub.drain()
    assert [b"event: poll" in b"".join(stream.response) for stream in streams[1:]] == [False, False]
    for stream in streams:
        stream.close()


def test_a_stream_that_cannot_be_opened_takes_no_place(app: Flask, hall: Hall) -> None:
    def fail(_claims: SessionClaims) -> list[tuple[int, str]]:
        raise Unavailable("busy")

    push, page = app.extensions["examhall_push"], signed_in(app, hall.person())
    push.hub.capacity = 10
    push.messages = replace(push.messages, open_notices=fail)
    assert page.get("/stream", headers={"HX-Request": "true"}).status_code == 503
    assert len(push.hub) == 0


def test_streams_open_a_few_at_a_time_and_pages_are_served_meanwhile(app: Flask, hall: Hall) -> None:
    """A hall of 1,500 that reconnects within a second does not keep anybody else waiting."""
    pages = [signed_in(app, hall.person()) for _ in range(16)]
    hall.session.rollback()
    push = app.extensions["examhall_push"]
    push.hub.capacity = 20
    pages[0].get("/inbox")  # the process has had its first request
    released, opening, most = Event(), 0, 0
    lock = Lock()

    def hold(_claims: SessionClaims) -> OpenNotices:
        nonlocal opening, most
        with lock:
            opening += 1
            most = max(most, opening)
        assert released.wait(10)
        with lock:
            opening -= 1
        return OpenNotices([], [])

    push.messages = replace(push.messages, open_notices=hold)
    with ThreadPoolExecutor(len(pages)) as threads:
        streams = [threads.submit(page.get, "/stream", buffered=False) for page in pages[1:]]
        until(lambda: opening == most == 12, 5)
        assert pages[0].get("/inbox").status_code == 200
        released.set()
        for stream in streams:
            assert stream.result().status_code == 200
            stream.result().close()
    assert most == 12
