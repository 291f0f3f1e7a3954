"""`close-test`, `reopen-test` and `export-test`."""

from datetime import datetime
from pathlib import Path

import click

from webapp.cli.command import command, day_option
from webapp.clock import utcnow
from webapp.exams.export import export_test
from webapp.extensions import db
from webapp.planning.closing import find_test, set_closed
from webapp.web.times import installation_zone


@command("close-test")
@click.argument("title")
@day_option
def close_test_command(title: str, day: datetime) -> None:
    """Close the test TITLE for grading: it leaves every monitor, and nobody in it is reached any more."""
    _change_state(title, day, closed=True)


@command("reopen-test")
@click.argument("title")
@day_option
def reopen_test_command(title: str, day: datetime) -> None:
    """Reopen the closed test TITLE, for its staff and for candidates who have time left."""
    _change_state(title, day, closed=False)


def _change_state(title: str, day: datetime, *, closed: bool) -> None:
    test = set_closed(db.session(), title, day.date(), closed=closed, now=utcnow())
    if test is None:
        click.echo(f"{title} ({day:%Y-%m-%d}) is {'closed' if closed else 'open'} already; nothing was changed.")
        return
    state = "is closed now. `flask reopen-test` opens it again" if closed else "is open again"
    click.echo(f"{test.title} ({test.start_date}) {state}.")


@command("export-test")
@click.argument("title")
@day_option
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The ZIP file to write; a new one.")
def export_test_command(title: str, day: datetime, output: Path) -> None:
    """Write all answers of the test TITLE, its log and a manifest with checksums into one ZIP file."""
    session = db.session()
    test = find_test(session, title, day.date())
    counts = export_test(session, test.id, output, now=utcnow(), zone=installation_zone())
    candidacies = "1 candidacy" if counts["candidacies"] == 1 else f"{counts['candidacies']} candidacies"
    entries = "1 log entry" if counts["log_entries"] == 1 else f"{counts['log_entries']} log entries"
    click.echo(f"{candidacies}, {counts['candidacies_with_answers']} with answers, and {entries} written to {output}.")
    if test.closed_at is None:
        click.echo("This test is not closed: answers may still change. `flask close-test` closes it.", err=True)


COMMANDS = (close_test_command, reopen_test_command, export_test_command)
