"""HTTP of the monitor: the list as a page, as its refreshed part, as a CSV file, and for paper."""

from dataclasses import replace
from datetime import datetime

from flask import Blueprint, Flask, Response, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from webapp.access import AccessScope, Right, access_scope, is_contributor
from webapp.clock import utcnow
from webapp.exceptions import NotAllowed
from webapp.extensions import db
from webapp.monitor.choices import choices, next_opening
from webapp.monitor.export import csv_pieces, print_pieces
from webapp.monitor.filters import CHOICES, MAX_VALUES, TIME_FIELDS, Filter, parse_filter
from webapp.monitor.listing import View, load_listing
from webapp.monitor.page import MAX_QUERY_LENGTH, MonitorPage
from webapp.monitor.presentation import Presentation, parse_presentation, query_string
from webapp.monitor.query import check_values, listed_scope, resolve_phrase
from webapp.monitor.words import PERIODS_OFFERED, period_in_words, titles_of
from webapp.web.csv_download import csv_answer, streamed
from webapp.web.errors import wants_fragment
from webapp.web.times import installation_zone, local

blueprint = Blueprint("monitor", __name__)


class NotOpen(NotAllowed):
    """A contributor none of whose tests is open now."""


@blueprint.get("/monitor")
def monitor() -> BaseResponse:
    """The list, or for HTMX its refreshed part: nothing at all if that would look the same (R19)."""
    args = MultiDict(request.args)
    moves = args.poplist("move")
    filter, presentation = _parse(args)
    for move in moves:
        presentation = presentation.moved(move)
    if moves and not wants_fragment():
        return redirect(url_for("monitor.monitor") + query_string(filter, presentation))
    page = _load_page(filter, presentation)
    if not wants_fragment():
        return _whole_page(page)
    is_unchanged = request.headers.get("HX-PTag") == page.tag
    answer = make_response(("", 304) if is_unchanged else render_template("monitor/_candidates.html", monitor=page))
    answer.headers["HX-PTag"] = page.tag
    return answer


@blueprint.get("/monitor.csv")
def monitor_csv() -> Response:
    """All rows of the list in one file."""
    view = _load_view()
    suffix = "-all-words" if view.filter.by_words else ""
    filename = f"candidates-{local(view.now):%Y-%m-%d}{suffix}.csv"
    return csv_answer(lambda session: csv_pieces(session, view), filename)


@blueprint.get("/monitor/print")
def monitor_print() -> Response:
    """All rows of the list for paper."""
    view = _load_view()
    back = url_for("monitor.monitor") + query_string(view.filter, view.presentation)
    return streamed(lambda session: print_pieces(session, view, back), "text/html")


@blueprint.errorhandler(NotOpen)
def not_open(_refusal: NotOpen) -> BaseResponse:
    """When the next test opens. A page that was open learns that its test has closed."""
    opening = next_opening(db.session(), current_user, utcnow())
    template = "monitor/_closed.html" if wants_fragment() else "monitor/closed.html"
    return make_response(render_template(template, opening=opening), 403)


def _parse(args: MultiDict[str, str]) -> tuple[Filter, Presentation]:
    return parse_filter(args, installation_zone()), parse_presentation(args)


def _access(filter: Filter, now: datetime) -> AccessScope:
    scope = access_scope(db.session(), current_user, Right.WATCH, now)
    if not scope:
        raise NotOpen if is_contributor(db.session(), current_user) else NotAllowed
    check_values(db.session(), scope, filter)
    return scope


def _load_view() -> View:
    """What a file is of. Whether its filter searches for the phrase or its words is decided once."""
    now = utcnow()
    filter, presentation = _parse(request.args)
    scope = listed_scope(_access(filter, now), filter)
    return View(scope, resolve_phrase(db.session(), scope, filter, now), presentation, now)


def _load_page(filter: Filter, presentation: Presentation) -> MonitorPage:
    session, now = db.session(), utcnow()
    scope = _access(filter, now)
    view = View(listed_scope(scope, filter), filter, presentation, now)
    listing = load_listing(session, view)
    return MonitorPage(
        user_id=current_user.id,
        scope=scope,
        view=replace(view, presentation=replace(presentation, page=listing.page)),
        listing=listing,
        titles=titles_of(session, filter),
        offers={} if wants_fragment() else choices(session, scope),
    )


def _whole_page(page: MonitorPage) -> Response:
    return make_response(
        render_template(
            "monitor/page.html",
            monitor=page,
            filters=CHOICES,
            time_fields=TIME_FIELDS,
            periods_offered=PERIODS_OFFERED,
            period_in_words=period_in_words,
            max_query_length=MAX_QUERY_LENGTH,
            max_values=MAX_VALUES,
        )
    )


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)
