"""`export-test`: the answers of a test, for those who grade it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from webapp.cli.closing import start_date
from webapp.clock import utcnow
from webapp.exams.export import export_test
from webapp.exceptions import Refusal
from webapp.extensions import db
from webapp.planning.closing import find_test


@click.command("export-test")
@click.argument("title")
@start_date
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The ZIP file to write; a new one.")
@with_appcontext
def export_test_command(title: str, day: datetime, output: Path) -> None:
    """Write all answers of the test TITLE, its log and a manifest with checksums into one ZIP file."""
    session = db.session()
    try:
        test = find_test(session, title, day.date())
        zone = current_app.config["SETTINGS"].timezone
        exported = export_test(session, test.id, output, now=utcnow(), zone=zone)
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    entries = f"{exported.log_entries} log {'entry' if exported.log_entries == 1 else 'entries'}"
    candidacies = f"{exported.candidacies} {'candidacy' if exported.candidacies == 1 else 'candidacies'}"
    click.echo(f"{candidacies}, {exported.candidacies_with_answers} with answers, and {entries} written to {output}.")
    if test.closed_at is None:
        click.echo("This test is not closed: answers may still change. `flask close-test` closes it.", err=True)
