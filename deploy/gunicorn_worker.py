"""gunicorn's worker for gevent, for thousands of open streams: limits, slow clients, and an end in order.

`gunicorn.conf.py` imports it. It imports nothing of the application, which must not be there before gevent's patches.
"""

from __future__ import annotations

import errno
import logging
import math
import resource
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from select import POLLIN, poll  # before gevent patches it: no other greenlet may run meanwhile
from socket import SHUT_WR, SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
from gevent.hub import Hub
from gevent.socket import socket
from gunicorn.http.errors import ParseException
from gunicorn.workers.ggevent import GeventWorker

FILES_OF_ITS_OWN = 48
"""Open files of a worker itself: database, Redis, templates, log. As many more are left to refuse clients with."""
FULL_LOG_SECONDS = 60.0
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nX-Examhall: 1\r\nRetry-After: 5\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
BODY_SECONDS = 30.0
"""Within how long the whole body of a request must arrive."""
UNREAD_SECONDS = 60.0
"""After how long a client that reads nothing of its response is disconnected."""
BODY_STEP = 16_384
"""Bytes of a body that are read at a time; then other greenlets run."""
MOST_CHUNKS = 4096
"""Chunks of a body: a megabyte in single letters would keep the process busy for seconds."""
LINGER_SECONDS = 1.0
LINGER_READS = 32
"""How long, and for how many reads, a connection stays open after the response to a body that was not read. If it were
closed at once, the client would lose the response."""
ACCEPT_SECONDS = 5.0
"""How long a worker that ends accepts at most, if connections never stop coming."""
LAST_REQUEST_SECONDS = 1.0
"""How long the connections that were accepted last have time for a request."""


class PatientSocket(socket):  # type: ignore[misc]
    """gevent's socket, whose timeout is for each part of what is sent: a slow client is not a dead one."""

    __slots__ = ()

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send all of it. Raises `TimeoutError` if the client takes nothing for so long."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.send(rest, flags) :]


class Listener:
    """Stands for a listener that may be closed already when gunicorn asks for its name."""

    def __init__(self, listener: socket) -> None:
        self._name = listener.getsockname()

    def getsockname(self) -> Any:
        """The address."""
        return self._name


class Waiting(gevent.Timeout):  # type: ignore[misc]
    """The keep-alive timeout of a connection, which its worker knows while it waits for its next request."""

    def __init__(self, seconds: float, waiting: dict[gevent.Timeout, gevent.Greenlet]) -> None:
        super().__init__(seconds, exception=False)
        self._waiting = waiting

    def __enter__(self) -> Any:
        self._waiting[self] = gevent.getcurrent()
        return super().__enter__()

    def __exit__(self, *raised: Any) -> Any:
        del self._waiting[self]
        return super().__exit__(*raised)


