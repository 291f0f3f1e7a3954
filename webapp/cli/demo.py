"""`flask demo`: the sample hall, and with `--serve` the whole demo until Ctrl-C."""

from __future__ import annotations

import click
from flask import Flask, current_app

from webapp.clock import utcnow
from webapp.config import Settings
from webapp.demo import earlier, hall
from webapp.extensions import db


def init_app(app: Flask) -> None:
    """Register the command."""
    app.cli.add_command(demo)


@click.command("demo")
def demo() -> None:
    """Load the sample hall: three tests that run now, 1,600 candidates, all roles. Again: nothing is doubled."""
    settings: Settings = current_app.config["SETTINGS"]
    now, session = utcnow(), db.session()
    try:
        loaded = hall.load(session, now, settings.timezone, allowed=settings.demo)
    except hall.NotADemo as refusal:
        raise click.ClickException(f"The sample hall was not loaded: {refusal}") from refusal
    earlier.happen(
        session,
        loaded,
        now,
        zone=settings.timezone,
        limit=settings.max_recipients,
        secret_key=settings.secret_key,
    )
    click.echo("The sample hall begins now." if loaded.began_anew else "The sample hall is still running.")
