"""A network cable between a browser and the server, which can be pulled: nothing comes through, and no error tells."""

from __future__ import annotations

import selectors
import socket
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
                    other[line].sendall(data)
                if self._pulled.is_set():
                    return
