"""messaging"""

from __future__ import annotations

from flask import Blueprint, Flask

blueprint = Blueprint("messaging", __name__)


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(blueprint)
