"""Many open streams in one asyncio process, each noting when a mark arrives on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence


class Wire(asyncio.Protocol):
    """One connection: sends its request, then watches what comes in."""

    def __init__(self, request: bytes, crowd: Crowd) -> None:
        self._request = request
        self._crowd = crowd
        self._tail = b""
        self._opened = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Look for the first beat, then for the mark."""
        seen = self._tail + data
        if not self._opened and b"event: beat" in seen:
            self._opened = True
            self._crowd.open_count += 1
        if self._crowd.mark in seen:
            self._crowd.arrivals.append(time.perf_counter())
            seen = b""
        self._tail = seen[-32:]


class Crowd:
    """All connections of a measurement."""

    def __init__(self) -> None:
        self.mark = b"\x00 nothing yet"
        self.arrivals: list[float] = []
        self.open_count = 0
        self.wires: list[Wire] = []

    async def open(self, port: int, requests: Sequence[bytes], at_once: int = 100) -> None:
        """Connect one wire per request and wait until each has had its first beat."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(requests), at_once):
            batch = requests[start : start + at_once]
            made = await asyncio.gather(
                *(loop.create_connection(lambda r=r: Wire(r, self), "127.0.0.1", port) for r in batch)  # type: ignore[misc]
            )
            self.wires += [wire for _, wire in made]
            await self._until_open(start + len(batch))

    async def _until_open(self, wanted: int) -> None:
        await self._until(lambda: self.open_count >= wanted)

    async def all_have(self, count: int) -> list[float]:
        """Wait until the mark has come on so many wires; gives the moments in order."""
        await self._until(lambda: len(self.arrivals) >= count)
        moments, self.arrivals = sorted(self.arrivals), []
        return moments

    def close(self) -> None:
        """Drop all connections."""
        for wire in self.wires:
            if wire.transport:
                wire.transport.abort()

    @staticmethod
    async def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the streams did not all get what they should have")
            await asyncio.sleep(0.0005)
