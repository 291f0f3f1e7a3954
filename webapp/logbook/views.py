"""The log's pages."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import format_date
from flask_login import current_user

from webapp.clock import utcnow
from webapp.exceptions import BadParameter
from webapp.extensions import db
from webapp.logbook import reading, words
from webapp.logbook.filters import LogFilter, parse_filter, parse_page
from webapp.logbook.printing import print_chunks
from webapp.logbook.sight import Sight, sight_of
from webapp.logbook.table import as_csv
from webapp.web.csv_download import csv_answer, streamed
from webapp.web.errors import wants_fragment
from webapp.web.times import installation_zone, local

blueprint = Blueprint("logbook", __name__)


@blueprint.get("/log")
def index() -> str:
    """The list, filtered; with HTMX only what stands below the form."""
    sight, wanted = _asked()
    page = reading.page_of(db.session(), sight, wanted, parse_page(request.args))
    template = "logbook/_list.html" if wants_fragment() else "logbook/index.html"
    return render_template(
        template,
        page=page,
        days=groupby(page.lines, lambda line: local(line.entry.at).date()),
        wanted=wanted,
        chosen=dict(wanted.pairs),
        actions=[(name, words.ACTIONS[name]) for name in _actions(sight)],
        zone=installation_zone(),
        may_see_all=bool(sight.scope),
    )


@blueprint.get("/log/<int:number>")
def entry(number: int) -> str:
    """One entry with everyone it concerned, on one page."""
    sight = sight_of(db.session(), current_user, utcnow())
    return render_template("logbook/entry.html", opened=reading.open_entry(db.session(), sight, number))


@blueprint.get("/log.csv")
def table() -> Response:
    """The same filter as a CSV file, sent while it is made."""
    sight, wanted = _asked()
    if "page" in request.args:
        raise BadParameter("page")
    zone = installation_zone()
    return csv_answer(
        lambda session: as_csv(reading.all_rows(session, sight, wanted), zone),
        f"log-{local(utcnow()):%Y-%m-%d-%H%M}.csv",
    )


@blueprint.get("/log/print")
def paper() -> Response:
    """The same filter for paper: all pages of the list."""
    sight, wanted = _asked()
    return streamed(lambda session: print_chunks(session, sight, wanted, page_address(wanted, 1)), "text/html")


def _asked() -> tuple[Sight, LogFilter]:
    sight = sight_of(db.session(), current_user, utcnow())
    return sight, parse_filter(request.args, installation_zone())


def _actions(sight: Sight) -> list[str]:
    """Sign-ins are for administrators only: others need not choose what they cannot see."""
    return [name for name in words.ACTIONS if sight.scope.everything or not name.startswith(("sign_in.", "log."))]


def page_address(wanted: LogFilter, number: int) -> str:
    """The address of another page of the same list."""
    return url_for("logbook.index", **_values(wanted, page=str(number)))


def print_address(wanted: LogFilter) -> str:
    """The address of the same list for paper."""
    return url_for("logbook.paper", **_values(wanted))


def table_address(wanted: LogFilter) -> str:
    """The address of the same list as CSV."""
    return url_for("logbook.table", **_values(wanted))


def _values(wanted: LogFilter, **more: str) -> dict[str, Any]:
    return {**dict(wanted.pairs), **more}


def long_date(day: Any) -> str:
    """A heading for a day's entries."""
    return str(format_date(day, "full"))
