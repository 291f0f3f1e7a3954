"""What a stream begins with (R9, R12, R13)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf, open_dialog, post
from tests.statements import statements
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.messaging.inbox import prune
from webapp.messaging.notices import MESSAGE_SOURCE, open_notices
from webapp.models import Message, SessionClaims, User
from webapp.push.events import withdrawn_event
from webapp.push.sessions import write_end
from webapp.push.sweep import OpenNotices


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
        hall.session.rollback()  # what it reads from now on is what was sent


@pytest.fixture
def sent(app: Flask, hall: Hall) -> Sent:
    return Sent(app, hall)


def claims(user: User, epoch: int = 0, session_id: str = "counts") -> SessionClaims:
    return SessionClaims(user.id, user.epoch + epoch, session_id)


def ids(app: Flask, session: SessionClaims) -> list[int] | None:
    """The ids of the notices with which this session's stream begins."""
    with app.test_request_context():
        notices = open_notices(session)
    return None if notices is None else [message_id for message_id, _ in notices.notices]


def test_r13_each_session_gets_what_is_open_for_its_own_person(app: Flask, sent: Sent, session: Session) -> None:
    write_end(session, sent.ada.id, "ended")
    expected = {
        claims(sent.bob): [3],
        claims(sent.ada, session_id="ended"): None,
        claims(sent.ada): [1, 2, 3],
        SessionClaims(2**31 - 1, 0, "of nobody"): None,
        claims(sent.cleo): [],
        claims(sent.ada, epoch=1): None,
        claims(sent.bob, session_id="ended"): [3],  # another person's session of that name
        claims(sent.ada, session_id='with "quotes" {and} \\ and ø'): [1, 2, 3],
    }
    assert {one: ids(app, one) for one in expected} == expected


def test_each_notice_shows_its_message_and_one_statement_reads_them(app: Flask, sent: Sent) -> None:
    adas = claims(sent.ada)
    with app.test_request_context():
        first = open_notices(adas)
        with statements(app) as executed:
            assert open_notices(adas) == first
    assert len(executed) == 1
    assert first is not None
    assert all(subject in notice for (_, notice), subject in zip(first.notices, ("One", "Two", "Three"), strict=True))


def test_r30_what_was_withdrawn_is_named_and_a_correction_shows_what_it_corrects(
    app: Flask, sent: Sent, session: Session
) -> None:
    """Also what its reader had closed: an announcement that comes late shows it nowhere."""
    with writing(session):
        session.execute(update(Message).where(Message.id.in_([1, 3])).values(withdrawn_at=utcnow()))
        session.execute(update(Message).where(Message.id == 2).values(corrects_id=1))
    with app.test_request_context():
        bobs, adas = open_notices(claims(sent.bob)), open_notices(claims(sent.ada))
    assert bobs == OpenNotices([], [1, 3])
    assert adas is not None
    ((number, notice),) = adas.notices
    assert (number, adas.withdrawn) == (2, [1, 3])
    assert "<s>One</s>" in notice
    with app.test_request_context():
        told = set(MESSAGE_SOURCE.user_events_since(utcnow() - timedelta(seconds=30)))
    everybody = tuple(sorted((sent.ada.id, sent.bob.id)))
    assert {withdrawn_event(everybody, [number]) for number in (1, 3)} <= told  # for streams of other processes


def test_a_message_that_was_deleted_is_not_shown(app: Flask, sent: Sent, session: Session) -> None:
    adas = claims(sent.ada)
    with writing(session):
        session.execute(update(Message).where(Message.id == 2).values(sent_at=utcnow() - timedelta(days=400)))
    with app.app_context():
        assert prune(session, utcnow() - timedelta(days=365)) == 1
    assert ids(app, adas) == [1, 3]
