"""`flask prune`."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import with_appcontext

from webapp.extensions import db
from webapp.messaging.pruning import prune
from webapp.web.times import installation_zone


@click.command("prune")
@click.option(
    "--before",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Messages sent before this day begins (in the installation's zone) are deleted.",
)
@with_appcontext
def prune_command(before: datetime) -> None:
    """Delete old messages from the message centers. The log keeps all entries."""
    deleted = prune(db.session(), before.replace(tzinfo=installation_zone()))
    click.echo(f"{deleted} message{'' if deleted == 1 else 's'} deleted; the log keeps their entries.")
