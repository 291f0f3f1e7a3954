"""`flask simulate`: candidates of the sample hall as real HTTP clients."""

from __future__ import annotations

import asyncio

import click
from flask import Flask


def init_app(app: Flask) -> None:
    """Register the command."""
    app.cli.add_command(simulate_command)


@click.command("simulate")
@click.option(
    "--url", default="http://127.0.0.1:8000", show_default=True, help="Where the server is; this machine only."
)
@click.option("--candidates", type=click.IntRange(1, 500), default=120, show_default=True, help="How many come.")
@click.option("--seconds", type=click.FloatRange(min=1), help="Stop after so long; without it, at Ctrl-C.")
def simulate_command(url: str, candidates: int, seconds: float | None) -> None:
    """Have candidates of the sample hall walk in, write, drop out and come back, until Ctrl-C."""
    from webapp.demo import simulation  # noqa: PLC0415 httpx and asyncio are for this command only
    from webapp.demo.candidate import CannotSignIn  # noqa: PLC0415

    try:
        address = simulation.checked_address(url)
    except simulation.NotLoopback as refusal:
        raise click.BadParameter("must be http:// on this machine (127.0.0.1).", param_hint="--url") from refusal
    click.echo(f"{candidates} candidates walk in within a minute and a half. Ctrl-C ends it.")
    try:
        tally = asyncio.run(simulation.simulate(address, candidates, seconds))
    except* CannotSignIn as refusals:
        raise click.ClickException(
            f"Candidates cannot sign in at {address}. Is the sample hall loaded there? flask --app wsgi demo"
        ) from refusals
    click.echo(f"Simulation ended: {tally.in_words()}.")
