"""Accounts and stored messages: `create-user`, `set-password`, `set-role`, `deactivate-user`, `prune`."""

import sys
from datetime import datetime

import click
from flask import current_app

from webapp.accounts.users import create_user, set_administrator, set_deactivated, set_password
from webapp.cli.group import DAY, commands
from webapp.clock import utcnow
from webapp.extensions import db
from webapp.messaging.inbox import prune
from webapp.models import Role
from webapp.planning.roles import set_role
from webapp.web.templating import installation_zone

ADMINISTRATOR, NONE = "administrator", "none"
HELP = "Read the password from standard input."
username_argument = click.argument("username")
password_stdin = click.option("--password-stdin", is_flag=True, required=True, expose_value=False, help=HELP)


def _password() -> str:
    try:
        return sys.stdin.buffer.read(8192).decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.ClickException("The password is not UTF-8 text.") from error


@commands.command("create-user")
@username_argument
@click.option("--name", required=True, help="The name that others see.")
@click.option("--admin", is_flag=True, help="May see everything in this installation.")
@password_stdin
def create_user_command(username: str, name: str, admin: bool) -> None:
    """Create a person who can sign in."""
    user = create_user(db.session(), username, name, _password(), is_admin=admin)
    click.echo(f"{user.username} can sign in now.")


@commands.command("set-password")
@username_argument
@password_stdin
def set_password_command(username: str) -> None:
    """Give USERNAME another password; it ends their sessions."""
    secret_key, password = current_app.config["SECRET_KEY"], _password()
    user = set_password(db.session(), username, password, secret_key=secret_key, now=utcnow())
    click.echo(f"{user.username} has a new password. Sessions with the old one are signed out.")
    if user.deactivated_at is not None:
        click.echo("The account is deactivated: `flask deactivate-user` with --undo lets them sign in.", err=True)


@commands.command("set-role")
@username_argument
@click.argument("role", type=click.Choice([*(role.value for role in Role), ADMINISTRATOR, NONE]))
@click.option("--test", "title", help="The test's title; without it the role is the installation's.")
@click.option("--date", "day", type=DAY, help="The local day on which the test starts.")
@click.option("--room", help="The only room of that test.")
def set_role_command(username: str, role: str, title: str | None, day: datetime | None, room: str | None) -> None:
    """Give USERNAME the role ROLE in a test, or take it away with none.

    Without --test: administrator, or none to take that away.
    """
    session, now = db.session(), utcnow()
    if title is None and day is None and room is None:
        if role not in {ADMINISTRATOR, NONE}:
            raise click.UsageError(f"{role} is a role in a test: name it with --test and --date.")
        changed = set_administrator(session, username, is_admin=role == ADMINISTRATOR, now=now)
        where = "in this installation"
    elif title is None or day is None:
        raise click.UsageError("A test is named by --test and --date together.")
    elif role == ADMINISTRATOR:
        raise click.UsageError("administrator is no role in a test: leave --test and --date out.")
    else:
        test_role = None if role == NONE else Role(role)
        changed = set_role(session, username, test_role, title, day.date(), room=room, now=now)
        where = f"in {title} ({day:%Y-%m-%d})"
    click.echo(f"{username} {'has the role' if changed else 'had the role already:'} {role} {where}.")


@commands.command("deactivate-user")
@username_argument
@click.option("--undo", is_flag=True, help="Let them sign in again, with the password that they had.")
def deactivate_user_command(username: str, undo: bool) -> None:
    """Deactivate USERNAME's account: their sessions end at once, what they did stays."""
    changed = set_deactivated(db.session(), username, deactivated=not undo, now=utcnow())
    state = "can sign in" if undo else "is signed out and cannot sign in"
    click.echo(f"{username} {state} {'now' if changed else 'already'}.")


@commands.command("prune")
@click.option(
    "--before",
    required=True,
    type=DAY,
    help="Messages sent before this day begins (in the installation's zone) are deleted.",
)
def prune_command(before: datetime) -> None:
    """Delete old messages from the message centers. The log keeps all entries."""
    deleted = prune(db.session(), before.replace(tzinfo=installation_zone()))
    click.echo(f"{deleted} message{'' if deleted == 1 else 's'} deleted; the log keeps their entries.")
