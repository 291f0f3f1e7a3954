"""The server's log: one line per event on standard error, as JSON unless a person watches.

Imports nothing of the application: gunicorn.conf.py runs this file before gevent patches its workers.
"""

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import Processor

DATABASE_PACKAGES = {"psycopg", "sqlite3", "sqlalchemy"}
"""Their exceptions carry values of rows and parameters of statements in their texts."""


def configure() -> None:
    """Configure structlog for the process. No request body, cookie or password is ever bound to it."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_processors(), _renderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def capture_standard_logging() -> None:
    """Write the lines of libraries, warnings and uncaught exceptions in the same form; for servers."""
    configure()
    if sys.stderr.isatty():
        return
    handler = logging.StreamHandler()
    handler.setFormatter(formatter())
    logging.getLogger().handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda _type, error, _traceback: _log_uncaught(error)
    threading.excepthook = lambda args: _log_uncaught(args.exc_value)
    sys.unraisablehook = lambda args: _log_uncaught(args.exc_value)


def formatter() -> logging.Formatter:
    """A formatter for handlers of the standard library."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_processors()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer()],
    )


def _processors() -> list[Processor]:
    timestamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    exception = structlog.processors.ExceptionRenderer(lambda info: _format_traceback(info[1]))
    return [structlog.processors.add_log_level, timestamp, exception]


def _renderer() -> Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(colors=False)
    return structlog.processors.JSONRenderer()


def _log_uncaught(error: BaseException | None) -> None:
    logging.getLogger("uncaught").error("uncaught exception", exc_info=error)


def _format_traceback(error: BaseException) -> str:
    """The traceback with those of its causes first; an outage of the database without frames."""
    if _is_outage(error):
        return _message(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    text = f"{frames}{_message(error)}"
    return f"{_format_traceback(cause)}\n\n{text}" if cause is not None else text


def _is_outage(error: BaseException) -> bool:
    names = {cls.__name__ for cls in type(error).__mro__}
    return _is_of_database(error) and bool(names & {"OperationalError", "InterfaceError"})


def _is_of_database(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in DATABASE_PACKAGES


def _message(error: BaseException) -> str:
    """The exception's own text; for one of a database without any value."""
    name = type(error).__qualname__
    if not _is_of_database(error):
        return f"{name}: {error}"
    driver: Any = getattr(error, "orig", None) or error
    lines = str(driver).strip().splitlines()
    if lines and (_is_outage(driver) or type(driver).__module__ == "sqlite3"):
        return f"{name}: {lines[0]}"
    facts = (getattr(driver, "sqlstate", None), getattr(getattr(driver, "diag", None), "constraint_name", None))
    return " ".join([name, *filter(None, facts), getattr(error, "statement", None) or ""]).strip()


class RateLimitedLog:
    """Writes a line at most once in `seconds`, with the number of times it was asked to since the last one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0
        self._times = 0

    def write(self, log: Callable[..., Any], text: str, **values: Any) -> None:
        """Write with `log`, such as `log.warning`."""
        self._times += 1
        if time.monotonic() >= self._next:
            times, self._times, self._next = self._times, 0, time.monotonic() + self._seconds
            log(text, times=times, **values)
