"""The commands: `flask --app wsgi …`."""

from flask import Flask

from webapp.cli import admin, demo, exams, log, roster


def init_app(app: Flask) -> None:
    """Register the commands."""
    for command in (*admin.COMMANDS, *exams.COMMANDS, *log.COMMANDS, *roster.COMMANDS, *demo.COMMANDS):
        app.cli.add_command(command)
