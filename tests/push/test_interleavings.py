"""Interleavings of send, connect, drop, close, sweep and restart against a model (R1, R2, R8, R9, R13).

Hypothesis chooses who goes on at each stop of each request (`interleaving.py`). SQLite is one process that dies and
starts again; on PostgreSQL there are two, with a network between them that loses and delays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select, text
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.conftest import Browser
from tests.databases import Database, application_on
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf, open_dialog, post
from tests.push.interleaving import Network, Operation, Process
from tests.push.page import Page
from webapp.extensions import db
from webapp.logbook.verify import verify
from webapp.messaging.form import new_key
from webapp.models import Delivery, LogEntry, Message, User
from webapp.push.events import BEAT
from webapp.push.stream import Stream

PROCESSES = {"sqlite": 1, "postgresql": 2}
TABS = ("ada", "ada", "ada", "bob")
"""Ada has more tabs than a process gives streams to a person."""
MOST_AT_ONCE = 4
"""Operations under way: each holds a connection."""
EXAMPLES = 20
STEPS = 40

chosen = st.integers(0, 999)
at_first = st.sampled_from((99, 99, 0, 1, 2, 3, 4, 6))
"""How many steps an operation takes when it begins; 99: all."""


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


@pytest.fixture
def world(database: Database) -> World:
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
            cookie = browser.get_cookie("examhall_session")
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
    cookie = browser.get_cookie("examhall_session")
    assert cookie
    return cookie.value


@dataclass
class Sending:
    """A form that is posted until it is answered, perhaps more than once at the same time."""

    fields: MultiDict[str, str]
    to: frozenset[str]
    number: int | None = None


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


class Interleavings(RuleBasedStateMachine):
    """The rules: what may happen next."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.network = Network(self.world.database)
        with self.network.outside.begin() as connection:
            connection.execute(text("UPDATE delivery SET closed_at = 1 WHERE closed_at IS NULL"))
            self.before = connection.scalar(select(func.max(Message.id))) or 0
        count = PROCESSES[self.world.database.kind]
        self.network.processes = [Process(self.world.database, self.network) for _ in range(count)]
        self.tabs = [Tab(person, f"tab {n}", self.world.cookies[n]) for n, person in enumerate(TABS)]
        self.sendings: list[Sending] = []
        self.closings: dict[tuple[str, int], bool] = {}
        """What a person has closed, and whether the server has said that it knows."""
        self.operations: list[Operation] = []
        self.sweeping: dict[Process, Operation] = {}

    # what people do

    @precondition(lambda self: self._may_begin())
    @rule(where=chosen, form=chosen, steps=at_first)
    def send(self, where: int, form: int, steps: int) -> None:
        fields, to = self.world.forms[form % len(self.world.forms)]
        sending = Sending(MultiDict(fields), to)
        sending.fields["idempotency_key"] = new_key()
        self.sendings.append(sending)
        self._begin(self._process(where), self._posting(sending, self._process(where)), steps)

    @precondition(lambda self: self._may_begin() and self.sendings)
    @rule(where=chosen, which=chosen, steps=at_first)
    def post_the_same_form_again(self, where: int, which: int, steps: int) -> None:
        sending = self.sendings[which % len(self.sendings)]
        self._begin(self._process(where), self._posting(sending, self._process(where)), steps)

    @precondition(lambda self: self._may_begin() and self._tabs(connected=False))
    @rule(where=chosen, which=chosen, steps=at_first)
    def connect(self, where: int, which: int, steps: int) -> None:
        without = self._tabs(connected=False)
        tab, process = without[which % len(without)], self._process(where)
        account = self.world.accounts[tab.person]
        tab.process = process
        tab.opening = self._begin(
            process, lambda: process.open_stream(tab.cookie, account.user_id, tab.session_id), steps
        )

    @precondition(lambda self: self._tabs(connected=True))
    @rule()
    def read(self) -> None:
        for tab in self.tabs:
            tab.read()

    @precondition(lambda self: self._tabs(connected=True))
    @rule(which=chosen, another_page=st.booleans())
    def drop(self, which: int, another_page: bool) -> None:
        connected = self._tabs(connected=True)
        tab = connected[which % len(connected)]
        tab.drop()
        if another_page:
            tab.page = Page()

    @precondition(lambda self: self._may_begin() and any(tab.page.screen for tab in self.tabs))
    @rule(where=chosen, which=chosen, steps=at_first)
    def close_a_notice(self, where: int, which: int, steps: int) -> None:
        shown = [(tab, number) for tab in self.tabs for number in sorted(tab.page.screen)]
        tab, number = shown[which % len(shown)]
        tab.page.close(number)
        self.closings.setdefault((tab.person, number), False)
        self._begin(self._process(where), self._closing(tab.person, number, self._process(where)), steps)

    # what processes do

    @precondition(lambda self: self.operations)
    @rule(which=chosen, steps=st.integers(1, 12))
    def go_on(self, which: int, steps: int) -> None:
        self._step(self.operations[which % len(self.operations)], steps)

    @precondition(lambda self: self._may_begin())
    @rule(where=chosen, steps=at_first)
    def sweep(self, where: int, steps: int) -> None:
        """One at a time in each process: its loop takes one step after the other."""
        process = self._process(where)
        if self.sweeping.get(process) is None or self.sweeping[process].is_over:
            self.sweeping[process] = self._begin(process, process.sweep_once, steps)

    @precondition(lambda self: self.network.waiting)
    @rule(arrives=st.booleans())
    def the_network_carries_or_loses(self, arrives: bool) -> None:
        if arrives:
            self.network.carry()
        else:
            self.network.lose()

    @precondition(lambda self: self.operations or self._tabs(connected=True))
    @rule(where=chosen)
    def die_and_start_again(self, where: int) -> None:
        process = self._process(where)
        process.die()
        self._forget_what_is_over()
        for tab in self.tabs:
            if tab.process is process:
                tab.drop()
        process.start()

    @rule(arrives=st.booleans())
    def settle(self, arrives: bool) -> None:
        """Everything comes to its end, every process sweeps once more, and everybody has what the model has."""
        self._finish_requests()
        while arrives and self.network.waiting:
            self.network.carry()
        self.network.waiting.clear()
        for process in self.network.processes:
            process.sweep_once()
        self._check_database()
        for tab in self.tabs:
            tab.read()
            self._poll_where_there_is_no_stream(tab)
            wanted = self._open(tab.person)
            assert tab.page.screen == wanted, f"{tab.person}'s tab shows {tab.page.screen}, not {wanted}"

    def teardown(self) -> None:
        try:
            self.settle(arrives=False)
        finally:
            for tab in self.tabs:
                tab.drop()
            self.network.close()

    # the model

    def _open(self, person: str) -> set[int]:
        delivered = {sending.number for sending in self.sendings if person in sending.to and sending.number}
        return {number for number in delivered if (person, number) not in self.closings}

    def _check_database(self) -> None:
        numbers = sorted(sending.number or 0 for sending in self.sendings)
        assert numbers == list(range(self.before + 1, self.before + 1 + len(numbers))), "one number for each form"
        with self.network.outside.connect() as connection:
            for table in (Message, LogEntry):
                found = connection.scalars(select(table.id).where(table.id > self.before).order_by(table.id)).all()
                assert found == numbers
            rows = connection.execute(
                select(Delivery.message_id, Delivery.user_id).where(Delivery.message_id > self.before)
            )
            delivered = sorted((number, user_id) for number, user_id in rows)
        wanted = [(one.number or 0, self.world.accounts[name].user_id) for one in self.sendings for name in one.to]
        assert delivered == sorted(wanted)

    # steps

    def _finish_requests(self) -> None:
        """All that is under way; and what got no answer is posted again, as pages do."""
        for operation in self.operations:
            operation.finish()
        self._forget_what_is_over()
        process = self.network.processes[0]
        for sending in self.sendings:
            if sending.number is None:
                process.begin(self._posting(sending, process)).finish()
        for (person, number), known in self.closings.items():
            if not known:
                process.begin(self._closing(person, number, process)).finish()

    def _poll_where_there_is_no_stream(self, tab: Tab) -> None:
        if tab.stream is None:
            browser = self.network.processes[0].browser(self.world.accounts[tab.person].cookie)
            tab.page.polled(browser.get("/inbox/new", headers=HTMX).text, set(tab.page.screen))

    def _posting(self, sending: Sending, process: Process) -> Callable[[], None]:
        def run() -> None:
            answer = post(process.browser(self.world.accounts["ines"].cookie), sending.fields)
            assert answer.status_code == 201, answer.text
            number = int(answer.headers["Location"].rsplit("/", 1)[1])
            assert sending.number in (None, number), "the same form twice"
            sending.number = number

        return run

    def _closing(self, person: str, number: int, process: Process) -> Callable[[], None]:
        account = self.world.accounts[person]

        def run() -> None:
            browser = process.browser(account.cookie)
            headers = {**HTMX, "X-CSRFToken": account.token}
            assert browser.post("/inbox/close", data={"message": number}, headers=headers).status_code == 204
            self.closings[person, number] = True

        return run

    def _process(self, which: int) -> Process:
        return self.network.processes[which % len(self.network.processes)]

    def _tabs(self, *, connected: bool) -> list[Tab]:
        """Those with an open stream, or those with none and none on its way."""
        for tab in self.tabs:
            tab.look()
        return [tab for tab in self.tabs if not tab.opening and bool(tab.stream) is connected]

    def _may_begin(self) -> bool:
        return len(self.operations) < MOST_AT_ONCE

    def _begin(self, process: Process, run: Callable[[], Any], steps: int) -> Operation:
        operation = process.begin(run)
        self.operations.append(operation)
        self._step(operation, steps)
        return operation

    def _step(self, operation: Operation, steps: int) -> None:
        for _ in range(steps):
            if not operation.is_over:
                operation.step()
        self._forget_what_is_over()

    def _forget_what_is_over(self) -> None:
        self.operations = [operation for operation in self.operations if not operation.is_over]


def test_r8_r9_whatever_comes_between_each_tab_shows_what_is_open(world: World) -> None:
    class OnThisDatabase(Interleavings):
        pass

    OnThisDatabase.world = world
    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    with application_on(world.database) as app, app.app_context():
        assert verify(db.session()).sound
        db.session.rollback()


def test_r9_a_tab_whose_line_was_cut_while_a_notice_was_closed_elsewhere(world: World) -> None:
    """The event `closed` was told and is not told again: what a stream begins with has to say it."""
    Interleavings.world = world
    machine = Interleavings()
    machine.tabs = here, there = machine.tabs[:2]
    for which in (0, 0):
        machine.connect(where=0, which=which, steps=99)
    machine.send(where=0, form=0, steps=99)
    machine.read()
    here.drop()
    there.page.close(number := min(there.page.screen))
    machine.closings["ada", number] = False
    machine._finish_requests()
    machine.settle(arrives=True)  # by now every process has told it
    here.page.screen.add(number)  # the line was cut: the page has heard nothing
    here.page.closed.clear()
    machine.connect(where=0, which=0, steps=99)
    machine.teardown()
