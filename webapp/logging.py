"""What the server writes to standard error: one line per event, JSON unless a person watches."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask

from webapp.json_log import trace


def init_app(_app: Flask) -> None:
    """Configure structlog for the process. No request body, cookie or password is ever bound to it.

    What does not come by structlog is written in the same form where `json_log.take_over` was called: in servers.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _describe_exception,
            structlog.dev.ConsoleRenderer(colors=False) if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _describe_exception(_logger: Any, _method: str, values: structlog.typing.EventDict) -> structlog.typing.EventDict:
    given = values.pop("exc_info", None)
    error = sys.exception() if given is True else given
    if isinstance(error, BaseException):
        values["exception"] = trace(error)
    return values


class RateLimitedLog:
    """A line that is written at most once in so many seconds, with how often it was meant since the last one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0
        self._times = 0

    def write(self, line: Callable[..., Any], text: str, **values: Any) -> None:
        """Write with `line`, such as `log.warning`, unless it was written lately."""
        self._times += 1
        if time.monotonic() >= self._next:
            times, self._times, self._next = self._times, 0, time.monotonic() + self._seconds
            line(text, times=times, **values)
