"""What people would pick instead, each as a server of its own that the bench measures in the same run.

A peer serves one stream of server-sent events per recipient and sends a message individually: one channel per person.
None of them stores deliveries or writes a log.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from tests.server import START_SECONDS, free_port

OPEN_SECONDS = 60.0
DESCRIPTORS = 8192
"""A process that holds 1,500 streams has a connection to Redis for each of them, too."""


class ProgramMissing(RuntimeError):
    """A program that a peer needs is not installed; the text names Debian's package."""


class Peer(ABC):
    """A server that runs within `with`, in a temporary folder, on free ports of this machine.

    For it, and for the client's side, this process may then open more files (`DESCRIPTORS`).
    Raises `ProgramMissing` when it is made, and `RuntimeError` with its log if it does not start.
    """

    name: str
    version: str
    """With what it stands on; known when it runs."""

    def __init__(self) -> None:
        self.port = free_port()
        self._running = ExitStack()

    @abstractmethod
    def start(self, folder: Path) -> None:
        """Start all processes, and wait until they answer."""

    @abstractmethod
    def request(self, recipient: int) -> bytes:
        """The HTTP request that opens the stream of this recipient (1, 2, 3 …)."""

    @abstractmethod
    def streams(self) -> int:
        """How many streams the server holds now, by what it says itself."""

    @abstractmethod
    async def publish(self, recipients: Sequence[int], payload: bytes) -> None:
        """Send one line of UTF-8 to each of them on a channel of their own; returns when all of it is answered."""

    async def opened(self, count: int) -> None:
        """Wait until the server holds so many streams. Raises `TimeoutError`."""
        deadline = time.monotonic() + OPEN_SECONDS
        while (held := self.streams()) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} holds {held} of {count} streams")
            await asyncio.sleep(0.02)

    async def send(self, recipients: Sequence[int], payload: bytes) -> float:
        """Send one message to each of these recipients; seconds until the server had answered everything."""
        begun = time.perf_counter()
        await self.publish(recipients, payload)
        return time.perf_counter() - begun

    def __enter__(self) -> Self:
        allow_descriptors()
        with ExitStack() as starting:
            folder = Path(starting.enter_context(TemporaryDirectory(prefix="examhall-peer-")))
            self._running = starting
            self.start(folder)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def ending(self, end: Callable[[], object]) -> None:
        """Have this called when the peer ends, whatever else fails; the last one is called first."""
        self._running.callback(end)

    def run(self, command: Sequence[str], folder: Path, answers: Callable[[], bool], **environ: str) -> None:
        """Start a program that stays in the foreground; with the peer it ends, and what it has started too."""
        log = folder / "output.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environ},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.ending(lambda: _end(process))
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not start:\n{log.read_text()}")
            time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)  # a session of its own; the ordinary end would wait for the streams
    process.wait()


def allow_descriptors() -> None:
    """Let this process, and what it starts, open as many files as it takes, where the hard limit allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, DESCRIPTORS)), hard))


def program(name: str, package: str) -> str:
    """Where a program is. Raises `ProgramMissing`."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise missing(name, package)
    return found


def missing(what: str, package: str) -> ProgramMissing:
    """The error that names what is not there, and how it is installed."""
    return ProgramMissing(f"no {what} found; on Debian or Ubuntu: apt-get install {package}")


async def ask(port: int, requests: Sequence[bytes]) -> list[bytes]:
    """Write all requests to one connection and read their answers, which have to say their length; gives the bodies.

    Raises `RuntimeError` for an answer that is no success.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"".join(requests))
        return [await _body(reader) for _ in requests]
    finally:
        writer.close()


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(int(length.partition(b":")[2]))
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError((head + body).decode(errors="replace"))
    return body


def subscription(address: str) -> bytes:
    """The request that opens the stream at this address, as a browser's EventSource does."""
    return f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode()


def post(address: str, kind: str, body: bytes) -> bytes:
    """The request that posts a body of this content type."""
    head = f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
