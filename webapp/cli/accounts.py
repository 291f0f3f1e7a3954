"""`create-user`: somebody who is in no roster, such as the first administrator."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from webapp.accounts.creating import create_user
from webapp.extensions import db
from webapp.refusals import Refusal


@click.command("create-user")
@click.argument("username")
@click.option("--name", required=True, help="The name that others see.")
@click.option("--admin", is_flag=True, help="May see everything in this installation.")
@click.option("--password-stdin", is_flag=True, required=True, help="Read the password from standard input.")
@with_appcontext
def create_user_command(username: str, name: str, admin: bool, password_stdin: bool) -> None:  # noqa: ARG001 the option says where the password is, there is no other place
    """Create a person who can sign in."""
    try:
        password = sys.stdin.buffer.read(8192).decode().rstrip("\r\n")
        user = create_user(db.session(), username, name, password, is_admin=admin)
    except UnicodeDecodeError as error:
        raise click.ClickException("The password is not UTF-8 text.") from error
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{user.username} can sign in now.")
