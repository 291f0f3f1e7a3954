"""Candidates of the sample hall come, write, drop out and come back, over HTTP: `flask simulate`."""

import asyncio
import html
import re
import signal
import time
from collections import Counter
from contextlib import suppress
from random import Random
from urllib.parse import urlsplit

import httpx

from webapp.demo.hall import ACCOUNTS, PASSWORD, STORY, Seat, is_of_the_77, seats

ARRIVAL_SECONDS = 90.0
SHARE_OF_THE_77 = 0.4
SILENCE_SECONDS = 45.0
"""A page whose beats stop for this long reconnects (they come every 15 s)."""
POLL_SECONDS = 5.0
POLLS_BEFORE_STREAM = 12
ENOUGH_TEXT = 1_200
"""Characters after which a candidate goes on to the next question."""
ASKS, TAKES_BACK = 0.008, 0.2
"""With each save: the chance that a candidate asks for help, and that one who asks needs it no longer."""
FRAGMENT = {"HX-Request": "true"}
PHRASES = {test["key"]: test["phrases"] for test in STORY["tests"]}
FIELD = re.compile(
    r'action="(/tests/\d+/answers/\d+)".*?name="person" value="(\d+)".*?name="base" value="(\d+)"'
    r'.*?<textarea name="text"[^>]*>\n?(.*?)</textarea>',
    re.DOTALL,
)
ENDINGS = {
    "reload": 40,
    "closed": 24,  # the connections are closed at once, as when a browser dies
    "cable": 20,  # nothing is read or sent any more, and nothing is closed: a pulled cable
    "pondering": 8,  # the candidate stays and writes nothing for long
    "submit": 8,
}
"""How a visit ends, each with its weight."""
Form = dict[str, str]


class CannotSignIn(Exception):
    """The server takes no candidate of the sample hall: it was not loaded there."""


