"""A simulated candidate: a real HTTP client that does what a candidate's page does, at a human pace."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

import httpx

from webapp.demo.phrases import PHRASES
from webapp.demo.script import PASSWORD, Seat

SILENCE_SECONDS = 45.0
"""A page whose beats stop for this long reconnects (they come every 15 s)."""
POLL_SECONDS = 5.0
POLLS_BEFORE_STREAM = 12
ENOUGH_TEXT = 1_200
"""Characters after which a candidate goes on to the next question."""
FRAGMENT = {"HX-Request": "true"}


class CannotSignIn(Exception):
    """The server takes no candidate of the sample hall: it was not loaded there."""


class Refused(Exception):
    """An answer that the page would stop at; its candidate loads it anew."""


class Leaving(Enum):
    """How a visit ends."""

    RELOAD = auto()
    CLOSED = auto()
    """The connection is closed at once, as when a browser dies."""
    CABLE = auto()
    """Nothing is read or sent any more, and nothing is closed: a pulled cable."""
    PONDERING = auto()
    """Stays, and writes nothing for long."""
    SUBMIT = auto()


ENDINGS = {Leaving.RELOAD: 40, Leaving.CLOSED: 24, Leaving.CABLE: 20, Leaving.PONDERING: 8, Leaving.SUBMIT: 8}


@dataclass
class Tally:
    """What all candidates did so far."""

    came: int = 0
    saved: int = 0
    pings: int = 0
    notices: int = 0
    closed: int = 0
    dropped: int = 0
    submitted: int = 0
    refused: int = 0

    def in_words(self) -> str:
        """One line."""
        return ", ".join(f"{name} {count}" for name, count in vars(self).items())


@dataclass
class Field:
    """An answer on the exam page."""

    action: str
    person: str
    base: str
    text: str


class Candidate:
    """One person at one browser: signs in, starts, writes, reads notices, drops out, comes back."""

    def __init__(self, seat: Seat, http: httpx.AsyncClient, random: Random, tally: Tally) -> None:
        self._seat = seat
        self._http = http
        self._random = random
        self._tally = tally
        self._token = ""
        self._unread = True
        self._shown: set[str] = set()
        self._at_the_page: list[asyncio.Task[None]] = []
        self._hands_in_blank = random.random() < 0.03

    async def attend(self, arrival: float) -> None:
        """Come after `arrival` seconds; then visit again and again until cancelled. Raises `CannotSignIn`."""
        await asyncio.sleep(arrival)
        while True:
            pause = self._random.uniform(2, 8)
            try:
                pause = await self._visit()
            except* (httpx.HTTPError, Refused):
                # the server restarts, or somebody else works with this account: a person presses reload
                self._tally.refused += 1
            await asyncio.sleep(pause)

    async def _visit(self) -> float:
        """One stay on the pages; returns after how many seconds the next one begins."""
        dashboard = await self._page("/")
        away = self._random.uniform(80, 200)
        async with asyncio.TaskGroup() as tasks:
            self._unread = True
            self._shown.clear()
            self._at_the_page = [tasks.create_task(self._listen(tasks))]
            leaving = await self._sit(dashboard)
            if leaving is Leaving.CABLE:
                self._unread = False
                await asyncio.sleep(away)
            for task in self._at_the_page:
                task.cancel()
        if leaving in {Leaving.CABLE, Leaving.CLOSED}:
            self._tally.dropped += 1
        return away if leaving is Leaving.CLOSED else self._random.uniform(0.2, 2)

    async def _sit(self, dashboard: str) -> Leaving:
        begin = re.search(r'action="(/tests/\d+)/start"(?:(?!</form>| disabled>).)*</form>', dashboard, re.DOTALL)
        going_on = re.search(r'href="(/tests/\d+)"', dashboard)
        await self._think(2, 12)
        if begin:
            self._checked(await self._post(f"{begin[1]}/start"))
        test = begin or going_on
        if test is None:
            await self._think(120, 400)
            return Leaving.CLOSED
        fields = _fields(await self._page(test[1]))
        if self._hands_in_blank and not any(field.text for field in fields):
            await self._think(20, 60)
            return await self._submit(test[1])
        leaving = self._random.choices(list(ENDINGS), list(ENDINGS.values()))[0]
        await self._write(fields, until=time.monotonic() + self._random.uniform(60, 420))
        if leaving is Leaving.SUBMIT or not _open_field(fields):
            return await self._submit(test[1])
        if leaving is Leaving.PONDERING:
            await self._think(300, 900)
        return leaving

    async def _write(self, fields: list[Field], until: float) -> None:
        while time.monotonic() < until and (field := _open_field(fields)):
            await self._think(12, 40)
            field.text += self._random.choice(PHRASES[self._seat.test])
            typed = {"text": field.text, "person": field.person, "base": field.base}
            answer = self._checked(await self._post(field.action, typed))
            field.base = _found(r'data-version="(\d+)"', answer.text) or field.base
            self._tally.saved += 1

    async def _submit(self, test: str) -> Leaving:
        await self._page(f"{test}?confirm=submit")
        await self._think(2, 6)
        self._checked(await self._post(f"{test}/submit"))
        self._tally.submitted += 1
        await self._page("/")
        await self._think(30, 120)
        return Leaving.CLOSED

    async def _listen(self, tasks: asyncio.TaskGroup) -> None:
        """Keep a stream open as the page does: pings, polls where it is told to, reconnects."""
        while True:
            try:
                wants_polls = await self._read_stream(tasks)
            except httpx.TransportError:
                wants_polls = False
            for _ in range(POLLS_BEFORE_STREAM if wants_polls else 0):
                await self._poll(tasks)
                await self._think(0.8 * POLL_SECONDS, 1.2 * POLL_SECONDS)
            await self._think(0.5, 2)

    async def _read_stream(self, tasks: asyncio.TaskGroup) -> bool:
        """Read one stream to its end; True if polling is what is asked for."""
        patience = httpx.Timeout(10, read=SILENCE_SECONDS)
        beats = 0
        async with self._http.stream("GET", "/stream", timeout=patience) as stream:
            if stream.status_code == 503:
                return True
            self._checked(stream)
            async for name, number in _events(stream):
                if not self._unread:
                    await asyncio.Event().wait()  # the cable is out: the visit's end cancels this
                if name == "beat":
                    beats += 1
                    if beats % 2 == 0:
                        await self._ping()
                elif name == "poll":
                    return True
                elif not name:
                    self._see(number, tasks)
        return False

    async def _poll(self, tasks: asyncio.TaskGroup) -> None:
        page = self._checked(await self._http.get("/inbox/new", headers=FRAGMENT))
        for number in re.findall(r'data-notice="(\d+)"', page.text):
            self._see(number, tasks)

    async def _ping(self) -> None:
        if (await self._post("/ping")).status_code == 204:
            self._tally.pings += 1

    def _see(self, number: str, tasks: asyncio.TaskGroup) -> None:
        if number not in self._shown:
            self._shown.add(number)
            self._tally.notices += 1
            if self._random.random() < 0.7:
                self._at_the_page.append(tasks.create_task(self._close(number)))

    async def _close(self, number: str) -> None:
        await self._think(4, 40)
        if self._unread and (await self._post("/inbox/close", {"message": number})).status_code == 204:
            self._tally.closed += 1

    async def _page(self, path: str) -> str:
        answer = await self._http.get(path)
        if answer.status_code == 302:
            await self._sign_in()
            answer = await self._http.get(path)
        text = self._checked(answer).text
        self._token = _found(r'name="csrf-token" content="([^"]+)"', text) or self._token
        return text

    async def _sign_in(self) -> None:
        form = self._checked(await self._http.get("/login")).text
        given = {
            "username": self._seat.username,
            "password": PASSWORD,
            "csrf_token": _found(r'name="csrf_token" value="([^"]+)"', form) or "",
            "next": "/",
        }
        answer = await self._http.post("/login", data=given)
        if answer.status_code == 422:
            raise CannotSignIn(self._seat.username)
        if answer.status_code != 302:
            raise Refused(answer.status_code)
        self._tally.came += 1

    async def _post(self, path: str, fields: dict[str, str] | None = None) -> httpx.Response:
        return await self._http.post(path, data=fields or {}, headers={**FRAGMENT, "X-CSRFToken": self._token})

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if not (answer.is_success or answer.status_code == 303):
            raise Refused(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}")
        return answer

    async def _think(self, least: float, most: float) -> None:
        await asyncio.sleep(self._random.uniform(least, most))


async def _events(stream: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    """The events of a stream as (name, id)."""
    name = number = ""
    async for line in stream.aiter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "id":
            number = value
        elif not line:
            yield name, number
            name = number = ""


def _fields(page: str) -> list[Field]:
    """The answers that can be written on an exam page."""
    found = re.findall(
        r'action="(/tests/\d+/answers/\d+)".*?name="person" value="(\d+)".*?name="base" value="(\d+)"'
        r'.*?<textarea name="text"[^>]*>\n?(.*?)</textarea>',
        page,
        re.DOTALL,
    )
    return [Field(action, person, base, html.unescape(text)) for action, person, base, text in found]


def _open_field(fields: list[Field]) -> Field | None:
    return next((field for field in fields if len(field.text) < ENOUGH_TEXT), None)


def _found(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1] if match else None
