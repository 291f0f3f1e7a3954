"""HTTP of the monitor: the list as a page, as its refreshed part, as a CSV file, and for paper."""

from dataclasses import replace

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from webapp.access import AccessScope, watched_scope
from webapp.clock import utcnow
from webapp.db.types import MAX_ID, microseconds
from webapp.exceptions import BadParameter, NotAllowed, NotFound
from webapp.extensions import db
from webapp.help_requests.queue import HELP_WAITING
from webapp.models import SavedView
from webapp.monitor.alerts import asking_for_help, long_offline
from webapp.monitor.candidate import load_candidate
from webapp.monitor.columns import NO_VIEW, parse_presentation, query_string
from webapp.monitor.export import csv_pieces, print_pieces
from webapp.monitor.filter_values import IN_MENU, label_of, load_field
from webapp.monitor.filters import CHOICES, LABELS, MAX_VALUES, parse_filter
from webapp.monitor.listing import load_listing
from webapp.monitor.page import MAX_QUERY_LENGTH, MonitorPage
from webapp.monitor.plan import load_plan
from webapp.monitor.plan_page import PlanPage
from webapp.monitor.query import View, check_values, defaults_for, listed_scope, next_opening
from webapp.monitor.saved_views import find_view, parse_query
from webapp.monitor.settings import parse_view_id, settings_of
from webapp.monitor.times import TIME_FIELDS
from webapp.monitor.words import PERIODS_OFFERED, candidate_in_words, period_in_words, titles_of
from webapp.web.csv_download import csv_answer, streamed
from webapp.web.errors import for_scripts, wants_fragment
from webapp.web.templating import installation_zone, local

blueprint = Blueprint("monitor", __name__)


class NotOpen(NotAllowed):
    """A contributor none of whose tests is open now."""


@blueprint.get("/monitor")
def monitor() -> BaseResponse | str:
    """The list, or for HTMX its refreshed part: nothing at all if that would look the same (R19)."""
    if answer := _open_saved_view():
        return answer
    args = MultiDict(request.args)
    moves = args.poplist("move")
    scope, view = _load_view(args)
    for move in moves:
        view = replace(view, presentation=view.presentation.moved(move))
    if moves and not wants_fragment():
        return redirect(url_for("monitor.monitor") + query_string(view.filter, view.presentation))
    listing = load_listing(db.session(), view)
    titles = titles_of(db.session(), view.filter)
    return _answer(MonitorPage(scope, listing.view, listing, titles, _asked_tag()))


@blueprint.get("/monitor/plan")
def plan() -> BaseResponse | str:
    """The same candidates in their rooms, or for HTMX the refreshed part."""
    scope, view = _load_view(request.args)
    listing = load_listing(db.session(), view, with_rows=False)
    rooms, titles = load_plan(db.session(), listing), titles_of(db.session(), view.filter)
    return _answer(PlanPage(scope, listing.view, listing, titles, _asked_tag(), rooms))


def _asked_tag() -> str:
    return request.headers.get("HX-PTag", "") if wants_fragment() else ""


def _answer(page: MonitorPage) -> BaseResponse | str:
    if not wants_fragment():
        return _whole_page(page)
    is_unchanged = page.asked_tag == page.tag
    answer = make_response(("", 304) if is_unchanged else render_template("monitor/_candidates.html", monitor=page))
    answer.headers["HX-PTag"] = page.tag
    answer.headers[HELP_WAITING] = str(page.help_waiting)
    return answer


@blueprint.get("/monitor/filters/<field>")
def filter_values(field: str) -> str:
    """What one filter can be set to, with counts within the others: for the menu, or as a form of its own."""
    if field not in IN_MENU:
        raise NotFound(f"filter {field}")
    scope, view = _load_view(request.args)
    template = "monitor/_filter_values.html" if wants_fragment() else "monitor/filter_values.html"
    return render_template(
        template,
        field=load_field(db.session(), scope, view, field),
        view=view,
        time_fields=TIME_FIELDS,
        periods_offered=PERIODS_OFFERED,
        period_in_words=period_in_words,
    )


@blueprint.get("/monitor.csv")
def monitor_csv() -> Response:
    """All rows of the list in one file."""
    view = _load_view(request.args)[1].with_phrase_resolved(db.session())
    suffix = "-all-words" if view.filter.by_words else ""
    filename = f"candidates-{local(view.now):%Y-%m-%d}{suffix}.csv"
    return csv_answer(lambda session: csv_pieces(session, view), filename)


