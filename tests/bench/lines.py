"""Requests over kept connections at a given pace, as a hall of browsers sends them; how long each answer took."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.bench.hall import CSRF_TOKEN

VERSION = re.compile(rb'data-version="(\d+)"')
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def ping(cookie: bytes) -> bytes:
    """A page's sign of life."""
    return request(b"POST /ping", cookie, b"")


@dataclass
class Writer:
    """A candidate who types, with one page open: each save says into which version it was typed, as the page does."""

    cookie: bytes
    test_id: int
    question_id: int
    version: int = 0
    saves: int = 0

    def save(self) -> bytes:
        """The next one."""
        self.saves += 1
        form = urlencode({"text": f"Because of {self.saves}", "base": self.version})
        return request(b"POST /tests/%d/answers/%d" % (self.test_id, self.question_id), self.cookie, form.encode())

    def heard(self, answer: bytes) -> None:
        """Take what the server said. Raises `RuntimeError` if it did not save."""
        told = VERSION.search(answer)
        if told is None:
            raise RuntimeError(answer.decode()[:2000])
        self.version = int(told[1])


def request(what: bytes, cookie: bytes, form: bytes | None = None, headers: bytes = b"") -> bytes:
    """A request as a page's script sends it; with a form, or an empty one, it is a POST."""
    head = what + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nHX-Request: true\r\nCookie: " + cookie + b"\r\n" + headers
    if form is None:
        return head + b"\r\n"
    kind = "application/x-www-form-urlencoded"
    post = f"X-CSRFToken: {CSRF_TOKEN}\r\nContent-Type: {kind}\r\nContent-Length: {len(form)}\r\n\r\n"
    return head + post.encode() + form


@dataclass
class Lines:
    """So many kept connections to a port."""

    port: int
    count: int
    taken: list[float] = field(default_factory=list)
    """Seconds until each answer was there."""
    statuses: dict[int, int] = field(default_factory=dict)
    _ends: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def spread(self, requests: Sequence[bytes | Writer], seconds: float) -> None:
        """Send them evenly over so many seconds, each when its moment comes or its line is free."""
        while len(self._ends) < self.count:
            self._ends.append(await asyncio.open_connection("127.0.0.1", self.port))
        begun = time.perf_counter()
        await asyncio.gather(
            *(
                self._send_over(end, requests[number :: self.count], begun + seconds * number / len(requests), seconds)
                for number, end in enumerate(self._ends)
            )
        )

    async def _send_over(
        self,
        end: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        requests: Sequence[bytes | Writer],
        first: float,
        seconds: float,
    ) -> None:
        for place, one in enumerate(requests):
            await asyncio.sleep(max(0.0, first + seconds * place / len(requests) - time.perf_counter()))
            if isinstance(one, Writer):
                one.heard(await self.ask(end, one.save()))
            else:
                await self.ask(end, one)

    async def ask(self, end: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> bytes:
        """One request and its whole answer over one of the lines."""
        reader, writer = end
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        self.taken.append(time.perf_counter() - begun)
        status = int(head[9:12])
        self.statuses[status] = self.statuses.get(status, 0) + 1
        return head + body

    async def ask_any(self, request: bytes) -> bytes:
        """The same over the first line."""
        if not self._ends:
            self._ends.append(await asyncio.open_connection("127.0.0.1", self.port))
        return await self.ask(self._ends[0], request)

    def close(self) -> None:
        """Hang up."""
        for _, writer in self._ends:
            writer.close()
