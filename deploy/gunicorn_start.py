"""What gunicorn does before it serves: its log, its limit of open files, and checks that end it with one line.

`gunicorn.conf.py` imports it. Nothing of the application may be imported before gevent patches the workers, so the
modules that are needed here are loaded by their files.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import structlog
from gunicorn.glogging import Logger

WEBAPP = Path(__file__).resolve().parent.parent / "webapp"
MOST_FILES = 65_536
FULL_COLLECTION_AFTER = 1_000
"""Garbage collections of the middle generation, each after about 7,700 more objects."""


def _load(name: str) -> Any:
    """A module of the application that imports no other."""
    spec = importlib.util.spec_from_file_location(f"examhall_{name}", WEBAPP / f"{name}.py")
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{name}.py is not there")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_logging = _load("logging")
_logging.capture_standard_logging()
_config = _load("config")


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines in the form of all others; unchanged for a person who watches."""

    def _set_handler(self, log: Any, output: str, fmt: Any, stream: Any = None) -> None:
        super()._set_handler(log, output, fmt if sys.stderr.isatty() else _logging.formatter(), stream)


def raise_file_limit() -> None:
    """Take as many open files as the system allows: each stream is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def check_start(server: Any) -> None:
    """Before any worker, when the command line has been read: SQLite has one process, and the database is there."""
    if settings.database_url.startswith("sqlite") and server.cfg.workers > 1:
        _give_up(
            f"Examhall cannot start. SQLite is for one process, and this would be {server.cfg.workers} workers: "
            "use one (-w 1), or set EXAMHALL_DATABASE_URL to a PostgreSQL database."
        )
    # in a process of its own, because a connection must not be opened before the workers fork
    command = [sys.executable, "-P", str(WEBAPP / "db" / "startup_check.py")]
    check = subprocess.run(  # noqa: S603 our own file
        command, input=settings.database_url, text=True, check=False, stderr=subprocess.PIPE
    )
    if check.returncode:
        _give_up(check.stderr.strip())


def limit_collections(_worker: Any) -> None:
    """Keep garbage collections, which stop all streams, short and seldom.

    What the loaded application consists of is left out of them. A full one looks at all open streams: while people
    sent messages it came every few seconds.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_COLLECTION_AFTER)


def _give_up(text: str) -> None:
    structlog.get_logger().error(text)
    sys.exit(1)


def _read_settings() -> Any:
    try:
        return _config.load(os.environ)
    except _config.BadSetting as error:
        _give_up(f"Examhall cannot start. {error}")


settings = _read_settings()
