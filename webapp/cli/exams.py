"""Tests: `import-roster`, `close-test`, `reopen-test` and `export-test`."""

from datetime import datetime
from pathlib import Path

import click

from webapp.cli.group import commands, day_option, title_argument
from webapp.clock import utcnow
from webapp.exams.export import export_test
from webapp.exceptions import Refusal
from webapp.extensions import db
from webapp.planning.closing import find_test, set_closed
from webapp.planning.exceptions import RosterRefused
from webapp.planning.importing import Report, import_roster
from webapp.planning.sheets import Source
from webapp.web.templating import installation_zone

PATH = click.Path(path_type=Path)


@commands.command("import-roster")
@click.argument("roster", type=PATH)
@click.option("--contributors", type=PATH, help="The staff of these tests.")
@click.option("--credentials", type=PATH, help="Where to write passwords made for people without one.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would change; write nothing.")
def import_roster_command(roster: Path, contributors: Path | None, credentials: Path | None, dry_run: bool) -> None:
    """Import ROSTER, a CSV file with one candidacy per line: all of it, or nothing."""
    files = _read(roster), _read(contributors) if contributors else None
    try:
        report = import_roster(db.session(), *files, zone=installation_zone(), credentials=credentials, dry_run=dry_run)
    except RosterRefused as refusal:
        click.echo(str(refusal), err=True)
        lines = len({(problem.file, problem.line) for problem in refusal.problems})
        click.echo(
            f"{lines} {'line has' if lines == 1 else 'lines have'} to be corrected. Nothing was imported.", err=True
        )
        raise SystemExit(1) from refusal
    except Refusal as refusal:
        raise click.ClickException(f"{refusal}. Nothing was imported.") from refusal
    _print_report(report, credentials, dry_run=dry_run)


def _read(path: Path) -> Source:
    try:
        return Source(path.name, path.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}. Nothing was imported.") from error


def _print_report(report: Report, credentials: Path | None, *, dry_run: bool) -> None:
    click.echo("Checked only; an import would make these changes:" if dry_run else "Imported:")
    for noun in ("tests", "people", "candidacies", "contributors"):
        count = getattr(report, noun)
        changes = f"{count.new} new, {count.changed} changed, {count.unchanged} unchanged"
        click.echo(f"  {noun.capitalize()}: {changes}")
    if report.passwords_made and dry_run:
        click.echo(f"  {report.passwords_made} people would get a password (--credentials OUT.csv names the file).")
    elif report.passwords_made:
        click.echo(f"  {report.passwords_made} passwords were made and written to {credentials}.")


@commands.command("close-test")
@title_argument
@day_option
def close_test_command(title: str, day: datetime) -> None:
    """Close the test TITLE for grading: it leaves every monitor, and nobody in it is reached any more."""
    _change_state(title, day, closed=True)


@commands.command("reopen-test")
@title_argument
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


@commands.command("export-test")
@title_argument
@day_option
@click.option("--output", required=True, type=PATH, help="The ZIP file to write; a new one.")
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