@blueprint.get("/monitor/print")
def monitor_print() -> Response:
    """All rows of the list for paper."""
    view = _load_view(request.args)[1].with_phrase_resolved(db.session())
    back = url_for("monitor.monitor") + query_string(view.filter, view.presentation)
    return streamed(lambda session: print_pieces(session, view, back), "text/html")


@blueprint.get("/monitor/alerts")
@for_scripts
def alerts() -> Response:
    """Who in the list asks for help or has been offline for long, for devices that make a sound once for each."""
    session, view = db.session(), _load_view(request.args)[1].with_phrase_resolved(db.session())
    asking = [(f"help-{row.request}", row, True) for row in asking_for_help(session, view)]
    offline = [(f"{row.id}-{microseconds(row.since)}", row, False) for row in long_offline(session, view)]
    return jsonify(
        [
            {"absence": key, "candidate": candidate_in_words(row.name, row.number, row.seat), "asks_for_help": asks}
            for key, row, asks in (*asking, *offline)
        ]
    )


@blueprint.get(f"/monitor/candidates/<int(max={MAX_ID}):candidacy_id>")
def candidate(candidacy_id: int) -> BaseResponse:
    """One candidate; for HTMX what stands beside the list, and nothing at all if that would look the same."""
    zone, fragment = installation_zone(), wants_fragment()
    shown = load_candidate(db.session(), current_user, open_scope(), candidacy_id, utcnow(), zone)
    if fragment and request.headers.get("HX-PTag") == shown.tag:
        return Response(status=304)
    words = {"attendance": CHOICES["attendance"].values, "zone": zone}
    template = "monitor/_candidate.html" if fragment else "monitor/candidate.html"
    return make_response(render_template(template, candidate=shown, fragment=fragment, **words))


@blueprint.errorhandler(NotOpen)
def not_open(_refusal: NotOpen) -> BaseResponse:
    """When the next test opens. A page that was open learns that its test has closed."""
    opening = next_opening(db.session(), current_user, utcnow())
    template = "monitor/_closed.html" if wants_fragment() else "monitor/closed.html"
    return make_response(render_template(template, opening=opening), 403)


def _load_view(args: MultiDict[str, str]) -> tuple[AccessScope, View]:
    """All that this person may watch, and what the address asks to see of it."""
    session, now = db.session(), utcnow()
    settings = settings_of(current_user)
    filter = parse_filter(args, installation_zone())
    scope = open_scope()
    check_values(session, scope, filter)
    listed = listed_scope(scope, filter)
    defaults = defaults_for(listed, filter)
    presentation = parse_presentation(settings.applied(args, defaults), defaults)
    return scope, View(listed, filter, replace(presentation, named=settings.named), now)


def open_scope() -> AccessScope:
    """What the signed-in person may watch. Raises `NotOpen` if that is nothing now, and as `watched_scope`."""
    scope = watched_scope(db.session(), current_user, utcnow())
    if not scope:
        raise NotOpen
    return scope


def _open_saved_view() -> BaseResponse | None:
    """Lead to the view that the address names, or the plain one to the view with which this person begins."""
    wanted, view_id = request.args.get("view", NO_VIEW), None
    if wanted != NO_VIEW:
        view_id = parse_view_id(wanted)
        if len(list(request.args.items(multi=True))) > 1:
            raise BadParameter("view", wanted)  # a view is a whole filter
    elif not request.args and not wants_fragment():
        view_id = settings_of(current_user).view
    if view_id is None:
        return None
    scope = open_scope()
    view = find_view(db.session(), current_user.id, scope, view_id)
    if view is None and wanted != NO_VIEW:
        raise NotFound(f"view {wanted}")
    return _lead_to(view, scope) if view else None  # deleted since, or no longer shared: the plain list


def _lead_to(view: SavedView, scope: AccessScope) -> BaseResponse:
    args = parse_query(view.query)
    try:
        parse_presentation(args)
        check_values(db.session(), scope, parse_filter(args, installation_zone()))
    except BadParameter as refusal:
        label = LABELS.get(refusal.name, refusal.name)
        page = render_template("monitor/view_refused.html", view=view, refusal=refusal, label=label)
        return make_response(page, refusal.status)
    return redirect(f"{url_for('monitor.monitor')}?{view.query}")


def _whole_page(page: MonitorPage) -> str:
    return render_template(
        "monitor/page.html",
        monitor=page,
        menu_fields=[(name, label_of(name)) for name in IN_MENU],
        max_query_length=MAX_QUERY_LENGTH,
        max_values=MAX_VALUES,
    )
