"""The group of all commands. They run in an application context; a refusal ends one with its text and exit code 1."""

from typing import Any

import click
from flask.cli import AppGroup

from webapp.exceptions import Refusal

DAY = click.DateTime(["%Y-%m-%d"])
title_argument = click.argument("title")
day_option = click.option("--date", "day", required=True, type=DAY, help="The local day on which the test starts.")


class Command(click.Command):
    """A command that words a refusal as an error."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from refusal


class Commands(AppGroup):
    """A group of such commands."""

    command_class = Command


commands = Commands()
