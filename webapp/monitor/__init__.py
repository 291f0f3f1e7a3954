"""The monitor: a live list of candidates, narrowed by search and filters."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    # the use cases here are imported by other parts
    from webapp.monitor.finding import Sizes  # noqa: PLC0415
    from webapp.monitor.views import blueprint  # noqa: PLC0415

    app.extensions["examhall_sizes"] = Sizes()
    app.register_blueprint(blueprint)
