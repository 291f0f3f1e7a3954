"""The commands: `flask --app wsgi …`."""

from flask import Flask

from webapp.cli import demo  # noqa: F401 adds its commands to the group
from webapp.cli.commands import commands


def init_app(app: Flask) -> None:
    """Register the commands."""
    app.cli.commands.update(commands.commands)
