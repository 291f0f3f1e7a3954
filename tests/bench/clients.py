"""Many open streams in one asyncio process, each noting when a mark arrives on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

BEAT = b"event: beat"


class Wire(asyncio.Protocol):
    """One connection: sends its request, then watches what comes in."""

    def __init__(self, request: bytes, crowd: Crowd) -> None:
        self._request = request
        self._crowd = crowd
        self._tail = b""
        self.opened_at: float | None = None
        self.ended = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Look for what says that the stream is open, then for the mark."""
        seen = self._tail + data
        if self.opened_at is None and self._crowd.opening in seen:
            self.opened_at = time.perf_counter()
            self._crowd.open_count += 1
        if self._crowd.mark in seen:
            self._crowd.arrivals.append(time.perf_counter())
            seen = b""
        self._tail = seen[-32:]

    def connection_lost(self, _error: Exception | None) -> None:
        """Note it."""
        self.ended = True
        self._crowd.ended_count += 1


class Crowd:
    """All connections of a measurement. `opening` is what a stream says once it is open, `mark` what is waited for."""

    def __init__(self, opening: bytes = BEAT) -> None:
        self.opening = opening
        self.mark = b"\x00 nothing yet"
        self.arrivals: list[float] = []
        self.open_count = 0
        self.ended_count = 0
        self.wires: list[Wire] = []

    async def connect(self, port: int, requests: Sequence[bytes]) -> None:
        """One wire per request, as fast as they are taken."""
        loop = asyncio.get_running_loop()
        made = await asyncio.gather(
            *(loop.create_connection(lambda r=r: Wire(r, self), "127.0.0.1", port) for r in requests)  # type: ignore[misc]
        )
        self.wires += [wire for _, wire in made]

    async def open(self, port: int, requests: Sequence[bytes], at_once: int = 100) -> None:
        """The same in portions, waiting until each stream says that it is open."""
        for start in range(0, len(requests), at_once):
            await self.connect(port, requests[start : start + at_once])
            await self.all_open(min(start + at_once, len(requests)))

    async def all_open(self, count: int, seconds: float = 60) -> None:
        """Wait until so many streams have said that they are open."""
        await until(lambda: self.open_count >= count, seconds)

    async def all_have(self, count: int, seconds: float = 60) -> list[float]:
        """Wait until the mark has come on so many wires; gives the moments in order."""
        await until(lambda: len(self.arrivals) >= count, seconds)
        moments, self.arrivals = sorted(self.arrivals), []
        return moments

    def close(self) -> None:
        """Drop all connections."""
        for wire in self.wires:
            if wire.transport:
                wire.transport.abort()


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds; `TimeoutError` if it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the streams did not all get what they should have")
        await asyncio.sleep(0.0005)
