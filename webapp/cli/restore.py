"""`flask --app wsgi after-restore`: the last step of a restore."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from webapp.clock import utcnow
from webapp.extensions import db
from webapp.logbook.append import note_restore


@click.command("after-restore")
@with_appcontext
def after_restore_command() -> None:
    """Have messages numbered above all that open pages can know; run it before the server starts again."""
    first, last = note_restore(db.session(), utcnow())
    click.echo(f"Numbers {first} to {last} are left out, and the log says so. Start the server now.")
