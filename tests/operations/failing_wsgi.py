"""The application with addresses that fail in every way that ends in the log: for `test_log_lines`."""

from __future__ import annotations

import logging
import threading
import warnings

import gevent
from flask import Flask
from sqlalchemy import text

from webapp.db.transactions import writing
from webapp.extensions import db
from webapp.web.security import public
from wsgi import app

SECRET = "what nobody may read in a log"


@app.get("/fails/view")
@public
def view() -> None:
    raise ValueError("two\nlines")


@app.get("/fails/statement")
@public
def statement() -> None:
    with writing(db.session()):
        for _ in range(2):
            db.session.execute(
                text("INSERT INTO user_account (username, sign_in_name, name) VALUES (:a, :a, :b)"),
                {"a": SECRET, "b": SECRET},
            )


@app.get("/fails/type")
@public
def wrong_type() -> None:
    db.session.execute(
        text("SELECT CAST(:secret AS integer) / length(:secret || 'a') FROM nowhere"), {"secret": SECRET}
    )


@app.get("/fails/beside")
@public
def beside() -> str:
    """A thread, a greenlet, a warning, and what libraries write."""
    threading.Thread(target=_fail).start()
    gevent.spawn(_fail)
    warnings.warn("one\nof two lines", UserWarning, stacklevel=1)
    logging.getLogger("a.library").warning("said\non two lines")
    app.logger.error("said by Flask")
    return "did"


def _fail() -> None:
    raise RuntimeError("beside\nany request")


@app.get("/fails/late")
@public
def late() -> object:
    def pieces() -> object:
        yield b"begun"
        raise ValueError("in the middle")

    return Flask.response_class(pieces())  # type: ignore[arg-type]
