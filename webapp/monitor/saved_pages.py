"""HTTP of what a person keeps of the monitor: settings and saved views."""

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from webapp.access import AccessScope, Right, access_scope
from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter, NotAllowed
from webapp.extensions import db
from webapp.monitor import saved_views
from webapp.monitor.columns import NO_VIEW, parse_presentation
from webapp.monitor.filters import CHOICES, parse_filter
from webapp.monitor.saved_views import LONGEST_NAME, ViewRefused, parse_query, view_query
from webapp.monitor.settings import save_settings, settings_of
from webapp.web.errors import render_refusal, wants_fragment
from webapp.web.templating import installation_zone

VIEW = f"/monitor/views/<int(max={MAX_ID}):view_id>"
FORM_MARKS = ("csrf_token", "person")
blueprint = Blueprint("saved", __name__)


@blueprint.post("/monitor/settings")
def remember() -> BaseResponse:
    """Remember order, columns or density; 204, or back to the list where a browser without JavaScript posted it."""
    _watched_scope()
    changes = MultiDict(pair for pair in request.form.items(multi=True) if pair[0] not in FORM_MARKS)
    query, moves = parse_query("".join(changes.poplist("query"))), changes.poplist("move")
    parse_filter(query, installation_zone())
    for move in moves:
        columns = parse_presentation(MultiDict([("column", key) for key in changes.getlist("column")]))
        changes.setlist("column", list(columns.moved(move).columns))
    save_settings(db.session(), current_user.id, changes)
    if wants_fragment():
        return Response(status=204)
    parameters = [(name, value) for name, value in query.items(multi=True) if name not in (*changes, "page")]
    return redirect(f"{url_for('monitor.monitor')}?{urlencode(parameters or [('view', NO_VIEW)])}", 303)


@dataclass(frozen=True)
class Typed:
    """A form that was refused, to be shown again with its reason."""

    name: str
    code: str
    view_id: int | None = None
    """The view that was to be renamed; None for a new one."""


@blueprint.get("/monitor/views")
def views() -> BaseResponse:
    """All views to open and to manage, and the form that saves the list of this address under a name."""
    return _page(_query(request.args) if request.args else "")


@blueprint.post("/monitor/views")
def save() -> BaseResponse:
    """Save a view: 201 with the menu, or back to the list without HTMX."""
    _watched_scope()
    name, address = request.form.get("name", ""), request.form.get("query", "")
    query = _query(parse_query(address))
    try:
        view_id = saved_views.save_view(db.session(), current_user.id, name, query)
    except ViewRefused as refusal:
        return _page(query, Typed(name, refusal.code), refusal.status)
    if wants_fragment():
        return _page(query, status=201, saved=view_id)
    return redirect(f"{url_for('monitor.monitor')}?{query}", 303)


@blueprint.post(f"{VIEW}/rename")
def rename(view_id: int) -> BaseResponse:
    """Give a view another name."""
    _watched_scope()
    name = request.form.get("name", "")
    try:
        saved_views.rename_view(db.session(), current_user.id, view_id, name)
    except ViewRefused as refusal:
        return _page("", Typed(name, refusal.code, view_id), refusal.status)
    return _done()


@blueprint.post(f"{VIEW}/delete")
def delete(view_id: int) -> BaseResponse:
    """Delete a view, for everybody who sees it."""
    _watched_scope()
    saved_views.delete_view(db.session(), current_user.id, view_id)
    return _done()


@blueprint.post(f"{VIEW}/default")
def make_default(view_id: int) -> BaseResponse:
    """Begin with a view (`default=yes`), or with the plain list again (`no`)."""
    wanted = request.form.get("default", "")
    if wanted not in ("yes", "no"):
        raise BadParameter("default", wanted)
    scope = _watched_scope()
    saved_views.set_default_view(db.session(), current_user.id, scope, view_id, is_default=wanted == "yes")
    return _done()


@blueprint.post(f"{VIEW}/share")
def share(view_id: int) -> BaseResponse:
    """Show a view to the staff of a test (`test`), or blank: to nobody else."""
    _watched_scope()
    test = request.form.get("test", "")
    test_id = int(CHOICES["test"].parse([test])[0]) if test else None
    saved_views.share_view(db.session(), current_user, view_id, test_id, utcnow())
    return _done()


def _watched_scope() -> AccessScope:
    scope = access_scope(db.session(), current_user, Right.WATCH, utcnow())
    if not scope:
        raise NotAllowed("no staff")
    return scope


def _query(args: MultiDict[str, str]) -> str:
    """What a view of this address keeps. Raises `BadParameter` for what the list would refuse."""
    return view_query(db.session(), _watched_scope(), args, settings_of(current_user), installation_zone())


def _done() -> BaseResponse:
    return _page("") if wants_fragment() else redirect(url_for("saved.views"), 303)


def _page(query: str, typed: Typed | None = None, status: int = 200, saved: int | None = None) -> Response:
    scope, session = _watched_scope(), db.session()
    page = render_refusal(
        "monitor/_saved_views.html" if wants_fragment() else "monitor/saved_views.html",
        status=status,
        query=query,
        typed=typed,
        saved=saved,
        longest_name=LONGEST_NAME,
        views=saved_views.listed_views(session, current_user.id, scope),
        default=settings_of(current_user).view,
        planned=saved_views.planned_tests(session, scope),
        fragment=wants_fragment(),
    )
    return make_response(page, status)
