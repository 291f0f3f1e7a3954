"""`flask log verify [FILE]` and `flask log export`: the log, checked and taken along."""

from __future__ import annotations

from typing import TextIO

import click
from flask import Flask
from flask.cli import AppGroup

from webapp.extensions import db
from webapp.logbook.records import export
from webapp.logbook.verify import verify, verify_export

log = AppGroup("log", help="Check and export the log.")


def init_app(app: Flask) -> None:
    """Register the group."""
    app.cli.add_command(log)


@log.command("verify")
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"), required=False)
def verify_log(file: TextIO | None) -> None:
    """Check the log, or an exported FILE; exit 1 names the first bad entry."""
    verdict = verify_export(file) if file else verify(db.session())
    if not verdict.sound:
        place = "The log" if verdict.number is None else f"Entry {verdict.number}"
        click.echo(f"{place}: {verdict.reason}. {verdict.entries} entries before it are sound.", err=True)
        raise SystemExit(1)
    click.echo(f"{verdict.entries} entries checked, nothing was changed. Last hash: {verdict.last_hash or 'none'}")


@log.command("export")
def export_log() -> None:
    """Write the log to standard output as JSON lines, with all that `log verify` needs."""
    for line in export(db.session()):
        click.echo(line)
