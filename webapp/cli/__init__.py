"""The commands: `flask --app wsgi …`."""

from __future__ import annotations

from flask import Flask

from webapp.cli import log


def init_app(app: Flask) -> None:
    """Register the commands."""
    log.init_app(app)
