"""Accounts from the command line: made, given another password or role, taken out of use."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from webapp.accounts.changing import deactivate, reactivate, set_administrator, set_password
from webapp.accounts.creating import create_user
from webapp.clock import utcnow
from webapp.exceptions import Refusal
from webapp.extensions import db
from webapp.models import Role
from webapp.planning.closing import COMMAND_LINE
from webapp.planning.roles import set_role

ADMINISTRATOR, NONE = "administrator", "none"
password_stdin = click.option(
    "--password-stdin", is_flag=True, required=True, help="Read the password from standard input."
)


def init_app(app: Flask) -> None:
    """Register the commands."""
    for command in (create_user_command, set_password_command, set_role_command, deactivate_user_command):
        app.cli.add_command(command)


def _password() -> str:
    try:
        return sys.stdin.buffer.read(8192).decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.ClickException("The password is not UTF-8 text.") from error


@click.command("create-user")
@click.argument("username")
@click.option("--name", required=True, help="The name that others see.")
@click.option("--admin", is_flag=True, help="May see everything in this installation.")
@password_stdin
@with_appcontext
def create_user_command(username: str, name: str, admin: bool, password_stdin: bool) -> None:  # noqa: ARG001 the option says where the password is, there is no other place
    """Create a person who can sign in."""
    try:
        user = create_user(db.session(), username, name, _password(), is_admin=admin)
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{user.username} can sign in now.")


@click.command("set-password")
@click.argument("username")
@password_stdin
@with_appcontext
def set_password_command(username: str, password_stdin: bool) -> None:  # noqa: ARG001 as above
    """Give USERNAME another password; it ends their sessions."""
    secret_key: str = current_app.config["SECRET_KEY"]
    try:
        user = set_password(
            db.session(), username, _password(), actor=COMMAND_LINE, secret_key=secret_key, now=utcnow()
        )
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{user.username} has a new password. Who was signed in with the old one is signed out.")
    if user.deactivated_at is not None:
        click.echo("The account is out of use: `flask deactivate-user` with --undo lets them sign in.", err=True)


@click.command("set-role")
@click.argument("username")
@click.argument("role", type=click.Choice([*(one.value for one in Role), ADMINISTRATOR, NONE]))
@click.option("--test", "title", help="The test's title; without it the role is the installation's.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="The local day on which the test starts.")
@click.option("--room", help="The only room of that test.")
@with_appcontext
def set_role_command(username: str, role: str, title: str | None, day: datetime | None, room: str | None) -> None:
    """Give USERNAME the role ROLE in a test, or take it away with none.

    Without --test: administrator, or none for one no longer.
    """
    try:
        changed = _set_role(username, role, title, day, room)
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    where = f"in {title} ({day:%Y-%m-%d})" if title else "in this installation"
    click.echo(f"{username} {'has the role' if changed else 'had the role already:'} {role} {where}.")


def _set_role(username: str, role: str, title: str | None, day: datetime | None, room: str | None) -> bool:
    session, now = db.session(), utcnow()
    if title is None and day is None and room is None:
        if role not in {ADMINISTRATOR, NONE}:
            raise click.UsageError(f"{role} is a role in a test: name it with --test and --date.")
        return set_administrator(session, username, is_admin=role == ADMINISTRATOR, actor=COMMAND_LINE, now=now)
    if title is None or day is None:
        raise click.UsageError("A test is named by --test and --date together.")
    if role == ADMINISTRATOR:
        raise click.UsageError("administrator is no role in a test: leave --test and --date out.")
    held = None if role == NONE else Role(role)
    return set_role(session, username, held, title, day.date(), room=room, actor=COMMAND_LINE, now=now)


@click.command("deactivate-user")
@click.argument("username")
@click.option("--undo", is_flag=True, help="Let them sign in again, with the password that they had.")
@with_appcontext
def deactivate_user_command(username: str, undo: bool) -> None:
    """Take USERNAME's account out of use: their sessions end at once, what they did stays."""
    try:
        changed = (reactivate if undo else deactivate)(db.session(), username, actor=COMMAND_LINE, now=utcnow())
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    state = "can sign in" if undo else "is signed out and cannot sign in"
    click.echo(f"{username} {state} {'now' if changed else 'already'}.")
