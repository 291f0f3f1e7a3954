"""The candidate's side: dashboard, exam page, answers, submission."""

from __future__ import annotations

from flask import Flask

from webapp.exams import layout, views


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(views.blueprint)
    layout.init_app(app)
