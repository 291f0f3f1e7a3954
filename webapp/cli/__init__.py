"""The commands: `flask --app wsgi …`."""

from __future__ import annotations

from flask import Flask

from webapp.cli import accounts, closing, demo, export, log, prune, restore, roster, simulate


def init_app(app: Flask) -> None:
    """Register the commands."""
    log.init_app(app)
    demo.init_app(app)
    simulate.init_app(app)
    accounts.init_app(app)
    app.cli.add_command(roster.import_roster_command)
    app.cli.add_command(closing.close_test_command)
    app.cli.add_command(closing.reopen_test_command)
    app.cli.add_command(export.export_test_command)
    app.cli.add_command(prune.prune_command)
    app.cli.add_command(restore.after_restore_command)
