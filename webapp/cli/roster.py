"""`import-roster`: tests, candidates and contributors from CSV files."""

from pathlib import Path

import click

from webapp.cli.command import command
from webapp.exceptions import Refusal
from webapp.extensions import db
from webapp.planning.exceptions import RosterRefused
from webapp.planning.importing import Report, import_roster
from webapp.planning.sheets import Source
from webapp.web.times import installation_zone


@command("import-roster")
@click.argument("roster", type=click.Path(path_type=Path))
@click.option("--contributors", type=click.Path(path_type=Path), help="The staff of these tests.")
@click.option(
    "--credentials", type=click.Path(path_type=Path), help="Where to write passwords made for people without one."
)
@click.option("--dry-run", is_flag=True, help="Check everything and say what would change; write nothing.")
def import_roster_command(roster: Path, contributors: Path | None, credentials: Path | None, dry_run: bool) -> None:
    """Import ROSTER, a CSV file with one candidacy per line: all of it, or nothing."""
    files = _read(roster), _read(contributors) if contributors else None
    try:
        report = import_roster(db.session(), *files, zone=installation_zone(), credentials=credentials, dry_run=dry_run)
    except RosterRefused as refusal:
        _print_problems(refusal)
        raise click.exceptions.Exit(1) from refusal
    except Refusal as refusal:
        raise click.ClickException(f"{refusal}. Nothing was imported.") from refusal
    _print_report(report, credentials, dry_run=dry_run)


def _read(path: Path) -> Source:
    try:
        return Source(path.name, path.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}. Nothing was imported.") from error


def _print_problems(refusal: RosterRefused) -> None:
    click.echo(str(refusal), err=True)
    lines = {(problem.file, problem.line) for problem in refusal.problems}
    noun = "line has" if len(lines) == 1 else "lines have"
    click.echo(f"{len(lines)} {noun} to be corrected. Nothing was imported.", err=True)


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


COMMANDS = (import_roster_command,)
