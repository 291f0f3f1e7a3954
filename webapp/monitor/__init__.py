"""The monitor: a live list of candidates, narrowed by search and filters."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    from webapp.monitor.views import blueprint  # noqa: PLC0415 the use cases here are imported by other parts

    app.register_blueprint(blueprint)
