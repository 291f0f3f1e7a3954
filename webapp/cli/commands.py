"""The operator's commands. They run in an application context; a refusal ends one with its text and exit code 1."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import click
from flask import current_app
from flask.cli import AppGroup

from webapp.accounts.users import create_user, set_administrator, set_deactivated, set_password
from webapp.clock import utcnow
from webapp.exams.export import export_test
from webapp.exceptions import Refusal
from webapp.extensions import db
from webapp.logbook.append import note_restore
from webapp.logbook.verify import export, verify, verify_export
from webapp.messaging.inbox import prune
from webapp.models import Role
from webapp.planning.closing import find_test, set_closed
from webapp.planning.import_plan import ImportPlan, RosterRefused
from webapp.planning.importing import import_roster
from webapp.planning.roles import set_role
from webapp.web.templating import installation_zone

ADMINISTRATOR, NONE = "administrator", "none"
PATH, DAY = click.Path(path_type=Path), click.DateTime(["%Y-%m-%d"])
username_argument, title_argument = click.argument("username"), click.argument("title")
day_option = click.option("--date", "day", required=True, type=DAY, help="The local day on which the test starts.")
password_stdin = click.option(
    "--password-stdin", is_flag=True, required=True, expose_value=False, help="Read the password from standard input."
)


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


@commands.command("import-roster")
@click.argument("roster", type=PATH)
@click.option("--contributors", type=PATH, help="The staff of these tests.")
@click.option("--credentials", type=PATH, help="Where to write passwords made for people without one.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would change; write nothing.")
def import_roster_command(roster: Path, contributors: Path | None, credentials: Path | None, dry_run: bool) -> None:
    """Import ROSTER, a CSV file with one candidacy per line: all of it, or nothing."""
    session, zone = db.session(), installation_zone()
    try:
        plan = import_roster(session, roster, contributors, zone=zone, credentials=credentials, dry_run=dry_run)
    except RosterRefused as refusal:
        lines = len({(problem.file, problem.line) for problem in refusal.problems})
        noun = "line has" if lines == 1 else "lines have"
        click.echo(f"{refusal}\n{lines} {noun} to be corrected. Nothing was imported.", err=True)
        raise SystemExit(1) from refusal
    except Refusal as refusal:
        raise click.ClickException(f"{refusal}. Nothing was imported.") from refusal
    _print_changes(plan, credentials, dry_run=dry_run)


def _print_changes(plan: ImportPlan, credentials: Path | None, *, dry_run: bool) -> None:
    click.echo("Checked only; an import would make these changes:" if dry_run else "Imported:")
    for noun in ("tests", "people", "candidacies", "contributors"):
        new, changed, unchanged = getattr(plan, noun).count()
        click.echo(f"  {noun.capitalize()}: {new} new, {changed} changed, {unchanged} unchanged")
    made = plan.passwords_made()
    if made and dry_run:
        click.echo(f"  {made} people would get a password (--credentials OUT.csv names the file).")
    elif made:
        click.echo(f"  {made} passwords were made and written to {credentials}.")


@commands.command("close-test")
@title_argument
@day_option
def close_test_command(title: str, day: datetime) -> None:
    """Close the test TITLE for grading: it leaves every monitor, and nobody in it is reached any more."""
    _change_state(title, day, closed=True)


@commands.command("reopen-test")
@title_argument
@day_option
def reopen_test_command(title: str, day: datetime) -> None:
    """Reopen the closed test TITLE, for its staff and for candidates who have time left."""
    _change_state(title, day, closed=False)


def _change_state(title: str, day: datetime, *, closed: bool) -> None:
    test = set_closed(db.session(), title, day.date(), closed=closed, now=utcnow())
    if test is None:
        click.echo(f"{title} ({day:%Y-%m-%d}) is {'closed' if closed else 'open'} already; nothing was changed.")
        return
    state = "is closed now. `flask reopen-test` opens it again" if closed else "is open again"
    click.echo(f"{test.title} ({test.start_date}) {state}.")


@commands.command("export-test")
@title_argument
@day_option
@click.option("--output", required=True, type=PATH, help="The ZIP file to write; a new one.")
def export_test_command(title: str, day: datetime, output: Path) -> None:
    """Write all answers of the test TITLE, its log and a manifest with checksums into one ZIP file."""
    session = db.session()
    test = find_test(session, title, day.date())
    counts = export_test(session, test.id, output, now=utcnow(), zone=installation_zone())
    candidacies = "1 candidacy" if counts["candidacies"] == 1 else f"{counts['candidacies']} candidacies"
    entries = "1 log entry" if counts["log_entries"] == 1 else f"{counts['log_entries']} log entries"
    click.echo(f"{candidacies}, {counts['candidacies_with_answers']} with answers, and {entries} written to {output}.")
    if test.closed_at is None:
        click.echo("This test is not closed: answers may still change. `flask close-test` closes it.", err=True)


@commands.group("log", cls=Commands)
def log() -> None:
    """Check and export the log."""


@log.command("verify")
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"), required=False)
def verify_log(file: TextIO | None) -> None:
    """Check the log, or an exported FILE; exit 1 names the first bad entry."""
    verdict = verify_export(file) if file else verify(db.session())
    if not verdict.sound:
        place = "The log" if verdict.number is None else f"Entry {verdict.number}"
        click.echo(f"{place}: {verdict.reason}. {verdict.entries} entries before it are sound.", err=True)
        raise SystemExit(1)
    click.echo(f"{verdict.entries} entries checked, nothing was changed. Last hash: {verdict.last_hash or 'none'}")


@log.command("export")
def export_log() -> None:
    """Write the log to standard output as JSON lines, with all that `log verify` needs."""
    for line in export(db.session()):
        click.echo(line)


@commands.command("after-restore")
def after_restore_command() -> None:
    """Number new messages above all that open pages can know; run it before the server starts again."""
    first, last = note_restore(db.session(), utcnow())
    click.echo(f"Numbers {first} to {last} are left out, and the log says so. Start the server now.")
