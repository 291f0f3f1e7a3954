"""What an application asks its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from flask import Flask
from sqlalchemy import event

from webapp.extensions import db


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The statements that are made meanwhile by this thread, as they are written, without a transaction's begin."""
    made: list[str] = []
    here = get_ident()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if get_ident() == here and statement != "BEGIN":  # the sweep and the presence writer have threads of their own
            made.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield made
    event.remove(engine, "before_cursor_execute", note)
