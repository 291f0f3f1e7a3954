"""`demo`: the sample hall. `simulate`: its candidates over HTTP. `make demo` runs both with a server (`.ci/demo`)."""

import asyncio

import click
from flask import current_app

from webapp.cli.commands import commands
from webapp.clock import utcnow
from webapp.demo import hall
from webapp.demo.hall import ACCOUNTS, PASSWORD
from webapp.extensions import db


@commands.command("demo")
def demo() -> None:
    """Load the sample hall: three tests that run now, 1,600 candidates, all roles. Again: nothing is doubled."""
    loaded = hall.load(db.session(), utcnow(), current_app.config["SETTINGS"])
    click.echo("The sample hall begins now." if loaded.began_anew else "The sample hall is still running.")
    click.echo(f"Everyone's password: {PASSWORD}")
    for username, description in ACCOUNTS.items():
        click.echo(f"  {username:<13} {description}")


@commands.command("simulate", with_appcontext=False)
@click.option(
    "--url", default="http://127.0.0.1:8000", show_default=True, help="Where the server is; this machine only."
)
@click.option("--candidates", type=click.IntRange(1, 500), default=120, show_default=True, help="How many come.")
@click.option("--seconds", type=click.FloatRange(min=1), help="Stop after so long; without it, at Ctrl-C.")
def simulate(url: str, candidates: int, seconds: float | None) -> None:
    """Have candidates of the sample hall walk in, write, drop out and come back, until Ctrl-C."""
    from webapp.demo import simulation  # noqa: PLC0415 httpx and asyncio are for this command only

    try:
        address = simulation.checked_address(url)
    except ValueError as refusal:
        raise click.BadParameter("must be http:// on this machine (127.0.0.1).", param_hint="--url") from refusal
    click.echo(f"{candidates} candidates walk in within a minute and a half. Ctrl-C ends it.")
    try:
        tally = asyncio.run(simulation.simulate(address, candidates, seconds))
    except* simulation.CannotSignIn as refusals:
        raise click.ClickException(
            f"Candidates cannot sign in at {address}. Is the sample hall loaded there? flask --app wsgi demo"
        ) from refusals
    summary = ", ".join(f"{name} {count}" for name, count in tally.items())
    click.echo(f"Simulation ended: {summary}.")
