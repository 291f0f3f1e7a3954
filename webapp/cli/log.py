"""`log verify [FILE]`, `log export` and `after-restore`."""

from typing import TextIO

import click

from webapp.cli.group import commands
from webapp.clock import utcnow
from webapp.extensions import db
from webapp.logbook.append import note_restore
from webapp.logbook.verify import export, verify, verify_export


@commands.group("log")
def log() -> None:
    """Check and export the log."""


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


@commands.command("after-restore")
def after_restore_command() -> None:
    """Number new messages above all that open pages can know; run it before the server starts again."""
    first, last = note_restore(db.session(), utcnow())
    click.echo(f"Numbers {first} to {last} are left out, and the log says so. Start the server now.")
