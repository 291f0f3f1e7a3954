"""A simulated candidate: a real HTTP client that does what a candidate's page does, at a human pace."""

import asyncio
import html
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

import httpx

from webapp.demo.story import PASSWORD, STORY, Seat

SILENCE_SECONDS = 45.0
"""A page whose beats stop for this long reconnects (they come every 15 s)."""
POLL_SECONDS = 5.0
POLLS_BEFORE_STREAM = 12
ENOUGH_TEXT = 1_200
"""Characters after which a candidate goes on to the next question."""
FRAGMENT = {"HX-Request": "true"}
PHRASES = {test["key"]: test["phrases"] for test in STORY["tests"]}
FIELD = re.compile(
    r'action="(/tests/\d+/answers/\d+)".*?name="person" value="(\d+)".*?name="base" value="(\d+)"'
    r'.*?<textarea name="text"[^>]*>\n?(.*?)</textarea>',
    re.DOTALL,
)


class CannotSignIn(Exception):
    """The server takes no candidate of the sample hall: it was not loaded there."""


class Refused(Exception):
    """A response at which a page would stop; its candidate reloads it."""


class Ending(Enum):
    """How a visit ends."""

    RELOAD = auto()
    CLOSED = auto()
    """The connections are closed at once, as when a browser dies."""
    CABLE = auto()
    """Nothing is read or sent any more, and nothing is closed: a pulled cable."""
    PONDERING = auto()
    """The candidate stays and writes nothing for long."""
    SUBMIT = auto()


ENDINGS = {Ending.RELOAD: 40, Ending.CLOSED: 24, Ending.CABLE: 20, Ending.PONDERING: 8, Ending.SUBMIT: 8}
"""Each with its weight."""


@dataclass
class Field:
    """An answer on the exam page."""

    action: str
    person: str
    base: str
    text: str


