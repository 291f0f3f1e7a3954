"""`flask demo`: the sample hall, and with `--serve` the whole demo until Ctrl-C."""

from __future__ import annotations

import click
import flask_migrate
from flask import Flask, current_app
from flask.cli import with_appcontext

from webapp.clock import utcnow
from webapp.config import Settings
from webapp.demo import earlier, hall, serving
from webapp.demo.script import FOR_A_LOOK, PASSWORD
from webapp.extensions import db


def init_app(app: Flask) -> None:
    """Register the command."""
    app.cli.add_command(demo)


@click.command("demo")
@click.option("--serve", is_flag=True, help="Migrate, load and serve until Ctrl-C (what `make demo` does).")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="With --serve.")
@click.option(
    "--candidates",
    type=click.IntRange(0, 500),
    default=120,
    show_default=True,
    help="With --serve: how many simulated candidates walk in; 0 for none.",
)
@with_appcontext
def demo(*, serve: bool, port: int, candidates: int) -> None:
    """Load the sample hall: three tests that run now, 1,600 candidates, all roles. Again: nothing is doubled."""
    if not serve:
        _load()
        _show_accounts()
        return
    try:
        with serving.stopping() as stop:
            serving.check_port(port)
            flask_migrate.upgrade()
            _load()
            db.engine.dispose()  # the server's process is the one that has the database open
            if not stop.asked:
                serving.serve(port, candidates, stop, click.echo, _show_address)
    except serving.CannotServe as problem:
        raise click.ClickException(str(problem)) from problem


def _load() -> None:
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
    db.session.remove()
    click.echo("The sample hall begins now." if loaded.began_anew else "The sample hall is still running.")


def _show_address(address: str) -> None:
    click.echo(f"\nExamhall is at {address}\n")
    _show_accounts()
    click.echo("\nTry: sign in as chief, filter room Sal A115 and group Group 07, and send to all 77.")
    click.echo("Open another browser (or a private window) as candidate first. Ctrl-C ends everything.\n")


def _show_accounts() -> None:
    click.echo(f"Everyone's password: {PASSWORD}")
    for username, what in FOR_A_LOOK:
        click.echo(f"  {username:<13} {what}")
