"""The log in words: its pages, the CSV file, paper; and its filter, as addresses have it (R18)."""

import json
import re
from collections.abc import Iterable
from datetime import date, datetime
from itertools import groupby
from typing import Any

from flask import Blueprint, Flask, Response, render_template, request, stream_template
from flask_babel import format_decimal, gettext, lazy_gettext, ngettext
from flask_login import current_user
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.exceptions import BadParameter
from webapp.extensions import db
from webapp.logbook import reading
from webapp.logbook.help_words import help_in_one_line
from webapp.text.characters import is_filter_text
from webapp.text.normalization import normalize
from webapp.web.csv_download import Pieces, csv_answer, csv_text, streamed
from webapp.web.errors import wants_fragment
from webapp.web.templating import ROLE_LABELS, day_in_words, installation_zone, local, role_label

blueprint = Blueprint("logbook", __name__)
MAX_PRINTED = 10_000
"""Entries that a browser can still print; a longer list says that it ends early."""
NAMES = ("from", "to", "q", "person", "action", "text")
MAX_PHRASE = 200
ACTIONS = {
    "message.sent": lazy_gettext("Message sent"),
    "message.withdrawn": lazy_gettext("Message withdrawn"),
    "help.asked": lazy_gettext("Asked for help"),
    "help.withdrawn": lazy_gettext("No longer asks for help"),
    "help.claimed": lazy_gettext("Goes to help"),
    "help.released": lazy_gettext("Does not go after all"),
    "help.done": lazy_gettext("Help done"),
    "schedule.made": lazy_gettext("Message scheduled"),
    "schedule.changed": lazy_gettext("Scheduled message changed"),
    "schedule.cancelled": lazy_gettext("Scheduled message cancelled"),
    "schedule.missed": lazy_gettext("Scheduled message missed"),
    "incident.started": lazy_gettext("Incident started"),
    "incident.ended": lazy_gettext("Incident ended"),
    "test.closed": lazy_gettext("Test closed"),
    "test.reopened": lazy_gettext("Test reopened"),
    "log.restored": lazy_gettext("Restored from a backup"),
    "sign_in.failed": lazy_gettext("Sign-in failed"),
    "sign_in.locked": lazy_gettext("Sign-in locked"),
    "candidate.flag": lazy_gettext("Flagged"),
    "candidate.unflag": lazy_gettext("Flag removed"),
    "candidate.attendance": lazy_gettext("Attendance"),
    "candidate.id_check": lazy_gettext("ID checked"),
    "candidate.id_uncheck": lazy_gettext("ID check removed"),
    "candidate.note": lazy_gettext("Note"),
    "candidate.pause": lazy_gettext("Paused"),
    "candidate.resume": lazy_gettext("Resumed"),
    "candidate.extra_time": lazy_gettext("Extra time"),
    "candidate.incident_time": lazy_gettext("Incident time"),
    "candidate.room": lazy_gettext("Room and seat"),
    "candidate.withdraw": lazy_gettext("Withdrawn"),
    "candidate.readmit": lazy_gettext("Readmitted"),
    "candidate.reopen": lazy_gettext("Submission taken back"),
    "candidate.undo": lazy_gettext("Undone"),
    "account.password_set": lazy_gettext("New password"),
    "account.unlocked": lazy_gettext("Sign-in unlocked"),
    "account.deactivated": lazy_gettext("Account deactivated"),
    "account.reactivated": lazy_gettext("Account reactivated"),
    "account.role_changed": lazy_gettext("Role changed"),
}
DETAILS = {
    "username": lazy_gettext("Username"),
    "test": lazy_gettext("Test"),
    "date": lazy_gettext("Date"),
    "before": lazy_gettext("Before"),
    "after": lazy_gettext("After"),
}
ROLES = {**ROLE_LABELS, "none": lazy_gettext("none"), "administrator": lazy_gettext("Administrator")}


