"""A hall in the middle of its exam: everybody writes, invigilators watch; and a hall that signs in during one."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from tests.bench.clients import Crowd
from tests.bench.fanout import A_NOTICE, Sendings
from tests.bench.figures import Run, p99
from tests.bench.hall import PASSWORD, Audience, http, send_to_all, stream_requests
from tests.bench.lines import Lines, Writer, ping, request
from tests.bench.processes import Meter
from tests.server import Server

SECONDS = 30.0
SAVES_EVERY = 10.0
PINGS_EVERY = 30.0
REFRESH_EVERY = 5.0
SIGN_INS_PER_SECOND = 5.0
"""1,500 in five minutes."""


class WatchedHall:
    """Candidates who save and ping, and invigilators whose monitors refresh: what a hall requests beside streams."""

    def __init__(self, server: Server, audience: Audience) -> None:
        self.audience = audience
        self.writers = [Writer(one, audience.test_id, audience.question_id) for one in audience.candidates]
        self.saves, self.pings = Lines(server.port, 50), Lines(server.port, 10)
        self.monitors = [Lines(server.port, 1) for _ in audience.staff]
        self.server = Meter(server.worker_pids())

    async def measure(self, *others: Meter) -> float:
        """The share of a core that the server takes over half a minute; `others` are started with it."""
        try:
            await self._live(SAVES_EVERY)
            for one in self._lines:
                one.taken.clear()
            for meter in (self.server, *others):
                meter.start()
            await self._live(SECONDS)
            share = self.server.share()
        finally:
            for one in self._lines:
                one.close()
        refused = {status for one in self._lines for status in one.statuses} - {200, 204, 304}
        if refused:
            raise RuntimeError(f"answers with status {refused}")
        return share

    @property
    def _lines(self) -> list[Lines]:
        return [self.saves, self.pings, *self.monitors]

    async def _live(self, seconds: float) -> None:
        saves = [one for _ in range(round(seconds / SAVES_EVERY)) for one in self.writers]
        pings = [ping(one) for one in self.audience.candidates][: round(len(self.writers) * seconds / PINGS_EVERY)]
        await asyncio.gather(
            self.saves.spread(saves, seconds),
            self.pings.spread(pings, seconds),
            *(
                _watch(line, one, seconds, REFRESH_EVERY * place / len(self.monitors))
                for place, (line, one) in enumerate(zip(self.monitors, self.audience.staff, strict=True))
            ),
        )


async def measure_watching(
    run: Run, server: Server, audience: Audience, database: str, other_pids: list[int], floor: float
) -> None:
    """Invigilators refresh every 5 s, candidates save every 10 s and ping; `other_pids` are the database's.

    `floor` is what a server of `bare_wsgi` has just taken for as many requests.
    """
    part, crowd, hall, theirs = "watching", Crowd(), WatchedHall(server, audience), Meter(other_pids)
    try:
        await crowd.open(server.port, stream_requests(audience.candidates))
        share, database_share = await hall.measure(theirs), theirs.share()
    finally:
        crowd.close()
    name = f"{database}: {len(hall.monitors)} watch {len(hall.writers):,} who save every 10 s"
    run.add(part, f"{name}: processor", share * 100, "% core", 60, target="≤ 60 %")
    run.add(part, f"{name}: Flask alone", floor * 100, "% core")
    run.add(part, f"{name}: that to Flask alone", share / floor, "×")
    if other_pids:
        run.add(part, f"{name}: the database's own", database_share * 100, "% core")
    run.add(part, f"{name}: a save, p99", p99(hall.saves.taken) * 1e3, "ms")
    run.add(part, f"{name}: a refresh, p99", p99([one for line in hall.monitors for one in line.taken]) * 1e3, "ms")


async def _watch(line: Lines, cookie: bytes, seconds: float, first: float) -> None:
    """A monitor page that was opened at some moment and left open: each refresh says what it has."""
    tag = b"none"
    await asyncio.sleep(first)
    for _ in range(round(seconds / REFRESH_EVERY)):
        begun = time.perf_counter()
        headers = b"HX-PTag: " + tag + b"\r\nHX-Current-URL: http://127.0.0.1/monitor\r\n"
        answer = await line.ask_any(request(b"GET /monitor", cookie, headers=headers))
        tag = re.search(rb"HX-PTag: (\S+)", answer)[1]  # type: ignore[index]
        await asyncio.sleep(max(0.0, begun + REFRESH_EVERY - time.perf_counter()))


async def measure_sign_ins(run: Run, server: Server, audience: Audience, quiet: Sendings) -> None:
    """Sendings while others sign in, five per second, from one address; `quiet` are those without."""
    part = "sign-ins"
    crowd, taken, answered = Crowd(), [], []
    try:
        await crowd.open(server.port, stream_requests(audience.candidates))
        crowd.mark = A_NOTICE
        door = asyncio.create_task(_sign_in_all(server.port, iter(audience.names), answered))
        begun = time.perf_counter()
        while time.perf_counter() - begun < SECONDS:
            post = await send_to_all(server.port, audience.chief)
            moments = await crowd.all_have(len(audience.candidates))
            taken += [moment - post.begun for moment in moments]
            await asyncio.sleep(1.0)
        door.cancel()
    finally:
        crowd.close()
    run.add(part, f"signed in within {SECONDS:.0f} s", len(answered), "")
    run.add(part, "a sign-in answered, p99", p99(answered) * 1e3, "ms")
    ratio = p99(taken) / p99(quiet.from_post)
    run.add(part, "a sending's p99 meanwhile, to the quiet case", ratio, "×", 3, target="≤ 3 ×")


async def _sign_in_all(port: int, names: Iterator[str], answered: list[float]) -> None:
    async def sign_in(name: str) -> None:
        begun = time.perf_counter()
        page = (await http(port, b"GET /login")).decode()
        token = re.search(r'name="csrf_token"[^>]* value="([^"]*)"', page)
        session = re.search(r"Set-Cookie: (examhall_session[^;]+)", page)
        if not (token and session):
            raise RuntimeError(page[:500])
        form = urlencode({"username": name, "password": PASSWORD, "csrf_token": token[1]}).encode()
        answer = await http(port, b"POST /login", session[1].encode(), form)
        if b" 302 " not in answer[:20]:
            raise RuntimeError(answer.decode()[:500])
        answered.append(time.perf_counter() - begun)

    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(sign_in(name))
            await asyncio.sleep(1 / SIGN_INS_PER_SECOND)
