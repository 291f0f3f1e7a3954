"""The log's pages."""

from itertools import groupby

from flask import Blueprint, Flask, Response, render_template, request
from flask_login import current_user

from webapp.clock import utcnow
from webapp.exceptions import BadParameter
from webapp.extensions import db
from webapp.logbook import reading, words
from webapp.logbook.filters import LogFilter, parse_filter, parse_page
from webapp.logbook.lists import csv_pieces, print_pieces
from webapp.logbook.scope import LogScope, log_scope
from webapp.web.csv_download import csv_answer, streamed
from webapp.web.errors import wants_fragment
from webapp.web.times import installation_zone, local

blueprint = Blueprint("logbook", __name__)


@blueprint.get("/log")
def index() -> str:
    """The list, filtered; with HTMX only what stands below the form."""
    scope, log_filter = _scope_and_filter()
    page = reading.page_of(db.session(), scope, log_filter, parse_page(request.args))
    return render_template(
        "logbook/_list.html" if wants_fragment() else "logbook/index.html",
        page=page,
        days=groupby(page.lines, lambda line: local(line.entry.at).date()),
        params=log_filter.params,
        actions=_actions(scope),
        zone=installation_zone(),
        reads_tests=bool(scope.tests),
    )


@blueprint.get("/log/<int:number>")
def entry(number: int) -> str:
    """One entry with everybody it concerned, on one page."""
    scope = log_scope(db.session(), current_user, utcnow())
    return render_template("logbook/entry.html", opened=reading.entry_details(db.session(), scope, number))


@blueprint.get("/log.csv")
def table() -> Response:
    """The same filter as a CSV file."""
    scope, log_filter = _scope_and_filter()
    if "page" in request.args:
        raise BadParameter("page")
    zone = installation_zone()
    return csv_answer(
        lambda session: csv_pieces(reading.all_rows(session, scope, log_filter), zone),
        f"log-{local(utcnow()):%Y-%m-%d-%H%M}.csv",
    )


@blueprint.get("/log/print")
def paper() -> Response:
    """The same filter for paper: all pages of the list."""
    scope, log_filter = _scope_and_filter()
    return streamed(lambda session: print_pieces(session, scope, log_filter), "text/html")


def _scope_and_filter() -> tuple[LogScope, LogFilter]:
    scope = log_scope(db.session(), current_user, utcnow())
    return scope, parse_filter(request.args, installation_zone())


def _actions(scope: LogScope) -> dict[str, object]:
    """The actions to choose from: sign-ins and restores are shown to administrators only."""
    hidden = () if scope.tests.everything else ("sign_in.", "log.")
    return {name: label for name, label in words.ACTIONS.items() if not name.startswith(hidden)}


def init_app(app: Flask) -> None:
    """Register the pages, and what templates word entries with."""
    app.register_blueprint(blueprint)
    app.add_template_filter(words.action_label)
    app.add_template_global(words.summary, "log_summary")
