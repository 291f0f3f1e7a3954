"""gunicorn's worker for gevent, with what thousands of open streams need: cheap events, limits and an end in order.

`gunicorn.conf.py` loads it. It imports nothing of the application, which must not be there before gevent's patches.
"""

from __future__ import annotations

import errno
import logging
import resource
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import SHUT_RDWR, SHUT_WR, SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
from gevent.hub import Hub
from gevent.socket import socket
from gunicorn.http.errors import ParseException
from gunicorn.workers.ggevent import GeventWorker

FILES_OF_ITS_OWN = 48
"""Of a worker: database, Redis, templates, log. As many more are left for clients that are being refused."""
FULL_SAID_EVERY = 60.0
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nX-Examhall: 1\r\nRetry-After: 5\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
BODY_SECONDS = 30.0
"""For how long the whole body of a request may arrive."""
UNREAD_SECONDS = 60.0
"""For how long a client may take nothing of an answer."""
BODY_STEP = 16_384
"""Bytes of a body that are taken at a time; then it is others' turn, however fast they come."""
MOST_CHUNKS = 4096
"""Of a body whose length is not told: a megabyte in single letters would keep the process busy for seconds."""
LINGER_SECONDS = 1.0
LINGER_READS = 32
"""After an answer to a body that was not read: so long, and so many pieces, until the connection is closed. Closed at
once, the answer would be thrown away with what has arrived."""
ACCEPT_SECONDS = 0.3
"""How long a worker that is told to end still lets in what waits at the door."""


class EventSocket(socket):  # type: ignore[misc]
    """gevent's socket, which looks up the size of its buffer before it sends: another system call for every event."""

    __slots__ = ()

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send all of it; what fits the system's buffer, and events do, goes with one call.

        Of what does not fit, each part has the socket's timeout, so that a slow client is not taken for a dead one.
        """
        try:
            sent = self._sock.send(data, flags)
        except BlockingIOError:
            sent = 0
        rest = memoryview(data)
        while sent < len(data):
            sent += self.send(rest[sent:], flags)

    def send_chunk(self, data: bytes) -> bool:
        """Send an HTTP chunk at once, without a wait. False: it was not, and whoever waits for this socket will see."""
        chunk = b"%X\r\n%b\r\n" % (len(data), data)
        try:
            sent = self._sock.send(chunk)
        except OSError:  # no room, or nobody there
            return False
        if sent < len(chunk):
            self._sock.shutdown(SHUT_RDWR)  # nothing may follow a part of a chunk; the page comes back
        return bool(sent == len(chunk))


class Listener:
    """A listener's name, which gunicorn asks for when it begins with a connection: the listener may be closed by then,
    and the connection was accepted before."""

    def __init__(self, listener: socket) -> None:
        self._name = listener.getsockname()

    def getsockname(self) -> Any:
        """Its address."""
        return self._name


class Waiting(gevent.Timeout):  # type: ignore[misc]
    """For how long a connection may wait for its next request; its worker knows who waits."""

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
    """In the place of gunicorn's reader of a request's body: a little at a time, and not for ever.

    Raises `TimeoutError` when the time is over, and `OSError` for what is no body, or is cut into too small pieces.
    """

    def __init__(self, reader: Any) -> None:
        if hasattr(reader, "parser"):
            reader.parser = _few(reader.parser)
        self._reader = reader
        self._until = time.monotonic() + BODY_SECONDS
        self._begun = False
        self._failure: OSError | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the body is left to come: its length is read, or its last chunk."""
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


def _few(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for number, chunk in enumerate(chunks):
        if number == MOST_CHUNKS:
            raise OSError("too many chunks")
        yield chunk


class StreamWorker(GeventWorker):  # type: ignore[misc]
    """gunicorn's worker for gevent, for streams."""

    def init_process(self) -> None:
        """In the new process, before it serves."""
        self.waiting: dict[gevent.Timeout, gevent.Greenlet] = {}
        self.connections = 0
        self.full_said = -FULL_SAID_EVERY
        files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.files = 2**31 if files == resource.RLIM_INFINITY else files
        # beyond this nothing is accepted: clients wait at the door instead of making the accepting fail
        self.worker_connections = max(1, min(self.cfg.worker_connections, self.files - FILES_OF_ITS_OWN))
        self.plain = not self.cfg.is_ssl
        # as attributes: gunicorn looks each of its settings up by two calls, and some forty for a request
        read = {name: one.get() for name, one in self.cfg.settings.items() if not hasattr(type(self.cfg), name)}
        self.cfg.__dict__.update(read)
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
        if self.plain:
            client.__class__ = EventSocket  # the server has made it already; another object would take a kilobyte
        self.connections += 1
        try:
            if self.connections > self.files - 2 * FILES_OF_ITS_OWN:
                self._refuse(client)
            else:
                super().handle(self.listeners[listener], client, addr)
        finally:
            self.connections -= 1

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Serve a request. A body that nobody has read to its end closes the connection: it may have none."""
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
        """The limit of open files is near: 503, and the connection is closed."""
        if time.monotonic() - self.full_said >= FULL_SAID_EVERY:
            self.full_said = time.monotonic()
            self.log.warning("connections are refused: the limit of open files (ulimit -n) is %d", self.files)
        try:
            with gevent.Timeout(2, exception=False):
                client.recv(65_536)  # a request that is not read would have the answer thrown away
            client.sendall(REFUSAL)
            client.close()
        except OSError as error:
            self.log.debug("gone before it was refused: %s", error)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM, also to each old worker after SIGHUP: streams are told when to come back, requests are finished."""
        gevent.spawn_later(ACCEPT_SECONDS, super().handle_exit, sig, frame)
        gevent.spawn(self._end_in_order)

    def _end_in_order(self) -> None:
        from webapp.push import drain  # noqa: PLC0415 after gevent's patches

        drain(self.wsgi)
        while True:
            gevent.sleep(2)  # by then nothing more is accepted, and what was accepted has been read
            for timeout, greenlet in tuple(self.waiting.items()):
                gevent.kill(greenlet, timeout)


def _log_uncaught(_hub: Any, context: Any, _kind: Any, error: BaseException | None, _trace: Any) -> None:
    """In the place of gevent's printing, which takes many lines for an exception of a greenlet."""
    logging.getLogger("gevent").error("uncaught exception in %s", type(context).__name__, exc_info=error)


@contextmanager
def _cut_if_unread(client: Any) -> Iterator[None]:
    """Reset the connection of a client that takes nothing of its answer for too long."""
    client.settimeout(UNREAD_SECONDS)
    try:
        yield
    except TimeoutError as error:
        client.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))  # what waits in the system's buffer goes too
        raise ConnectionResetError(errno.ECONNRESET, "the answer was not read") from error
    client.settimeout(None)


def _linger(client: Any) -> None:
    """Give a client that is still sending the time to read its answer, and take little of what it sends."""
    try:
        client.shutdown(SHUT_WR)
        with gevent.Timeout(LINGER_SECONDS, exception=False):
            for _ in range(LINGER_READS):
                if not client.recv(65_536):
                    return
                gevent.sleep(0.01)
    except OSError:
        return  # it has gone
