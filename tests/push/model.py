"""What may happen in a hall of a few people, step by step, and the model that it is held against."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, text
from werkzeug.datastructures import MultiDict

from tests.messaging.compose_form import HTMX, post
from tests.push.interleaving import Network, Operation, Process
from tests.push.page import Page
from tests.push.people import TABS, Sending, Tab, World
from webapp.models import Delivery, LogEntry, Message

PROCESSES = {"sqlite": 1, "postgresql": 2}
MOST_AT_ONCE = 4
"""Operations under way: each holds a connection."""

MANY = 99
"""Steps: all that an operation has."""


class Interleavings:
    """What may happen next, and the model that it is held against."""

    def __init__(self, world: World) -> None:
        self.world = world
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

    def send(self, where: int, which: int, steps: int) -> None:
        fields, to = self.world.forms[which % len(self.world.forms)]
        sending = Sending(MultiDict(fields), to)
        sending.fields["idempotency_key"] = secrets.token_urlsafe(18)
        self.sendings.append(sending)
        self._begin(self._process(where), self._posting(sending, self._process(where)), steps)

    def post_the_same_form_again(self, where: int, which: int, steps: int) -> None:
        if not self.sendings:
            return
        sending = self.sendings[which % len(self.sendings)]
        self._begin(self._process(where), self._posting(sending, self._process(where)), steps)

    def connect(self, where: int, which: int, steps: int) -> None:
        without = self._tabs(connected=False)
        if not without:
            return
        tab, process = without[which % len(without)], self._process(where)
        account = self.world.accounts[tab.person]
        tab.process = process
        tab.opening = self._begin(
            process, lambda: process.open_stream(tab.cookie, account.user_id, tab.session_id), steps
        )

    def read(self, _where: int = 0, _which: int = 0, _steps: int = 0) -> None:
        for tab in self.tabs:
            tab.read()

    def drop(self, _where: int, which: int, steps: int) -> None:
        connected = self._tabs(connected=True)
        if not connected:
            return
        tab = connected[which % len(connected)]
        tab.drop()
        if steps % 2:  # its person goes to another page
            tab.page = Page()

    def close_a_notice(self, where: int, which: int, steps: int) -> None:
        shown = [(tab, number) for tab in self.tabs for number in sorted(tab.page.screen)]
        if not shown:
            return
        tab, number = shown[which % len(shown)]
        tab.page.close(number)
        self.closings.setdefault((tab.person, number), False)
        self._begin(self._process(where), self._closing(tab.person, number, self._process(where)), steps)

    # what processes do

    def go_on(self, _where: int, which: int, steps: int) -> None:
        if not self.operations:
            return
        self._step(self.operations[which % len(self.operations)], steps)

    def sweep(self, where: int, _which: int, steps: int) -> None:
        """One at a time in each process: its loop takes one step after the other."""
        process = self._process(where)
        if self.sweeping.get(process) is None or self.sweeping[process].is_over:
            self.sweeping[process] = self._begin(process, process.sweep_once, steps)

    def the_network_carries_or_loses(self, _where: int, which: int, _steps: int) -> None:
        if not self.network.waiting:
            return
        if which % 2:
            self.network.carry()
        else:
            self.network.lose()

    def die_and_start_again(self, where: int, _which: int, _steps: int) -> None:
        process = self._process(where)
        process.die()
        self._forget_what_is_over()
        for tab in self.tabs:
            if tab.process is process:
                tab.drop()
        process.start()

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

    def close(self) -> None:
        """The end of the run."""
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
        while self.operations:  # in turn: one may wait for another
            for operation in self.operations:
                self._step(operation, 1)
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