class BodyReader:
    """Replaces gunicorn's reader of a request's body: reads a little at a time, and within `BODY_SECONDS`.

    Raises `TimeoutError` after that, and `OSError` for a malformed body or one of too many chunks.
    """

    def __init__(self, reader: Any) -> None:
        if hasattr(reader, "parser"):
            reader.parser = _limit_chunks(reader.parser)
        self._reader = reader
        self._until = time.monotonic() + BODY_SECONDS
        self._begun = False
        self._failure: OSError | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the whole body has been read."""
        is_read = getattr(self._reader, "length", None) == 0 or getattr(self._reader, "parser", self) is None
        return is_read and self._failure is None

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        if self._failure is None:
            slow = TimeoutError("the body of the request came too slowly")
            try:
                with gevent.Timeout(max(0.0, self._until - time.monotonic()), slow):
                    if self._begun:
                        gevent.sleep(0)
                    self._begun = True
                    return bytes(self._reader.read(min(size, BODY_STEP)))
            except (OSError, ParseException) as error:
                self._failure = error if isinstance(error, OSError) else OSError("not the body of a request")
        raise self._failure


def _limit_chunks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for number, chunk in enumerate(chunks):
        if number == MOST_CHUNKS:
            raise OSError("too many chunks")
        yield chunk


class StreamWorker(GeventWorker):  # type: ignore[misc]
    """gunicorn's worker for gevent, for streams."""

    accepts_until: float = math.inf
    """In seconds of the monotonic clock; endless until the worker is told to end."""

    def init_process(self) -> None:
        """In the new process, before it serves."""
        self.waiting: dict[gevent.Timeout, gevent.Greenlet] = {}
        self.clients: dict[gevent.Greenlet, Any] = {}
        self.full_logged_at = -FULL_LOG_SECONDS
        files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.files = 2**31 if files == resource.RLIM_INFINITY else files
        # beyond this nothing is accepted: clients wait in the backlog
        self.worker_connections = max(1, min(self.cfg.worker_connections, self.files - FILES_OF_ITS_OWN))
        Hub.print_exception = _log_uncaught
        super().init_process()

    def patch(self) -> None:
        """With gevent's sockets in the place of the listeners."""
        super().patch()
        self.listeners = {listener: Listener(listener) for listener in self.sockets}

    def timeout_ctx(self) -> Waiting:
        """Around the wait for a connection's next request."""
        return Waiting(self.cfg.keepalive, self.waiting)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection."""
        if not self.cfg.is_ssl:
            client = PatientSocket(client.family, client.type, client.proto, fileno=client.detach())
        self.clients[gevent.getcurrent()] = client
        try:
            if len(self.clients) > self.files - 2 * FILES_OF_ITS_OWN:
                self._refuse(client)
            else:
                super().handle(self.listeners[listener], client, addr)
        finally:
            del self.clients[gevent.getcurrent()]

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Serve a request. The connection closes if the body was not read to its end."""
        reader = BodyReader(req.body.reader)
        if reader.is_whole:
            with _cut_if_unread(sock):
                return super().handle_request(listener_name, req, sock, addr)
        req.body.reader, header_says_close = reader, req.should_close
        req.should_close = lambda: header_says_close() or not reader.is_whole
        try:
            with _cut_if_unread(sock):
                return super().handle_request(listener_name, req, sock, addr)
        finally:
            if not reader.is_whole:
                _linger(sock)

    def _refuse(self, client: Any) -> None:
        """Answer 503 and close, because the limit of open files is near."""
        if time.monotonic() - self.full_logged_at >= FULL_LOG_SECONDS:
            self.full_logged_at = time.monotonic()
            self.log.warning("connections are refused: the limit of open files (ulimit -n) is %d", self.files)
        try:
            with gevent.Timeout(2, exception=False):
                client.recv(65_536)  # or the client would lose the response
            client.sendall(REFUSAL)
            client.close()
        except OSError as error:
            self.log.debug("gone before it was refused: %s", error)

    @property
    def alive(self) -> bool:
        """Whether the worker accepts. gunicorn asks every second, and closes its listeners as soon as it does not.

        A worker that ends accepts until its backlog is empty: closing would reset the connections that wait in it.
        """
        if self.accepts_until == math.inf:
            return True
        return time.monotonic() < self.accepts_until and any(map(_has_input, self._open_listeners()))

    @alive.setter
    def alive(self, alive: bool) -> None:
        # a second signal to end, or a request beyond `max_requests`, gives no more time
        self.accepts_until = math.inf if alive else min(self.accepts_until, time.monotonic() + ACCEPT_SECONDS)

    def _open_listeners(self) -> list[Any]:
        return [listener for listener in self.sockets if listener.fileno() >= 0]

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM, which old workers get too after SIGHUP: streams end in order, requests are finished."""
        super().handle_exit(sig, frame)
        gevent.spawn(self._end_in_order)

    def _end_in_order(self) -> None:
        self.wsgi.extensions["examhall_push"].drain()
        while self._open_listeners():
            gevent.sleep(0.1)
        while True:
            gevent.sleep(LAST_REQUEST_SECONDS)
            for timeout, greenlet in tuple(self.waiting.items()):
                if not _has_input(self.clients[greenlet]):
                    gevent.kill(greenlet, timeout)


def _has_input(connection: Any) -> bool:
    """Whether a listener has a connection to accept, or a client has sent something."""
    poller = poll()
    poller.register(connection, POLLIN)
    return bool(poller.poll(0))


def _log_uncaught(_hub: Any, context: Any, _kind: Any, error: BaseException | None, _trace: Any) -> None:
    """Log an exception of a greenlet as one line, which gevent would print as many."""
    logging.getLogger("gevent").error("uncaught exception in %s", type(context).__name__, exc_info=error)


@contextmanager
def _cut_if_unread(client: Any) -> Iterator[None]:
    """Reset the connection of a client that does not read its response."""
    client.settimeout(UNREAD_SECONDS)
    try:
        yield
    except TimeoutError as error:
        client.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))  # and drop what waits in the system's buffer
        raise ConnectionResetError(errno.ECONNRESET, "the answer was not read") from error
    client.settimeout(None)


def _linger(client: Any) -> None:
    """Give a client that is still sending time to read its response."""
    try:
        client.shutdown(SHUT_WR)
        with gevent.Timeout(LINGER_SECONDS, exception=False):
            for _ in range(LINGER_READS):
                if not client.recv(65_536):
                    return
                gevent.sleep(0.01)
    except OSError:
        return  # it has gone
