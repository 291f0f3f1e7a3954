"""The hall that is measured: people with sessions, and a sender who posts the real form."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from flask_migrate import upgrade
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import create_engine, text, update

from tests.databases import SECRET_KEY, Database, settings_for
from tests.hall import Hall
from webapp import create_app
from webapp.accounts.passwords import hash_password
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.extensions import db
from webapp.models import Delivery, Question, Role, User

CSRF_SECRET = "the same for everybody who is measured"
CSRF_TOKEN = URLSafeTimedSerializer(SECRET_KEY, salt="wtf-csrf-token").dumps(CSRF_SECRET)
"""Goes with the cookies below, as Flask-WTF signs it."""
PASSWORD = "correct horse battery"
BODY = "The fire alarm cost ten minutes. " * 8


@dataclass(frozen=True)
class Audience:
    """A test with its chief and its candidates: the cookies of all of them."""

    test_id: int
    question_id: int
    names: list[str]
    """User names of the candidates; everybody's password is `PASSWORD`."""
    chief: bytes
    candidates: list[bytes]
    staff: list[bytes]


@dataclass(frozen=True)
class Post:
    """One sending: seconds from the first byte of the form, and the moment on the common clock."""

    begun: float
    committed: float
    answered: float


def build_hall(database: Database, *sizes: int, staff: int = 0) -> list[Audience]:
    """Migrate an empty database and fill it: one test per size, each with people of its own.

    `staff` is how many invigilators each test has beside its chief.
    """
    app = create_app(settings_for(database))
    audiences = []
    with app.app_context():
        upgrade()
        hall = Hall(db.session())
        for number, size in enumerate(sizes, start=1):
            test = hall.test(f"Benchmark {number}")
            chief = hall.contributor(test, role=Role.CHIEF_INVIGILATOR)
            invigilators = [hall.contributor(test) for _ in range(staff)]
            people = [db.session.get_one(User, one.user_id) for one in hall.candidacies(test, size)]
            question = Question(test_id=test.id, position=1)
            with writing(db.session()):
                db.session.add(question)
                db.session.execute(update(User).values(password_hash=hash_password(PASSWORD)))
            audiences.append(
                Audience(
                    test_id=test.id,
                    question_id=question.id,
                    names=[person.username for person in people],
                    chief=cookie(app, chief),
                    candidates=[cookie(app, person) for person in people],
                    staff=[cookie(app, person) for person in invigilators],
                )
            )
        with writing(db.session()):
            db.session.execute(text("ANALYZE"))  # what an import does at its end
        db.session.remove()
        db.engine.dispose()
    return audiences


def close_notices(database: Database) -> None:
    """Every candidate has closed every notice."""
    engine = create_engine(database.url)
    with engine.begin() as connection:
        now = utcnow()
        connection.execute(update(Delivery).where(Delivery.closed_at.is_(None)).values(closed_at=now))
    engine.dispose()


def cookie(app: Flask, user: User) -> bytes:
    """The session cookie of a person who has signed in (1,500 sign-ins are another measurement)."""
    signer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    session = {"_user_id": user.get_id(), "_fresh": True, "sid": f"bench{user.id}", "csrf_token": CSRF_SECRET}
    session["last_request"] = int(utcnow().timestamp())
    return f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps(session)}".encode()


def stream_requests(cookies: Sequence[bytes]) -> list[bytes]:
    """What opens each one's stream."""
    return [b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: %s\r\n\r\n" % one for one in cookies]


async def send_to_all(port: int, cookie: bytes) -> Post:
    """Open the dialog, fill it in, and press Send; raises `RuntimeError` unless it was sent."""
    form, session = await open_dialog(port, cookie)
    begun = time.perf_counter()
    answer = await http(port, b"POST /messages", session, form)
    answered = time.perf_counter()
    if b" 201 " not in answer[:20]:
        raise RuntimeError(answer.decode()[:2000])
    told = re.search(rb"X-Committed-At: ([\d.]+)", answer)
    return Post(begun, float(told[1]) if told else begun, answered)


async def open_dialog(port: int, cookie: bytes) -> tuple[bytes, bytes]:
    """The form that the dialog gives, filled in, and the cookie that goes with it."""
    answer = (await http(port, b"GET /messages/new?scope=filtered", cookie)).decode()
    fresh = re.search(r"Set-Cookie: (examhall_session[^;]+)", answer)
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', answer)
    fields = [(name, unescape(value)) for name, value in pairs]
    form = urlencode([*fields, ("subject", "Ten more minutes"), ("body", BODY)]).encode()
    return form, fresh[1].encode() if fresh else cookie


async def http(port: int, what: bytes, cookie: bytes = b"", form: bytes = b"") -> bytes:
    """One request on a connection of its own, as HTMX sends it; the whole answer, by its length as browsers read it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = what + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nHX-Request: true\r\nCookie: " + cookie
    if form or what.startswith(b"POST"):
        head += b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d" % len(form)
    writer.write(head + b"\r\n\r\n" + form)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", answer, re.IGNORECASE)
    answer += await reader.readexactly(int(length[1])) if length else await reader.read()
    writer.close()
    return answer
