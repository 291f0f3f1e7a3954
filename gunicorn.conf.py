"""gunicorn -c gunicorn.conf.py wsgi:app: one process with gevent; `-b` and `-w` on the command line override this."""

from __future__ import annotations

import gc
import importlib.util
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import gevent
import structlog
from gunicorn.glogging import Logger
from gunicorn.http import message

gevent.config.track_greenlet_tree = False  # where each connection's greenlet was spawned: nobody asks, half a kilobyte

bind = "127.0.0.1:8000"
workers = 1
worker_connections = 22_000  # a page without a balancer has two: EXAMHALL_STREAMS_PER_PROCESS (10,000), and its pings
backlog = 4096  # a hall that reconnects after a restart comes within a second

timeout = 60  # without a sign of life from a worker's loop, which streams do not hold up
graceful_timeout = 15  # a request waits up to 10 s for a busy database; streams and idle connections end at once
keepalive = 75  # longer than a balancer keeps its connections (60 s), so that it never meets one just closed
max_requests = 0  # a worker that restarts would cut every stream

limit_request_line = 65_536  # the monitor's address holds its filter: 500 rooms with long names (R18)
limit_request_fields = 64
limit_request_field_size = 8190

accesslog = None  # addresses carry searches for names: `/metrics` counts requests, and a balancer logs as it is told
errorlog = "-"
loglevel = "info"
forwarder_headers = ""  # SCRIPT_NAME and PATH_INFO come from nobody's header
control_socket_disable = True  # its default path is one per user: two halls on a machine would share it
proc_name = "examhall"

message.MAX_REQUEST_LINE = limit_request_line  # gunicorn takes no larger setting than this constant of its own


def _raise_file_limit() -> None:
    """Each stream is an open file. What the system allows this process at most is taken, as far as it is of use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


_raise_file_limit()


def _load(path: str) -> Any:
    """A file by itself: nothing of the application may be imported before a worker is patched by gevent."""
    name = "examhall_" + Path(path).stem
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} is not there")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_logging = _load("webapp/logging.py")
_logging.capture_standard_logging()


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines in the form of all others; as they are for a person who watches."""

    def _set_handler(self, log: Any, output: str, fmt: Any, stream: Any = None) -> None:
        super()._set_handler(log, output, fmt if sys.stderr.isatty() else _logging.formatter(), stream)


logger_class = JsonLogger
worker_class = _load("deploy/gunicorn_worker.py").StreamWorker


def _give_up(text: str) -> None:
    structlog.get_logger().error(text)
    sys.exit(1)


def _settings() -> Any:
    module = _load("webapp/config.py")
    try:
        return module.load(os.environ)
    except module.BadSetting as error:
        _give_up(f"Examhall cannot start. {error}")


settings = _settings()


def on_starting(server: Any) -> None:
    """Before any worker, when the command line has been read: SQLite has one process, and the database is there."""
    if settings.database_url.startswith("sqlite") and server.cfg.workers > 1:
        _give_up(
            f"Examhall cannot start. SQLite is for one process, and this would be {server.cfg.workers} workers: "
            "use one (-w 1), or set EXAMHALL_DATABASE_URL to a PostgreSQL database."
        )
    # in a process of its own: here nothing of the application is imported, and no connection is opened
    asking = [sys.executable, "-P", str(Path(__file__).parent / "webapp" / "db" / "startup_check.py")]
    asked = subprocess.run(  # noqa: S603 our own file
        asking, input=settings.database_url, text=True, check=False, stderr=subprocess.PIPE
    )
    if asked.returncode:
        _give_up(asked.stderr.strip())


def post_worker_init(_worker: Any) -> None:
    """With the application loaded: what it consists of need not be looked through at every full garbage collection.

    Measured: with 1,500 streams a full collection stopped the loop for 100 to 130 ms, in the middle of a sending.
    """
    gc.collect()
    gc.freeze()