def checked_address(url: str) -> str:
    """`url` if it is HTTP on this machine, else ValueError: other people's servers get no simulated halls."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError(f"{url} is not on this machine")
    return url.rstrip("/")


def choose_people(count: int) -> list[Seat]:
    """The people who come: some of the 77, the others from all rooms; the same ones every time."""
    one_seat_each = {seat["username"]: seat for seat in reversed(seats())}.values()
    free = [seat for seat in one_seat_each if seat["username"] not in ACCOUNTS and not seat["progress"]]
    random = Random(77)  # noqa: S311 not a secret
    random.shuffle(free)
    of_the_77 = [seat for seat in free if is_of_the_77(seat)][: round(count * SHARE_OF_THE_77)]
    others = [seat for seat in free if not is_of_the_77(seat)][: count - len(of_the_77)]
    return random.sample(of_the_77 + others, count)


async def simulate(url: str, count: int, seconds: float | None) -> Counter[str]:
    """Run until cancelled, stopped by a signal, or `seconds` are over; returns what the candidates did.

    Raises `CannotSignIn` in a group.
    """
    tally = Counter(came=0, saved=0, pings=0, notices=0, closed=0, dropped=0, asked=0, submitted=0, refused=0)
    running = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: running and running.cancel())
    with suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
            for place, seat in enumerate(choose_people(count)):
                # the first few come at once
                tasks.create_task(Candidate(seat, tally).attend(url, ARRIVAL_SECONDS * (place / count) ** 2))
    return tally


class Candidate:
    """One person at one browser: signs in, starts, writes, reads notices, drops out, comes back."""

    _http: httpx.AsyncClient
    _notices: asyncio.TaskGroup

    def __init__(self, seat: Seat, tally: Counter[str]) -> None:
        self._seat = seat
        self._tally = tally
        self._random = Random(seat["username"])  # noqa: S311 not a secret
        self._token = ""
        self._cable_out = False
        self._asks = False
        self._shown: set[str] = set()

    async def attend(self, url: str, arrival: float) -> None:
        """Come after `arrival` seconds, then visit again and again until cancelled. Raises `CannotSignIn`."""
        await asyncio.sleep(arrival)
        # `verify`: each client would else read the machine's certificates
        async with httpx.AsyncClient(base_url=url, timeout=30, verify=False, trust_env=False) as self._http:  # noqa: S501
            while True:
                pause = self._random.uniform(2, 8)
                try:
                    pause = await self._visit()
                except* httpx.HTTPError:
                    self._tally["refused"] += 1  # the server restarts, or somebody else uses this account: reload
                await asyncio.sleep(pause)

    async def _visit(self) -> float:
        """Stay on the pages once; returns the seconds until the next visit."""
        dashboard = await self._page("/")
        away = self._random.uniform(80, 200)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen())
            ending = await self._sit(dashboard)
            if ending == "cable":
                self._cable_out = True
                await asyncio.sleep(away)
            listening.cancel()
        self._tally["dropped"] += ending in {"cable", "closed"}
        return away if ending == "closed" else self._random.uniform(0.2, 2)

    async def _sit(self, dashboard: str) -> str:
        """Write on the exam page, if there is one; returns how the visit ends."""
        start = re.search(r'action="(/tests/\d+)/start"(?:(?!</form>| disabled>).)*</form>', dashboard, re.DOTALL)
        test = start or re.search(r'href="(/tests/\d+)"', dashboard)
        await self._think(2, 12)
        if test is None:
            await self._think(120, 400)
            return "closed"
        if start:
            _check(await self._post(f"{test[1]}/start"))
        found = FIELD.findall(await self._page(test[1]))
        forms = {
            path: {"person": person, "base": base, "text": html.unescape(text)} for path, person, base, text in found
        }
        ending = self._random.choices(list(ENDINGS), list(ENDINGS.values()))[0]
        is_complete = await self._write(forms, until=time.monotonic() + self._random.uniform(60, 420))
        if ending == "submit" or is_complete:
            return await self._submit(test[1])
        if ending == "pondering":
            await self._think(300, 900)
        return ending

    async def _write(self, forms: dict[str, Form], until: float) -> bool:
        """Write one answer after the other; whether all have enough text before the time is over."""
        for path, form in forms.items():
            while len(form["text"]) < ENOUGH_TEXT:
                if time.monotonic() >= until:
                    return False
                await self._think(12, 40)
                form["text"] += self._random.choice(PHRASES[self._seat["test"]])
                response = _check(await self._post(path, form))
                form["base"] = _find(r'data-version="(\d+)"', response.text) or form["base"]
                self._tally["saved"] += 1
                await self._ask_or_not(path.partition("/answers")[0])
        return True

    async def _ask_or_not(self, test: str) -> None:
        """Ask for help now and then; staff may have come, or a reload may have forgotten it: both do no harm."""
        if self._random.random() > (TAKES_BACK if self._asks else ASKS):
            return
        self._asks = not self._asks
        form = {"kind": self._random.choice(["question", "technical", "other"]), "text": ""}
        response = await self._post(f"{test}/help" if self._asks else f"{test}/help/withdraw", form)
        self._tally["asked"] += response.status_code == 201

    async def _submit(self, test: str) -> str:
        await self._page(f"{test}?confirm=submit")
        await self._think(2, 6)
        _check(await self._post(f"{test}/submit"))
        self._tally["submitted"] += 1
        await self._page("/")
        await self._think(30, 120)
        return "closed"

    async def _listen(self) -> None:
        """Hold a stream open as the page does: pings, polls when told to, reconnects, closes notices."""
        self._cable_out = False
        self._shown.clear()
        async with asyncio.TaskGroup() as self._notices:
            while True:
                must_poll = False
                with suppress(httpx.TransportError):
                    must_poll = await self._read_stream()
                for _ in range(POLLS_BEFORE_STREAM if must_poll else 0):
                    page = _check(await self._http.get("/inbox/new", headers=FRAGMENT))
                    for message_id in re.findall(r'data-notice="(\d+)"', page.text):
                        self._see(message_id)
                    await self._think(0.8 * POLL_SECONDS, 1.2 * POLL_SECONDS)
                await self._think(0.5, 2)

    async def _read_stream(self) -> bool:
        """Read one stream to its end; True if the server asks for polling."""
        beats = 0
        async with self._http.stream("GET", "/stream", timeout=httpx.Timeout(10, read=SILENCE_SECONDS)) as stream:
            if stream.status_code == 503:
                return True
            _check(stream)
            async for line in stream.aiter_lines():
                if self._cable_out:
                    await asyncio.Event().wait()  # until the visit's end cancels this
                if line == "event: poll":
                    return True
                if line == "event: beat":
                    beats += 1
                    if beats % 2 == 0:
                        self._tally["pings"] += (await self._post("/ping")).status_code == 204
                elif line.startswith("id: "):  # only notices have one
                    self._see(line.removeprefix("id: "))
        return False

    def _see(self, message_id: str) -> None:
        if message_id not in self._shown:
            self._shown.add(message_id)
            self._tally["notices"] += 1
            if self._random.random() < 0.7:
                self._notices.create_task(self._close(message_id))

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
        form = {"username": self._seat["username"], "password": PASSWORD, "next": "/"}
        form["csrf_token"] = _find(r'name="csrf_token" value="([^"]+)"', page)
        response = await self._http.post("/login", data=form)
        if response.status_code == 422:
            raise CannotSignIn(self._seat["username"])
        if response.status_code != 302:
            response.raise_for_status()
        self._tally["came"] += 1

    async def _post(self, path: str, form: Form | None = None) -> httpx.Response:
        return await self._http.post(path, data=form or {}, headers={**FRAGMENT, "X-CSRFToken": self._token})

    async def _think(self, least: float, most: float) -> None:
        await asyncio.sleep(self._random.uniform(least, most))


def _check(response: httpx.Response) -> httpx.Response:
    """Raises `httpx.HTTPStatusError` for a response at which a page would stop."""
    return response if response.status_code == 303 else response.raise_for_status()


def _find(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""
