"""The commands: `flask --app wsgi …`."""

from flask import Flask

from webapp.cli import admin, demo, exams, log  # noqa: F401 they add their commands to the group
from webapp.cli.group import commands


def init_app(app: Flask) -> None:
    """Register the commands."""
    app.cli.commands.update(commands.commands)
