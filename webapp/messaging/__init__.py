"""Messaging: compose, the send transaction, the message center."""

from flask import Flask

from webapp.messaging.views import blueprint


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(blueprint)