@blueprint.get("/log")
def index() -> str:
    """The list, filtered; with HTMX only what stands below the form."""
    scope, params = _scope_and_params()
    page = reading.page_of(db.session(), scope, _page_number())
    hidden = () if scope.tests.everything else ("sign_in.", "log.")  # only administrators see these
    return render_template(
        "logbook/_list.html" if wants_fragment() else "logbook/index.html",
        page=page,
        days=groupby(page.lines, lambda line: local(line.LogEntry.at).date()),
        params=params,
        actions={name: label for name, label in ACTIONS.items() if not name.startswith(hidden)},
        zone=installation_zone(),
        today=f"{local(utcnow()):%Y-%m-%d}T00:00",
        reads_tests=bool(scope.tests),
    )


@blueprint.get("/log/<int:number>", endpoint="entry")
def show(number: int) -> str:
    """One entry with everybody it concerned, on one page."""
    scope = reading.log_scope(db.session(), current_user, utcnow())
    entry, subjects, hidden = reading.entry_details(db.session(), scope, number)
    return render_template("logbook/entry.html", entry=entry, subjects=subjects, hidden=hidden)


@blueprint.get("/log.csv")
def table() -> Response:
    """The same filter as a CSV file."""
    scope, _ = _scope_and_params()
    if "page" in request.args:
        raise BadParameter("page")
    filename = f"log-{local(utcnow()):%Y-%m-%d-%H%M}.csv"
    return csv_answer(lambda session: _csv_pieces(reading.all_rows(session, scope)), filename)


@blueprint.get("/log/print")
def paper() -> Response:
    """The same filter for paper: all pages of the list."""
    scope, params = _scope_and_params()

    def pieces(session: Session) -> Pieces:
        count = reading.count(session, scope)
        facts = {"count": count, "most": MAX_PRINTED, "params": params, "now": utcnow()}
        lines = reading.all_lines(session, scope, MAX_PRINTED)
        return stream_template("logbook/print.html", **facts, lines=lines)

    return streamed(pieces, "text/html")


def _scope_and_params() -> tuple[reading.LogScope, dict[str, str]]:
    """What the person sees of the log through the filter of the address, and that filter."""
    scope = reading.log_scope(db.session(), current_user, utcnow())
    params = _params()
    return reading.narrow(scope, params, installation_zone()), params


def _params() -> dict[str, str]:
    """The filter in the parameters of the address, as values by name.

    Raises `BadParameter` for an unknown name or value, and for a name with two values. A blank value is no filter,
    because an empty field of a form sends it. `page` does not belong to the filter.
    """
    for name in request.args:
        if name not in {*NAMES, "page"}:
            raise BadParameter(name)
    params: dict[str, str] = {}
    for name in NAMES:
        texts = request.args.getlist(name)
        values = {normalize(text) for text in texts} - {""}
        if not is_filter_text("".join(texts)) or len(values) > 1 or len("".join(values)) > MAX_PHRASE:
            raise BadParameter(name, texts[0])
        if values:
            params[name] = values.pop()
    if params.get("action", "") not in {"", *ACTIONS}:
        raise BadParameter("action", params["action"])
    return params


def _page_number() -> int:
    """The number of the page, from 1. The list shows the nearest page that exists."""
    values = request.args.getlist("page") or ["1"]
    if len(values) > 1 or not re.fullmatch(r"\d{1,18}", values[0], re.ASCII):
        raise BadParameter("page", values[0])
    return max(1, int(values[0]))


def _csv_pieces(rows: Iterable[Any]) -> Pieces:
    """The rows of `reading.all_rows()` as pieces of CSV text; times are local, with their offset."""
    yield csv_text([[
        gettext("Entry"), gettext("Time"), gettext("Who"), gettext("Role"), gettext("Action"), gettext("What"),
        gettext("Message"), gettext("Candidate ID"), gettext("Name"), gettext("Test"), gettext("Room"),
    ]])  # fmt: skip
    for number, group in groupby(rows, key=lambda row: row.id):
        subjects = list(group)
        entry, detail = subjects[0], json.loads(subjects[0].detail)
        at = local(entry.at).isoformat(sep=" ", timespec="seconds")
        who = entry.actor_name, role_label(entry.actor_role)
        what = action_label(entry.action), summary(entry.action, detail), detail.get("body", "")
        yield csv_text([number, at, *who, *what, row.number, row.name, row.test_title, row.room] for row in subjects)