class Candidate:
    """One person at one browser: signs in, starts, writes, reads notices, drops out, comes back."""

    def __init__(self, seat: Seat, http: httpx.AsyncClient, random: Random, tally: Counter[str]) -> None:
        self._seat = seat
        self._http = http
        self._random = random
        self._tally = tally
        self._token = ""
        self._cable_out = False
        self._shown: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._submits_blank = random.random() < 0.03

    async def attend(self, arrival: float) -> None:
        """Come after `arrival` seconds, then visit again and again until cancelled. Raises `CannotSignIn`."""
        await asyncio.sleep(arrival)
        while True:
            pause = self._random.uniform(2, 8)
            try:
                pause = await self._visit()
            except* (httpx.HTTPError, Refused):
                self._tally["refused"] += 1  # the server restarts, or somebody else uses this account: reload
            await asyncio.sleep(pause)

    async def _visit(self) -> float:
        """Stay on the pages once; returns the seconds until the next visit."""
        dashboard = await self._page("/")
        away = self._random.uniform(80, 200)
        async with asyncio.TaskGroup() as group:
            self._cable_out = False
            self._shown.clear()
            self._tasks = [group.create_task(self._listen(group))]
            ending = await self._sit(dashboard)
            if ending is Ending.CABLE:
                self._cable_out = True
                await asyncio.sleep(away)
            for task in self._tasks:
                task.cancel()
        self._tally["dropped"] += ending in {Ending.CABLE, Ending.CLOSED}
        return away if ending is Ending.CLOSED else self._random.uniform(0.2, 2)

    async def _sit(self, dashboard: str) -> Ending:
        start = re.search(r'action="(/tests/\d+)/start"(?:(?!</form>| disabled>).)*</form>', dashboard, re.DOTALL)
        test = start or re.search(r'href="(/tests/\d+)"', dashboard)
        await self._think(2, 12)
        if test is None:
            await self._think(120, 400)
            return Ending.CLOSED
        if start:
            _check(await self._post(f"{test[1]}/start"))
        found = FIELD.findall(await self._page(test[1]))
        fields = [Field(action, person, base, html.unescape(text)) for action, person, base, text in found]
        if self._submits_blank and not any(field.text for field in fields):
            await self._think(20, 60)
            return await self._submit(test[1])
        ending = self._random.choices(list(ENDINGS), list(ENDINGS.values()))[0]
        await self._write(fields, until=time.monotonic() + self._random.uniform(60, 420))
        if ending is Ending.SUBMIT or not _unfinished(fields):
            return await self._submit(test[1])
        if ending is Ending.PONDERING:
            await self._think(300, 900)
        return ending

    async def _write(self, fields: list[Field], until: float) -> None:
        while time.monotonic() < until and (field := _unfinished(fields)):
            await self._think(12, 40)
            field.text += self._random.choice(PHRASES[self._seat.test])
            form = {"text": field.text, "person": field.person, "base": field.base}
            response = _check(await self._post(field.action, form))
            field.base = _find(r'data-version="(\d+)"', response.text) or field.base
            self._tally["saved"] += 1

    async def _submit(self, test: str) -> Ending:
        await self._page(f"{test}?confirm=submit")
        await self._think(2, 6)
        _check(await self._post(f"{test}/submit"))
        self._tally["submitted"] += 1
        await self._page("/")
        await self._think(30, 120)
        return Ending.CLOSED

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        """Hold a stream open as the page does: pings, polls when told to, reconnects."""
        while True:
            try:
                polls = POLLS_BEFORE_STREAM if await self._read_stream(group) else 0
            except httpx.TransportError:
                polls = 0
            for _ in range(polls):
                page = _check(await self._http.get("/inbox/new", headers=FRAGMENT))
                for message_id in re.findall(r'data-notice="(\d+)"', page.text):
                    self._see(message_id, group)
                await self._think(0.8 * POLL_SECONDS, 1.2 * POLL_SECONDS)
            await self._think(0.5, 2)

    async def _read_stream(self, group: asyncio.TaskGroup) -> bool:
        """Read one stream to its end; True if the server asks for polling."""
        beats = 0
        async with self._http.stream("GET", "/stream", timeout=httpx.Timeout(10, read=SILENCE_SECONDS)) as stream:
            if stream.status_code == 503:
                return True
            _check(stream)
            async for name, message_id in _events(stream):
                if self._cable_out:
                    await asyncio.Event().wait()  # until the visit's end cancels this
                if name == "poll":
                    return True
                if name == "beat":
                    beats += 1
                    if beats % 2 == 0:
                        self._tally["pings"] += (await self._post("/ping")).status_code == 204
                elif not name:
                    self._see(message_id, group)
        return False

    def _see(self, message_id: str, group: asyncio.TaskGroup) -> None:
        if message_id not in self._shown:
            self._shown.add(message_id)
            self._tally["notices"] += 1
            if self._random.random() < 0.7:
                self._tasks.append(group.create_task(self._close(message_id)))

    async def _close(self, message_id: str) -> None:
        await self._think(4, 40)
        if not self._cable_out:
            self._tally["closed"] += (await self._post("/inbox/close", {"message": message_id})).status_code == 204

    async def _page(self, path: str) -> str:
        response = await self._http.get(path)
        if response.status_code == 302:
            await self._sign_in()
            response = await self._http.get(path)
        text = _check(response).text
        self._token = _find(r'name="csrf-token" content="([^"]+)"', text) or self._token
        return text

    async def _sign_in(self) -> None:
        page = _check(await self._http.get("/login")).text
        form = {"username": self._seat.username, "password": PASSWORD, "next": "/"}
        form["csrf_token"] = _find(r'name="csrf_token" value="([^"]+)"', page)
        response = await self._http.post("/login", data=form)
        if response.status_code == 422:
            raise CannotSignIn(self._seat.username)
        if response.status_code != 302:
            raise Refused(response.status_code)
        self._tally["came"] += 1

    async def _post(self, path: str, fields: dict[str, str] | None = None) -> httpx.Response:
        return await self._http.post(path, data=fields or {}, headers={**FRAGMENT, "X-CSRFToken": self._token})

    async def _think(self, least: float, most: float) -> None:
        await asyncio.sleep(self._random.uniform(least, most))


def _check(response: httpx.Response) -> httpx.Response:
    if not (response.is_success or response.status_code == 303):
        raise Refused(f"{response.request.method} {response.request.url.path}: {response.status_code}")
    return response


async def _events(stream: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    """The events of a stream as (name, id)."""
    name = message_id = ""
    async for line in stream.aiter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "id":
            message_id = value
        elif not line:
            yield name, message_id
            name = message_id = ""


def _unfinished(fields: list[Field]) -> Field | None:
    return next((field for field in fields if len(field.text) < ENOUGH_TEXT), None)


def _find(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""
