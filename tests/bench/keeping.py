"""What open streams cost while nothing is sent, and whether anything grows over rounds of connect, send, drop."""

from __future__ import annotations

import asyncio

from tests.bench.clients import Crowd, until
from tests.bench.figures import Run, median
from tests.bench.hall import Audience, close_notices, http, send_to_all, stream_requests
from tests.bench.lines import Lines, ping
from tests.bench.processes import Meter, descriptors, resident_bytes
from tests.server import Server

QUIET = 30.0
"""Two beats of every stream, in seconds."""
ROUNDS = 20
NOTICED = 20.0
"""Within so many seconds a server sees by its beats who has left."""
POOL = 12
"""Connections to the database that a process may have opened meanwhile; nothing else may be left."""
KEPT = 50
"""Connections over which the pings go."""


async def measure_idle(run: Run, server: Server, audience: Audience) -> None:
    """Memory per stream, and processor time by beats alone and with every page's pings."""
    part, size = "idle", len(audience.candidates)
    pids = server.worker_pids()
    await http(server.port, b"GET /login")
    before = resident_bytes(pids)
    crowd = Crowd()
    try:
        await crowd.open(server.port, stream_requests(audience.candidates))
        await asyncio.sleep(2)
        each = (resident_bytes(pids) - before) / size / 1024
        run.add(part, f"memory per open stream, of {size:,}", each, "KB", 26, target="≤ 26 KB")
        meter = Meter(pids)
        meter.start()
        await asyncio.sleep(QUIET)
        share = meter.share() * 100
        run.add(part, f"processor, {size:,} streams: beats alone", share, "% core", 5, target="≤ 5 %")
        lines = Lines(server.port, KEPT)
        for which, target in (("first pings", None), ("pings", 45)):  # a page pings some hundred times in an exam
            meter.start()
            await lines.spread([ping(one) for one in audience.candidates], QUIET)
            name = f"processor, {size:,} streams: with every page's {which}"
            run.add(part, name, meter.share() * 100, "% core", target, target=f"≤ {target} %" if target else "")
        lines.close()
        each = (resident_bytes(pids) - before) / size / 1024
        run.add(part, "memory per open stream, when all have pinged", each, "KB")
    finally:
        crowd.close()


async def measure_rounds(run: Run, server: Server, audience: Audience) -> None:
    """The same hall comes, gets a message and drops its lines, twenty times over."""
    part, size, pids = "rounds", len(audience.candidates), server.worker_pids()
    await http(server.port, b"GET /login")
    before = descriptors(pids)
    memory, taken = [], []
    for _ in range(ROUNDS):
        crowd = Crowd()
        await crowd.open(server.port, stream_requests(audience.candidates))
        crowd.mark = b"\nid: "
        await asyncio.sleep(0.3)
        crowd.arrivals.clear()  # what was open already came with the opening
        post = await send_to_all(server.port, audience.chief)
        taken.append((await crowd.all_have(size))[-1] - post.begun)
        close_notices(server.database)
        crowd.close()
        await until(lambda: descriptors(pids) < size, 30)
        memory.append(resident_bytes(pids))
    await asyncio.sleep(NOTICED)
    left = descriptors(pids) - before
    half = ROUNDS // 2
    growth = (median(memory[half:]) - median(memory[2:half])) / median(memory[2:half]) * 100
    run.add(part, "memory, second ten rounds against the first", growth, "% more", 5, target="no growth")
    run.add(
        part, f"connections left {NOTICED:.0f} s after the last round", left, "", POOL, target=f"≤ {POOL}, the pool's"
    )
    longer = median(taken[half:]) / median(taken[2:half])
    run.add(part, "time of a sending, second ten rounds to the first", longer, "×", 1.25, target="no growth")
