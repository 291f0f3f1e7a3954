"""A factory for the people and tests that a test needs; every call commits, or many at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Contribution, Role, Test, User
from webapp.models.people import sign_in_name
from webapp.monitor.search_text import refresh_search_text

Kept = TypeVar("Kept")


class Hall:
    """Defaults make a test that runs now, and candidates who have started it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.numbers = count(1)
        self._is_at_once = False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Have what is made inside committed at the end: each commit forgets all objects, which are then read anew."""
        if self._is_at_once:
            yield
            return
        with writing(self.session):
            self._is_at_once = True
            try:
                yield
            finally:
                self._is_at_once = False

    def person(self, name: str | None = None, **fields: object) -> User:
        """A user; the username is given or made up."""
        number = next(self.numbers)
        username = str(fields.pop("username", f"person{number}"))
        user = User(username=username, sign_in_name=sign_in_name(username), name=name or f"Person {number}", **fields)
        return self._keep(user)

    def test(self, title: str = "Algebra", **fields: object) -> Test:
        """A test that began an hour ago and has two hours left."""
        starts_at = fields.pop("starts_at", utcnow() - timedelta(hours=1))
        assert isinstance(starts_at, datetime)
        ends_at = fields.pop("ends_at", starts_at + timedelta(hours=3))
        return self._keep(
            Test(title=title, starts_at=starts_at, ends_at=ends_at, start_date=starts_at.date(), **fields)
        )

    def candidacy(self, test: Test, user: User | None = None, **fields: object) -> Candidacy:
        """A candidacy in progress; `started_at=None` for one that has not begun."""
        with self.at_once():
            user = user or self.person()
            given = {
                "number": f"N{next(self.numbers):05}",
                "room": "Room 1",
                "entered_at": test.starts_at,
                "started_at": test.starts_at,
            }
            candidacy = self._keep(Candidacy(user_id=user.id, test_id=test.id, **{**given, **fields}))
            refresh_search_text(self.session, [candidacy.id])
        return candidacy

    def candidacies(self, test: Test, size: int, **fields: object) -> list[Candidacy]:
        """Many candidacies at once, each of a person of their own."""
        with self.at_once():
            users = [
                User(username=f"bulk{n}", sign_in_name=f"bulk{n}", name=f"Bulk {n}")
                for n in (next(self.numbers) for _ in range(size))
            ]
            self.session.add_all(users)
            self.session.flush()
            made = [
                Candidacy(
                    user_id=user.id,
                    test_id=test.id,
                    **{"number": f"B{user.id:06}", "room": "Room 1", "started_at": test.starts_at, **fields},
                )
                for user in users
            ]
            self.session.add_all(made)
            self.session.flush()
            refresh_search_text(self.session, [candidacy.id for candidacy in made])
        return made

    def contributor(
        self, *tests: Test, role: Role = Role.INVIGILATOR, room: str | None = None, user: User | None = None
    ) -> User:
        """Somebody who works in these tests."""
        with self.at_once():
            user = user or self.person()
            for test in tests:
                self._keep(Contribution(user_id=user.id, test_id=test.id, role=role, room=room))
        return user

    def seen(self, user_id: int, ago: timedelta = timedelta(0)) -> None:
        """Have the person of candidacies that are there already been heard of, `ago` before now."""
        with writing(self.session):
            own = update(Candidacy).where(Candidacy.user_id == user_id)
            self.session.execute(own.values(last_seen=utcnow() - ago))

    def _keep(self, thing: Kept) -> Kept:
        with self.at_once():
            self.session.add(thing)
            self.session.flush()
        return thing


def signed_in(app: Flask, user: User) -> FlaskClient:
    """A browser in which this person is signed in (the cookie is made, not typed: the sign-in has its own tests)."""
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = user.get_id()
        cookie["_fresh"] = True
        cookie["last_request"] = int(utcnow().timestamp())
    return client
