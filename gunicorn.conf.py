"""gunicorn -c gunicorn.conf.py wsgi:app: one process with gevent; `-b` and `-w` on the command line override this."""

from __future__ import annotations

import gc
import importlib.util
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

import gevent
from gevent.socket import socket
from gunicorn.workers.ggevent import GeventWorker

gevent.config.track_greenlet_tree = False  # where each connection's greenlet was spawned: nobody asks, half a kilobyte

bind = "127.0.0.1:8000"
workers = 1
worker_connections = 22_000  # a page without a balancer has two: EXAMHALL_STREAMS_PER_PROCESS (10,000), and its pings
backlog = 4096  # a hall that reconnects after a restart comes within a second

timeout = 60  # without a sign of life from a worker's loop, which streams do not hold up
graceful_timeout = 15  # a request waits up to 10 s for a busy database; streams and idle connections end at once
keepalive = 75  # longer than a balancer keeps its connections (60 s), so that it never meets one just closed
max_requests = 0  # a worker that restarts would cut every stream

limit_request_line = 8190  # "send to all" and the monitor carry their filter in the address
limit_request_fields = 64
limit_request_field_size = 8190

accesslog = None  # addresses carry searches for names: `/metrics` counts requests, and a balancer logs as it is told
errorlog = "-"
loglevel = "info"
control_socket_disable = True  # its default path is one per user: two halls on a machine would share it
proc_name = "examhall"


FILES_OF_ITS_OWN = 48
"""Of a worker: database, Redis, templates, log. As many more are left for clients that are being refused."""
FULL_SAID_EVERY = 60.0
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nX-Examhall: 1\r\nRetry-After: 5\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class EventSocket(socket):  # type: ignore[misc]
    """gevent's socket, which looks up the size of its buffer before it sends: another system call for every event."""

    __slots__ = ()

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send all of it; what fits the system's buffer, and events do, goes with one call."""
        try:
            sent = self._sock.send(data, flags)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            super().sendall(memoryview(data)[sent:], flags)

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


def _raise_file_limit() -> None:
    """Each stream is an open file. What the system allows this process at most is taken, as far as it is of use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


_raise_file_limit()


class StreamWorker(GeventWorker):  # type: ignore[misc]
    """gunicorn's worker for gevent, with what thousands of open streams need: cheap events, and an end in order."""

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
        super().init_process()

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
                super().handle(listener, client, addr)
        finally:
            self.connections -= 1

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
        gevent.spawn(self._end_in_order)
        super().handle_exit(sig, frame)

    def _end_in_order(self) -> None:
        from webapp.push import drain  # noqa: PLC0415 after gevent's patches

        drain(self.wsgi)
        while True:
            gevent.sleep(1.5)  # within a second nothing more is accepted, and what was accepted has been read
            for timeout, greenlet in tuple(self.waiting.items()):
                gevent.kill(greenlet, timeout)


worker_class = StreamWorker


def _settings() -> Any:
    """webapp/config.py by itself: nothing of the application may be imported before a worker is patched by gevent."""
    name = "examhall_config"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "webapp" / "config.py")
    if spec is None or spec.loader is None:
        raise RuntimeError("webapp/config.py is not there")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        return module.load(os.environ)
    except module.BadSetting as error:
        sys.exit(f"Examhall cannot start. {error}")


settings = _settings()


def on_starting(server: Any) -> None:
    """Before any worker, when the command line has been read: SQLite has one process, and the database is there."""
    if settings.database_url.startswith("sqlite") and server.cfg.workers > 1:
        sys.exit(
            f"Examhall cannot start. SQLite is for one process, and this would be {server.cfg.workers} workers: "
            "use one (-w 1), or set EXAMHALL_DATABASE_URL to a PostgreSQL database."
        )
    # in a process of its own: here nothing of the application is imported, and no connection is opened
    asking = [sys.executable, "-P", str(Path(__file__).parent / "webapp" / "reachable.py")]
    asked = subprocess.run(asking, input=settings.database_url, text=True, check=False)  # noqa: S603 our own file
    if asked.returncode:
        sys.exit(1)  # it has said why


def post_worker_init(_worker: Any) -> None:
    """With the application loaded: what it consists of need not be looked through at every full garbage collection.

    Measured: with 1,500 streams a full collection stopped the loop for 100 to 130 ms, in the middle of a sending.
    """
    gc.collect()
    gc.freeze()
