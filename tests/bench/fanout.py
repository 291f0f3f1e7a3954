"""A sending to 1,500 open streams: from the commit, and from the POST, until they have it; beside floor and peers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bench.clients import Crowd, until
from tests.bench.figures import Run, median, p99
from tests.bench.hall import Audience, send_to_all, stream_requests
from tests.bench.peers import Peer
from tests.server import ROOT, Server, free_port

SIZE_OF_A_NOTICE = 900
"""Bytes of a rendered notice on the wire, about; floor and peers write as many."""
PAUSE = 0.25
"""Seconds between two sendings, so that each is measured alone."""
A_NOTICE = b"\nid: "


@dataclass
class Sendings:
    """Seconds: for each recipient of each sending, and for each sending until its answer."""

    from_commit: list[float] = field(default_factory=list)
    from_post: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    """From the POST until the last recipient has it."""


@contextmanager
def floor_server() -> Iterator[int]:
    """The floor's port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.floor", str(port), str(SIZE_OF_A_NOTICE)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        time.sleep(0.5)
        yield port
    finally:
        process.kill()
        process.wait()


async def measure_floor(size: int, rounds: int) -> tuple[list[float], float]:
    """Trigger → each stream has it; and the share of that time for which the client itself computed."""
    with floor_server() as port:
        crowd = Crowd()
        try:
            await crowd.open(port, [b"stream"] * size)
            crowd.mark = b"id: 1\n"
            _, trigger = await asyncio.open_connection("127.0.0.1", port)
            taken: list[float] = []
            own = spent = 0.0
            for _ in range(rounds):
                begun, used = time.perf_counter(), time.process_time()
                trigger.write(b"!")
                moments = await crowd.all_have(size)
                own, spent = own + time.process_time() - used, spent + time.perf_counter() - begun
                taken += [moment - begun for moment in moments]
                await asyncio.sleep(PAUSE)
            trigger.close()
            return taken, own / spent
        finally:
            crowd.close()


async def measure_sendings(server: Server, audience: Audience, rounds: int, others: Audience | None = None) -> Sendings:
    """Real sendings to an audience with its streams open, and those of `others` beside. The first is not counted."""
    crowd, beside, found = Crowd(), Crowd(), Sendings()
    try:
        if others:
            await beside.open(server.port, stream_requests(others.candidates))
        await crowd.open(server.port, stream_requests(audience.candidates))
        crowd.mark = A_NOTICE
        size = len(audience.candidates)
        for number in range(rounds + 1):
            post = await send_to_all(server.port, audience.chief)
            moments = await crowd.all_have(size)
            if number:
                found.from_commit += [moment - post.committed for moment in moments]
                found.from_post += [moment - post.begun for moment in moments]
                found.answered.append(post.answered - post.begun)
                found.last.append(moments[-1] - post.begun)
            await asyncio.sleep(PAUSE)
        await until(lambda: not crowd.ended_count and not beside.ended_count, 0.1)
        return found
    finally:
        crowd.close()
        beside.close()


async def measure_peer(peer: Peer, size: int, rounds: int) -> list[float]:
    """Sent → each stream has it, individually addressed."""
    crowd = Crowd(opening=b"HTTP/1.1 200")
    recipients = range(1, size + 1)
    try:
        for start in range(0, size, 100):
            await crowd.connect(peer.port, [peer.request(one) for one in recipients[start : start + 100]])
            await peer.opened(min(start + 100, size))
        taken: list[float] = []
        for number in range(rounds + 1):
            mark = f"sending {number:06} ".encode()
            crowd.mark = mark
            begun = time.perf_counter()
            await peer.send(recipients, mark.ljust(SIZE_OF_A_NOTICE, b"x"))
            moments = await crowd.all_have(size)
            if number:
                taken += [moment - begun for moment in moments]
            await asyncio.sleep(PAUSE)
        return taken
    finally:
        crowd.close()


def report(
    run: Run, floor: list[float], share: float, ours: dict[str, Sendings], peers: dict[str, list[float]], size: int
) -> None:
    """Note the figures of the fan-out."""
    part = "fan-out"
    base = run.add(part, f"floor: {size:,} streams have it, p99", p99(floor) * 1e3, "ms")
    run.add(part, "floor, median", median(floor) * 1e3, "ms")
    run.add(part, "the client's own computing, of the floor's time", share * 100, "%")
    for name, taken in peers.items():
        run.add(part, f"{name}: sent → streams have it, p99", p99(taken) * 1e3, "ms")
    for database, found in ours.items():
        commit, whole = p99(found.from_commit) * 1e3, p99(found.from_post) * 1e3
        run.add(part, f"{database}: commit → streams have it, median", median(found.from_commit) * 1e3, "ms")
        run.add(part, f"{database}: commit → streams have it, p99", commit, "ms")
        run.add(part, f"{database}: that to the floor's p99", commit / base, "×", 4, target="≤ 4 ×")
        run.add(part, f"{database}: POST sent → streams have it, p99", whole, "ms")
        run.add(part, f"{database}: that to the floor's p99 ", whole / base, "×", 8, target="≤ 8 ×")
        run.add(part, f"{database}: POST answered, median", median(found.answered) * 1e3, "ms", 60, target="≤ 60 ms")
        for name, taken in peers.items():
            limit, words = (25, "≥ 25 ×") if "flask-sse" in name.lower() else (1, "> 1 ×")
            compared = whole if "flask-sse" in name.lower() else commit
            ratio = p99(taken) * 1e3 / compared
            run.add(part, f"{database}: faster than {name}, p99", ratio, "×", limit, at_least=True, target=words)
