"""How every command is made: in an application context, and a refusal ends it with its text and exit code 1."""

from collections.abc import Callable
from typing import Any

import click
from flask.cli import with_appcontext

from webapp.exceptions import Refusal

day_option = click.option(
    "--date",
    "day",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The local day on which the test starts.",
)


class Command(click.Command):
    """A command that words a refusal as an error."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from refusal


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function a command of this name."""
    return lambda function: click.command(name, cls=Command)(with_appcontext(function))
