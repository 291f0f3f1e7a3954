"""Lines of the log as JSON, one per event: also those of the server, of libraries, warnings and uncaught exceptions.

Imports the standard library only: gunicorn.conf.py runs this file before its workers are patched by gevent.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import Any

DATABASES = {"psycopg", "sqlite3", "sqlalchemy"}
"""Packages whose exceptions tell values of rows, or the parameters of a statement, in their texts."""


class JsonFormatter(logging.Formatter):
    """A record of the standard library's logging as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line feed in it."""
        error = record.exc_info[1] if record.exc_info else None
        values = {"logger": record.name, **({"exception": trace(error)} if error else {})}
        return line(record.getMessage(), record.levelname.lower(), moment=record.created, **values)


def line(event: str, level: str, *, moment: float | None = None, **values: Any) -> str:
    """A line like those that structlog writes; `moment` is in seconds since 1970, now unless given."""
    at = datetime.now(UTC) if moment is None else datetime.fromtimestamp(moment, UTC)
    timestamp = at.isoformat().replace("+00:00", "Z")
    return json.dumps({**values, "event": event, "level": level, "timestamp": timestamp}, default=str)


def trace(error: BaseException) -> str:
    """The traceback of an exception and of those that it comes from, the first one first; of an outage its words.

    Exceptions of a database are worded without values.
    """
    if _is_outage(error):
        return _words(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    own = f"{frames}{_words(error)}"
    return f"{trace(earlier)}\n\n{own}" if earlier is not None else own


def _is_outage(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return _is_of_a_database(error) and bool(names & {"OperationalError", "InterfaceError"})


def _is_of_a_database(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in DATABASES


def _words(error: BaseException) -> str:
    name = type(error).__qualname__
    if not _is_of_a_database(error):
        return f"{name}: {error}"
    driver: Any = getattr(error, "orig", None) or error
    said = str(driver).strip().splitlines()
    if said and (_is_outage(driver) or type(driver).__module__ == "sqlite3"):
        return f"{name}: {said[0]}"
    about = (getattr(driver, "sqlstate", None), getattr(getattr(driver, "diag", None), "constraint_name", None))
    return " ".join([name, *filter(None, about), getattr(error, "statement", None) or ""]).strip()


def take_over() -> None:
    """Have this process write whatever goes to its standard error as JSON, unless a person watches."""
    if sys.stderr.isatty():
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.getLogger().handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda _kind, error, _trace: _uncaught(error)
    threading.excepthook = lambda given: _uncaught(given.exc_value)
    sys.unraisablehook = lambda given: _uncaught(given.exc_value)


def _uncaught(error: BaseException | None) -> None:
    logging.getLogger("uncaught").error("uncaught exception", exc_info=error)
