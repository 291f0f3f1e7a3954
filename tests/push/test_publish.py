"""`publish`, in flask-sse's shape: who hears it, and how often."""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import Session

from webapp.push import service
from webapp.push.views import push


def waiting(app: Flask, user_id: int) -> list[bytes]:
    """Open a stream, publish three times, and give what waits in it."""
    hub = service.current().hub
    hub.capacity = 10
    stream = hub.open(user_id, "session")
    push.publish("a message", id="7", channel=[1])
    push.publish("a message", id="7", channel=[1])
    for _ in range(2):
        push.publish("a word", type="closed", channel=[1])
    stream.end()
    found = list(stream.events([]))[1:]
    hub.leave(stream)
    return found


def test_a_message_is_handed_out_once_and_a_word_each_time(app: Flask, session: Session) -> None:
    word = b"event: closed\ndata: a word\n\n"
    assert waiting(app, 1) == [b"data: a message\nid: 7\n\n", word, word]


def test_nobody_else_hears_it(app: Flask, session: Session) -> None:
    assert waiting(app, 2) == []
