"""What streams begin with, for many at a time (R9, R12, R13)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count, islice
from threading import Event, get_ident
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf, open_dialog, post
from tests.statements import statements
from tests.until import until
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.extensions import db
from webapp.messaging import inbox, notices
from webapp.messaging.notices import OpenNotices
from webapp.messaging.pruning import prune
from webapp.models import Message, SessionClaims, User
from webapp.push.sessions import write_end


class Sent:
    """Three messages: to both candidates, to Ada, to both; Bob has closed the first. Cleo got none."""

    def __init__(self, app: Flask, hall: Hall) -> None:
        test = hall.test()
        self.ada, self.bob, self.cleo = (hall.person(name) for name in ("Ada", "Bob", "Cleo"))
        first = hall.candidacy(test, self.ada)
        hall.candidacy(test, self.bob)
        invigilator, bobs = signed_in(app, hall.contributor(test)), signed_in(app, self.bob)
        for subject, whom in (
            ("One", {"scope": "filtered"}),
            ("Two", {"candidate": first.id}),
            ("Three", {"scope": "filtered"}),
        ):
            assert post(invigilator, open_dialog(invigilator, **whom), subject=subject).status_code == 201
        closed = bobs.post("/inbox/close", data={"message": "1", "csrf_token": csrf(bobs)})
        assert closed.status_code == 204


@pytest.fixture
def sent(app: Flask, hall: Hall) -> Sent:
    return Sent(app, hall)


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def kept(user: User, epoch: int = 0, session_id: str = "counts") -> SessionClaims:
    return SessionClaims(user.id, user.epoch + epoch, session_id)


def test_r13_each_session_gets_what_is_open_for_its_own_person(sent: Sent, session: Session) -> None:
    write_end(session, sent.ada.id, "ended")
    asked = [
        kept(sent.bob),
        kept(sent.ada, session_id="ended"),
        kept(sent.ada),
        SessionClaims(2**31 - 1, 0, "of nobody"),
        kept(sent.cleo),
        kept(sent.ada, epoch=1),
        kept(sent.bob, session_id="ended"),  # another person's session of that name
        kept(sent.ada, session_id='with "quotes" {and} \\ and ø'),
    ]
    found = inbox.open_of_each(session.connection(), asked)
    assert found == [[3], None, [1, 2, 3], None, [], None, [3], [1, 2, 3]]
    assert inbox.open_of_each(session.connection(), asked[2:3]) == [[1, 2, 3]]


@pytest.mark.usefixtures("context")
def test_what_a_message_says_is_read_once(app: Flask, sent: Sent) -> None:
    shown = OpenNotices()
    first = shown(kept(sent.ada))
    assert first is not None
    assert [number for number, _ in first] == [1, 2, 3]
    assert all(subject in notice for (_, notice), subject in zip(first, ("One", "Two", "Three"), strict=True))
    with statements(app) as made:
        assert shown(kept(sent.bob)) == first[2:]
        assert shown(kept(sent.ada)) == first
        assert shown(kept(sent.ada, epoch=1)) is None
    assert len([one for one in made if "delivery" in one]) == 3
    assert not [one for one in made if "message.body" in one]


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("most", [0, 1, 2])
def test_more_than_are_kept_are_shown_all_the_same(sent: Sent, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    true = OpenNotices()(kept(sent.ada)) or []
    monkeypatch.setattr(notices, "KEPT", most)
    shown = OpenNotices()
    assert [shown(kept(one)) for one in (sent.bob, sent.ada, sent.cleo, sent.ada, sent.bob)] == [
        true[2:], true, [], true, true[2:],
    ]  # fmt: skip
    assert set(shown._shown) == {3}


@pytest.mark.usefixtures("context")
@pytest.mark.only_on("postgresql")  # SQLite answers both from one moment
def test_a_message_that_is_deleted_meanwhile_is_not_shown(app: Flask, sent: Sent, session: Session) -> None:
    """`flask prune`, between the two statements."""
    with writing(session):
        session.execute(update(Message).where(Message.id == 2).values(sent_at=utcnow() - timedelta(days=400)))

    here, moments = get_ident(), count()

    def prune_meanwhile(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if get_ident() != here or next(moments):  # the process's loops, the pruning itself, and what comes after it
            return
        assert "kept.place" in statement
        with ThreadPoolExecutor(1) as threads:
            threads.submit(prune_in, app).result()

    adas = kept(sent.ada)
    event.listen(db.engine, "after_cursor_execute", prune_meanwhile)
    assert [number for number, _ in OpenNotices()(adas) or []] == [1, 3]


def prune_in(app: Flask) -> None:
    """Delete what is a year old."""
    with app.app_context():
        assert prune(db.session(), utcnow() - timedelta(days=365)) == 1


def test_streams_that_open_at_a_time_are_asked_for_together(app: Flask, hall: Hall, sent: Sent) -> None:
    """Each begins with what is open for its own person."""
    hall.session.rollback()
    app.extensions["examhall_push"].hub.capacity = 20
    people = [sent.ada, sent.bob, sent.cleo] * 3
    pages = [signed_in(app, one) for one in people]
    pages[0].get("/inbox")  # the process has had its first request
    waiting, asked = app.extensions["examhall_push"].open_notices._of, []
    begun, released = Event(), Event()

    def hold_the_first(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "kept.place" in statement:
            asked.append(statement)
            begun.set()
            assert released.wait(10)

    event.listen(db.engine, "before_cursor_execute", hold_the_first)
    with ThreadPoolExecutor(len(pages)) as threads:
        opening = [threads.submit(page.get, "/stream", buffered=False) for page in pages]
        assert begun.wait(10)
        until(lambda: len(waiting._waiting) == len(pages) - 1)
        released.set()
        streams = [one.result() for one in opening]
    first = [b"".join(islice(stream.response, 1)) for stream in streams]
    for begun_with, person in zip(first, people, strict=True):
        still_open = {sent.ada: b"1,2,3", sent.bob: b"3", sent.cleo: b""}[person]
        assert b"event: still-open\ndata: " + still_open + b"\n\n" in begun_with
    assert len(asked) == 2
    for stream in streams:
        stream.close()