def action_label(action: str) -> str:
    """The label of an action; one of a later version is shown as it is stored."""
    return str(ACTIONS.get(action, action))


def summary(action: str, detail: dict[str, Any]) -> str:
    """What an entry says in one line, apart from who did it and whom it concerned."""
    if action.startswith(("message.", "schedule.")):
        return " · ".join([str(detail.get("subject", "")), *_due_in_words(detail)])
    if action in ("test.closed", "test.reopened"):
        return f"{detail.get('test', '')} ({day_in_words(date.fromisoformat(detail['date']))})"
    if "changes" in detail or action.startswith("help."):
        return _changes_in_one_line(detail) if "changes" in detail else help_in_one_line(detail)
    if not action.startswith("sign_in."):
        return ", ".join(
            f"{DETAILS.get(name, name)}: {_detail_in_words(name, value)}" for name, value in detail.items()
        )
    address = detail.get("address", "")
    if "username" not in detail:
        return str(gettext("unknown username, from %(address)s", address=address))
    return str(gettext("username %(username)s from %(address)s", username=detail["username"], address=address))


def _due_in_words(detail: dict[str, Any]) -> list[str]:
    """When a scheduled message goes out; nothing for one that was sent."""
    if "at" in detail:
        return [f"{local(datetime.fromisoformat(detail['at'])):%Y-%m-%d %H:%M}"]
    if "schedule" not in detail or "minutes" not in detail:
        return []
    count = detail["minutes"]
    return [ngettext("%(num)s minute before the own end", "%(num)s minutes before the own end", count)]


def _detail_in_words(name: str, value: object) -> str:
    """A part of an entry about an account; roles may stand with their room."""
    if name == "date":
        return day_in_words(date.fromisoformat(str(value)))
    if name not in ("before", "after"):
        return str(value)
    role, _, room = str(value).partition(" ")
    return f"{ROLES.get(role, role)} {room}".rstrip()


def _changes_in_one_line(detail: dict[str, Any]) -> str:
    """How many candidates an action has changed and not, and the text that came with it."""
    changed = sum(len(change["candidacies"]) for change in detail["changes"])
    hindered = sum(len(obstacle["candidacies"]) for obstacle in detail["obstacles"])
    values = detail.get("values", {})
    words = [
        *([action_label(f"candidate.{values['of']}")] if "of" in values else []),
        *([detail["reason"]] if "reason" in detail else []),
        ngettext("%(shown)s changed", "%(shown)s changed", changed, shown=format_decimal(changed)),
        *([_not_reached(hindered)] if hindered else []),
        *([ngettext("%(num)s minute", "%(num)s minutes", detail["minutes"])] if "minutes" in detail else []),
        *(values[name] for name in ("note", "reason") if values.get(name)),
    ]
    return " · ".join(map(str, words))


def _not_reached(count: int) -> str:
    return str(ngettext("%(shown)s not reached", "%(shown)s not reached", count, shown=format_decimal(count)))


def changes_by_candidacy(detail: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What an action meant for each candidacy: `before` and `after` if it was changed, `why` if it was not reached."""
    return {
        number: found
        for found in (*detail.get("changes", ()), *detail.get("obstacles", ()))
        for number in found["candidacies"]
    }


def init_app(app: Flask) -> None:
    """Register the pages, and what templates word entries with."""
    app.register_blueprint(blueprint)
    app.add_template_filter(action_label)
    app.add_template_filter(json.loads, "from_json")
    app.add_template_global(summary, "log_summary")
    app.add_template_global(changes_by_candidacy)
