"""A hall that comes back: 1,500 pages within the same second after a restart, while others ask for pages."""

from __future__ import annotations

import asyncio
import random
import time

from tests.bench.clients import Crowd
from tests.bench.figures import Run, p99
from tests.bench.hall import Audience, http, send_to_all, stream_requests
from tests.server import Server

WITHIN = 1.0
PAGES_PER_SECOND = 10


async def measure_storm(run: Run, server: Server, audience: Audience, database: str) -> None:
    """SIGKILL, start, and everybody at once; a message is sent in the middle."""
    part, size = "storm", len(audience.candidates)
    before = Crowd()
    await before.open(server.port, stream_requests(audience.candidates))
    server.kill()
    before.close()
    server.start()
    crowd, asked = Crowd(), []
    crowd.mark = b"\nid: "
    begun = time.perf_counter()
    pages = asyncio.create_task(_ask_for_pages(server.port, audience, asked))
    returning = [
        asyncio.create_task(_return(crowd, server.port, one, random.uniform(0, WITHIN)))
        for one in stream_requests(audience.candidates)
    ]
    await asyncio.sleep(WITHIN / 2)
    sending = asyncio.create_task(send_to_all(server.port, audience.chief))
    await asyncio.gather(*returning)
    await crowd.all_open(size)
    opened = time.perf_counter() - begun
    await sending
    pages.cancel()
    has_it = len(await crowd.all_have(size))
    crowd.close()
    run.add(part, f"{database}: {size:,} streams open again after", opened, "s", 5, target="≤ 5 s")
    run.add(part, f"{database}: of them without the message sent meanwhile", size - has_it, "", 0, target="none")
    run.add(part, f"{database}: pages answered meanwhile, p99", p99(asked), "s", 1.5, target="≤ 1.5 s")


async def _return(crowd: Crowd, port: int, request: bytes, after: float) -> None:
    await asyncio.sleep(after)
    await crowd.connect(port, [request])


async def _ask_for_pages(port: int, audience: Audience, asked: list[float]) -> None:
    """Dashboards, ten per second, each on a connection of its own, until cancelled."""

    async def ask(cookie: bytes) -> None:
        begun = time.perf_counter()
        answer = await http(port, b"GET /", cookie)
        if b" 200 " not in answer[:20]:
            raise RuntimeError(answer.decode()[:500])
        asked.append(time.perf_counter() - begun)

    async with asyncio.TaskGroup() as group:
        for cookie in audience.candidates:
            group.create_task(ask(cookie))
            await asyncio.sleep(1 / PAGES_PER_SECOND)
