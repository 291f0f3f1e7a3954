"""A network cable between a browser and the server, which can be pulled: nothing comes through, and no error tells."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType

from tests.server import free_port


class Cable:
    """A TCP relay. Pulled, it carries no byte in either direction and closes nothing, as a real one.

    Connections from before the pull stay dead for good when it is plugged in again, as after a long sleep; new ones
    work.
    """

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._to = port
        self._pulled = Event()
        self._ended = Event()
        self._lines: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._door.settimeout(0.1)
        self._thread = Thread(target=self._open_lines, daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Out."""
        self._pulled.set()

    def plug_in(self) -> None:
        """In again."""
        self._pulled.clear()

    def __enter__(self) -> Cable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=5)
        self._door.close()
        for line in self._lines:
            line.close()

    def _asked(self, near: socket.socket, data: bytes) -> bytes:  # noqa: ARG002 for proxies
        """What goes on to the server."""
        return data

    def _passed(self, near: socket.socket, data: bytes) -> bytes:  # noqa: ARG002 for proxies
        """What goes on to the browser."""
        return data

    def _open_lines(self) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError):
                near, _ = self._door.accept()
                self._lines.append(near)
                if not self._pulled.is_set():
                    far = socket.create_connection(("127.0.0.1", self._to))
                    self._lines.append(far)
                    Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        with selectors.DefaultSelector() as both, suppress(OSError):
            for line in other:
                both.register(line, selectors.EVENT_READ)
            while not self._ended.is_set():
                for key, _ in both.select(timeout=0.1):
                    line: socket.socket = key.fileobj  # type: ignore[assignment]
                    if self._pulled.is_set():
                        return  # and leave both ends open
                    data = line.recv(65536)
                    if not data:
                        near.shutdown(socket.SHUT_RDWR)
                        far.shutdown(socket.SHUT_RDWR)
                        return
                    other[line].sendall(self._passed(near, data) if line is far else self._asked(near, data))
                if self._pulled.is_set():
                    return


HEAD_END = b"\r\n\r\n"


class HoldingProxy(Cable):
    """A proxy that keeps back what comes on `/stream`: all of it, or all but what `lets_through` gives.

    `lets_through` gets the whole answer so far, head and body, and gives how many bytes of it may pass.
    """

    def __init__(self, port: int, lets_through: Callable[[bytes], int]) -> None:
        self.lets_through = lets_through
        self.streams = 0
        """How many were asked for."""
        self._answers: dict[socket.socket, bytearray] = {}
        self._given: dict[socket.socket, int] = {}
        super().__init__(port)

    def _asked(self, near: socket.socket, data: bytes) -> bytes:
        if data.startswith(b"GET /stream "):
            self.streams += 1
            self._answers[near], self._given[near] = bytearray(), 0
        return data

    def _passed(self, near: socket.socket, data: bytes) -> bytes:
        answer = self._answers.get(near)
        if answer is None:
            return data
        answer += data
        begin, end = self._given[near], min(len(answer), self.lets_through(bytes(answer)))
        self._given[near] = end
        return bytes(answer[begin:end])


def nothing(_answer: bytes) -> int:
    """Head and body are kept."""
    return 0


def head_alone(answer: bytes) -> int:
    """The head passes, the body is kept."""
    return answer.find(HEAD_END) + len(HEAD_END)


def head_and_beginning(answer: bytes) -> int:
    """The head and the first chunk pass: the stream beats once and is silent then."""
    begin = head_alone(answer)
    length, line_end, _ = answer[begin:].partition(b"\r\n")
    return begin + len(length) + int(length, 16) + 4 if line_end else begin


def whole(answer: bytes) -> int:
    """Everything passes."""
    return len(answer)
