"""gunicorn -c gunicorn.conf.py wsgi:app: one process with gevent; `-b` and `-w` on the command line override this."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

bind = "127.0.0.1:8000"
workers = 1
worker_class = "gevent"
worker_connections = 12_000  # EXAMHALL_STREAMS_PER_PROCESS (10,000), and room for requests beside the streams
backlog = 4096  # a hall that reconnects after a restart comes within a second

timeout = 60  # without a sign of life from a worker's loop, which streams do not hold up
graceful_timeout = 3  # streams never end by themselves; requests do within this
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
    """Before any worker, when the command line has been read: SQLite has one process."""
    if settings.database_url.startswith("sqlite") and server.cfg.workers > 1:
        sys.exit(
            f"Examhall cannot start. SQLite is for one process, and this would be {server.cfg.workers} workers: "
            "use one (-w 1), or set EXAMHALL_DATABASE_URL to a PostgreSQL database."
        )


def post_worker_init(_worker: Any) -> None:
    """With the application loaded: what it consists of need not be looked through at every full garbage collection.

    Measured: with 1,500 streams a full collection stopped the loop for 100 to 130 ms, in the middle of a sending.
    """
    gc.collect()
    gc.freeze()
