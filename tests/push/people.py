"""A hall of a few people: their sessions, their tabs, and the forms that are sent in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.conftest import Browser
from tests.databases import Database, application_on
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf, open_dialog
from tests.push.interleaving import Operation, Process
from tests.push.page import Page
from webapp.extensions import db
from webapp.models import User
from webapp.push.events import BEAT
from webapp.push.stream import Stream

TABS = ("ada", "ada", "ada", "bob")
"""Ada has more tabs than a process gives streams to a person."""


@dataclass
class Account:
    """Somebody who is signed in."""

    user_id: int
    cookie: str
    token: str


@dataclass
class World:
    """A database with an invigilator and three candidates in two rooms."""

    database: Database
    accounts: dict[str, Account]
    cookies: list[str]
    """Of each tab: a session of its own, by which its stream is found."""
    forms: list[tuple[MultiDict[str, str], frozenset[str]]]
    """Filled compose forms, and whom each reaches."""


def world_on(database: Database) -> World:
    """Fill a database with the people, and sign them in."""
    with application_on(database) as app, app.app_context():
        app.test_client_class = Browser
        hall = Hall(db.session())
        algebra, law = hall.test("Algebra"), hall.test("Law")
        people = {name: hall.person(name.title()) for name in ("ines", "ada", "bob", "eve")}
        hall.contributor(algebra, law, user=people["ines"])
        one = hall.candidacy(algebra, people["bob"], room="Room A")
        for test, name, room in ((algebra, "ada", "Room A"), (law, "ada", "Room B"), (law, "eve", "Room B")):
            hall.candidacy(test, people[name], room=room)
        hall.session.rollback()
        accounts = {}
        browsers = {name: signed_in(app, user) for name, user in people.items()}
        for name, browser in browsers.items():
            token = csrf(browser)
            cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
            assert cookie
            accounts[name] = Account(people[name].id, cookie.value, token)
        ines = browsers["ines"]
        forms = [
            (open_dialog(ines, scope="filtered"), frozenset({"ada", "bob", "eve"})),
            (open_dialog(ines, scope="filtered", room="Room A"), frozenset({"ada", "bob"})),
            (open_dialog(ines, scope="filtered", room="Room B"), frozenset({"ada", "eve"})),
            (open_dialog(ines, candidate=one.id), frozenset({"bob"})),
        ]
        for form, _ in forms:
            form["csrf_token"] = accounts["ines"].token
        cookies = [_cookie(app, people[name], f"tab {n}") for n, name in enumerate(TABS)]
        hall.session.rollback()
    return World(database, accounts, cookies, forms)


def _cookie(app: Flask, user: User, session_id: str) -> str:
    browser = signed_in(app, user)
    with browser.session_transaction() as session:
        session["sid"] = session_id
    cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie
    return cookie.value


@dataclass
class Sending:
    """A form that is posted until it is answered, perhaps more than once at the same time."""

    fields: MultiDict[str, str]
    to: frozenset[str]
    number: int | None = None
    corrects: int | None = None
    """The message that it takes the place of."""
    is_refused: bool = False
    """What it was to correct had been withdrawn."""


@dataclass
class Tab:
    """A candidate's tab: its page, and the stream that it reads."""

    person: str
    session_id: str
    cookie: str
    page: Page = field(default_factory=Page)
    process: Process | None = None
    opening: Operation | None = None
    answer: TestResponse | None = None
    stream: Stream | None = None
    events: Iterator[bytes] | None = None

    def drop(self) -> None:
        """The line is cut."""
        if self.answer:
            self.answer.close()
        self.process = self.opening = self.answer = self.stream = self.events = None

    def look(self) -> None:
        """See whether its stream has been opened."""
        if self.opening and self.opening.is_over:
            if self.opening.result:
                self.answer, self.stream = self.opening.result
                self.events = iter(self.answer.response)
                self.page.opened()
            self.opening = None

    def read(self) -> None:
        """Take what waits."""
        self.look()
        if not self.stream or self.events is None:
            return
        self.stream.put(0, BEAT)  # something comes in any case: what waits may be left out as written before
        while self.stream.waiting:
            event = next(self.events, None)
            if event is None:
                self.drop()
                return
            self.page.take(event)
