"""How long something takes, without the time for which a full machine had no processor for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from time import perf_counter
from typing import Any

from flask import Flask
from sqlalchemy import event

from webapp.extensions import db


@dataclass
class Measured:
    """What a block has taken: wall time without the waiting for a processor, and statements of its thread."""

    seconds: float = 0.0
    statements: int = 0


@contextmanager
def unhindered(app: Flask) -> Iterator[Measured]:
    """Measure a block. Sleeping, locks and disks count in full.

    Only what this thread, and the processes of PostgreSQL that serve it, wait in Linux's queue for a processor is left
    out. Where that is not known, nothing is.
    """
    measured, here = Measured(), get_ident()
    before: dict[str, float] = {}

    def note(connection: Any, *_rest: object) -> None:
        if get_ident() == here:  # the sweep and the presence writer have threads of their own
            measured.statements += 1
            if connection.dialect.name == "postgresql":
                of = str(connection.connection.driver_connection.info.backend_pid)
                if of not in before:
                    before[of] = _queued(of)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    before["thread-self"] = _queued("thread-self")
    began = perf_counter()
    try:
        yield measured
    finally:
        wall = perf_counter() - began
        measured.seconds = wall - sum(_queued(of) - queued for of, queued in before.items())
        event.remove(engine, "before_cursor_execute", note)


def _queued(process: str) -> float:
    """For how many seconds it has been ready to run, and others ran."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
