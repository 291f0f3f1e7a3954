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
            self.before = connection.scalar(select(func.max(LogEntry.id))) or 0
        count = PROCESSES[self.world.database.kind]
        self.network.processes = [Process(self.world.database, self.network) for _ in range(count)]
        self.tabs = [Tab(person, f"tab {n}", self.world.cookies[n]) for n, person in enumerate(TABS)]
        self.sendings: list[Sending] = []
        self.closings: dict[tuple[str, int], bool] = {}
        """What a person has closed, and whether the server has said that it knows."""
        self.withdrawals: dict[int, bool | None] = {}
        """What was to be taken back: whether it was, or had been corrected; None while nobody knows."""
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

    def correct(self, where: int, which: int, steps: int) -> None:
        sent = [sending for sending in self.sendings if sending.number]
        if not sent:
            return
        first = sent[which % len(sent)]
        fields = MultiDict({"corrects": str(first.number), "idempotency_key": secrets.token_urlsafe(18)})
        fields["csrf_token"] = self.world.accounts["ines"].token
        sending = Sending(fields, first.to, corrects=first.number)
        self.sendings.append(sending)
        self._begin(self._process(where), self._posting(sending, self._process(where)), steps)

    def withdraw(self, where: int, which: int, steps: int) -> None:
        sent = [sending.number for sending in self.sendings if sending.number]
        if not sent:
            return
        number = sent[which % len(sent)]
        self.withdrawals.setdefault(number, None)
        self._begin(self._process(where), self._withdrawing(number, self._process(where)), steps)

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
        """Of what a person was sent and has not closed, what was neither corrected nor withdrawn."""
        got = sorted((one.number or 0, self._first(one)) for one in self.sendings if person in one.to)
        newest = {first: number for number, first in got}
        gone = {number for number, is_withdrawn in self.withdrawals.items() if is_withdrawn}
        return {number for number in newest.values() if (person, number) not in self.closings} - gone

    def _first(self, sending: Sending) -> int:
        """The number of the message that a correction goes back to, or its own."""
        numbers = {one.number: one for one in self.sendings}
        while sending.corrects:
            sending = numbers[sending.corrects]
        return sending.number or 0

    def _check_database(self) -> None:
        self.sendings = [sending for sending in self.sendings if not sending.is_refused]
        numbers = sorted(sending.number or 0 for sending in self.sendings)
        entries = len(numbers) + list(self.withdrawals.values()).count(True)
        with self.network.outside.connect() as connection:
            found = connection.scalars(select(Message.id).where(Message.id > self.before).order_by(Message.id)).all()
            assert found == numbers, "one message for each form"
            found = connection.scalars(select(LogEntry.id).where(LogEntry.id > self.before).order_by(LogEntry.id)).all()
            assert found == list(range(self.before + 1, self.before + 1 + entries)), "one entry for each"
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
            if sending.number is None and not sending.is_refused:
                process.begin(self._posting(sending, process)).finish()
        for number, is_withdrawn in self.withdrawals.items():
            if is_withdrawn is None:
                process.begin(self._withdrawing(number, process)).finish()
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
            if sending.corrects and answer.status_code == 409:
                sending.is_refused = True
                return
            assert answer.status_code == 201, answer.text
            number = int(answer.headers["Location"].rsplit("/", 1)[1])
            assert sending.number in (None, number), "the same form twice"
            sending.number = number

        return run

    def _withdrawing(self, number: int, process: Process) -> Callable[[], None]:
        account = self.world.accounts["ines"]

        def run() -> None:
            headers = {**HTMX, "X-CSRFToken": account.token}
            answer = process.browser(account.cookie).post(f"/messages/{number}/withdraw", headers=headers)
            assert answer.status_code in (200, 409), answer.text
            self.withdrawals[number] = answer.status_code == 200

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
