"""Numbers are given in commit order (trap 7, R8): whoever reads on from the last number he saw misses nothing."""

from __future__ import annotations

import threading
import time

import pytest
from flask import Flask

from tests.hall import Hall
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.extensions import db
from webapp.logbook.append import lock_head
from webapp.logbook.verify import verify
from webapp.messaging.audience import Selection, Tokens
from webapp.messaging.draft import Draft
from webapp.messaging.notices import MESSAGE_SOURCE
from webapp.messaging.sending import send
from webapp.models import User
from webapp.monitor.filters import Filter

SENDERS = 4
EACH = 10


def send_some(app: Flask, sender_id: int, candidacy_id: int, announced: list[int]) -> None:
    """One sender, one message after the other."""
    with app.app_context():
        session = db.session()
        for number in range(EACH):
            sender = session.get_one(User, sender_id)
            key = f"sender-{sender_id}-{number:04}"
            draft = Draft("Subject", "Body", Selection(Filter(), listed=(candidacy_id,)), "", key)
            tokens = Tokens("secret", sender_id)
            send(
                session, sender, draft, now=utcnow(), limit=10, tokens=tokens,
                announce=lambda message, _users: announced.append(message.id),
            )  # fmt: skip


@pytest.mark.thorough
def test_trap_7_a_reader_who_goes_on_from_the_last_number_misses_no_commit(app: Flask) -> None:
    with app.app_context():
        hall = Hall(db.session())
        test = hall.test()
        candidacy_id = hall.candidacy(test).id
        sender_ids = [hall.contributor(test).id for _ in range(SENDERS)]
    announced: list[int] = []
    threads = [
        threading.Thread(target=send_some, args=(app, sender_id, candidacy_id, announced)) for sender_id in sender_ids
    ]
    for thread in threads:
        thread.start()
    read: list[int] = []
    with app.app_context():
        session = db.session()
        while any(thread.is_alive() for thread in threads):
            read += MESSAGE_SOURCE.numbers_after(read[-1] if read else 0)
            session.rollback()
            time.sleep(0.001)  # without a pause it would keep the senders from Python's lock, for half a minute in all
        read += MESSAGE_SOURCE.numbers_after(read[-1] if read else 0)
        assert read == sorted(announced)
        assert len(read) == SENDERS * EACH
        assert verify(session).sound


def test_trap_7_a_number_is_not_given_while_an_earlier_one_is_not_committed(app: Flask) -> None:
    with app.app_context():
        hall = Hall(db.session())
        test = hall.test()
        candidacy_id, sender_id = hall.candidacy(test).id, hall.contributor(test).id
        announced: list[int] = []
        other = threading.Thread(target=send_some, args=(app, sender_id, candidacy_id, announced))
        session = db.session()
        with writing(session):
            held = lock_head(session).number
            other.start()
            other.join(timeout=0.5)
            assert announced == []  # it waits for this transaction, which has the number
        other.join(timeout=30)
        assert announced == list(range(held + 1, held + 1 + EACH))
