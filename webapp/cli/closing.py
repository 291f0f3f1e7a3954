"""`close-test`, `reopen-test`: a test ends for staff and candidates, or goes on."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import with_appcontext

from webapp.clock import utcnow
from webapp.extensions import db
from webapp.planning.closing import close_test, reopen_test
from webapp.planning.refusals import NoSuchTest, TestStateUnchanged

start_date = click.option(
    "--date",
    "day",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The local day on which the test starts.",
)


@click.command("close-test")
@click.argument("title")
@start_date
@with_appcontext
def close_test_command(title: str, day: datetime) -> None:
    """Close the test TITLE for grading: it leaves every monitor, and nobody in it is reached any more."""
    try:
        test = close_test(db.session(), title, day.date(), now=utcnow())
    except NoSuchTest as refusal:
        raise click.ClickException(str(refusal)) from refusal
    except TestStateUnchanged:
        click.echo(f"{title} ({day:%Y-%m-%d}) is closed already; nothing was changed.")
    else:
        click.echo(f"{test.title} ({test.start_date}) is closed now. `flask reopen-test` opens it again.")


@click.command("reopen-test")
@click.argument("title")
@start_date
@with_appcontext
def reopen_test_command(title: str, day: datetime) -> None:
    """Open the closed test TITLE again, for its staff and for candidates who have time left."""
    try:
        test = reopen_test(db.session(), title, day.date(), now=utcnow())
    except NoSuchTest as refusal:
        raise click.ClickException(str(refusal)) from refusal
    except TestStateUnchanged:
        click.echo(f"{title} ({day:%Y-%m-%d}) is open already; nothing was changed.")
    else:
        click.echo(f"{test.title} ({test.start_date}) is open again.")
