"""What the server writes to standard error: one line per event, JSON unless a person watches."""

from __future__ import annotations

import logging
import sys

import structlog
from flask import Flask


def init_app(_app: Flask) -> None:
    """Configure structlog for the process. No request body, cookie or password is ever bound to it."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False) if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
