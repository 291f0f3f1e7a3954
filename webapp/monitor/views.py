"""HTTP of the monitor: the page, its fragment, the list as CSV."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from webapp.access import AccessScope, Right, access_scope, is_contributor
from webapp.clock import utcnow
from webapp.exceptions import NotAllowed
from webapp.extensions import db
from webapp.monitor.choices import choices
from webapp.monitor.export import csv_chunks
from webapp.monitor.filters import MOST_VALUES, Filter, check_values, parse_filter, tests_shown
from webapp.monitor.opening import next_opening
from webapp.monitor.page import LONGEST_QUERY, MonitorPage
from webapp.monitor.presentation import Presentation, parse_presentation, query_string
from webapp.monitor.printing import print_chunks
from webapp.monitor.query import resolve_phrase
from webapp.monitor.rows import look_now
from webapp.monitor.table import load_page
from webapp.monitor.words import FIXED_GROUPS, WITHIN_OFFERS, label, period_in_words, titles_of
from webapp.web.csv_download import csv_answer, streamed
from webapp.web.errors import wants_fragment
from webapp.web.times import installation_zone, local

blueprint = Blueprint("monitor", __name__)


class NotOpen(NotAllowed):
    """A contributor none of whose tests is open now."""


@blueprint.get("/monitor")
def monitor() -> BaseResponse:
    """The list of candidates: as a page, or for HTMX count and rows alone."""
    args = MultiDict(request.args)
    moves = args.poplist("move")
    asked, presentation = parse_filter(args, installation_zone()), parse_presentation(args)
    for move in moves:
        presentation = presentation.moved(move)
    if moves and not wants_fragment():
        return redirect("/monitor" + query_string(asked, presentation))
    now = utcnow()
    page = _page(_within_reach(asked, now), asked, presentation, now)
    return _fragment(page) if wants_fragment() else _whole_page(page)


@blueprint.get("/monitor.csv")
def monitor_csv() -> BaseResponse:
    """The same list in one file, all pages of it."""
    args = MultiDict(request.args)
    asked, presentation = parse_filter(args, installation_zone()), parse_presentation(args)
    now = utcnow()
    scope = tests_shown(_within_reach(asked, now), asked)
    asked = resolve_phrase(db.session(), scope, asked, now)
    found = "-all-words" if asked.by_words else ""
    return csv_answer(
        lambda session: csv_chunks(session, scope, asked, presentation, now),
        f"candidates-{local(now):%Y-%m-%d}{found}.csv",
    )


@blueprint.get("/monitor/print")
def monitor_print() -> BaseResponse:
    """The same list for paper, all pages of it."""
    args = MultiDict(request.args)
    asked, presentation = parse_filter(args, installation_zone()), parse_presentation(args)
    now = utcnow()
    scope = tests_shown(_within_reach(asked, now), asked)
    asked = resolve_phrase(db.session(), scope, asked, now)
    look = look_now(presentation.columns, now)
    return streamed(lambda session: print_chunks(session, scope, asked, presentation, now, look), "text/html")


@blueprint.errorhandler(NotOpen)
def not_open(_refusal: NotOpen) -> BaseResponse:
    """Says when the next test opens; a page that was open says that this one has closed."""
    opening = next_opening(db.session(), current_user, utcnow())
    template = "monitor/_closed.html" if wants_fragment() else "monitor/closed.html"
    return make_response(render_template(template, opening=opening), 403)


def _within_reach(asked: Filter, now: datetime) -> AccessScope:
    session = db.session()
    scope = access_scope(session, current_user, Right.WATCH, now)
    if not scope:
        raise NotOpen if is_contributor(session, current_user) else NotAllowed
    check_values(session, scope, asked)
    return scope


def _page(scope: AccessScope, asked: Filter, presentation: Presentation, now: datetime) -> MonitorPage:
    session = db.session()
    table = load_page(session, tests_shown(scope, asked), asked, presentation, now)
    return MonitorPage(
        user_id=current_user.id,
        filter=asked,
        presentation=replace(presentation, page=table.page),
        table=table,
        titles=titles_of(session, asked),
        now=now,
        zone=str(installation_zone()),
        look=look_now(presentation.columns, now),
        helped_tests=scope.tests_with(Right.HELP_SIGN_IN),
        open_tests=len(scope.open_tests),
        sendable_tests=scope.tests_with(Right.SEND),
        room_limit=scope.room_limit(),
        other_tests=not scope.all_are_open,
        choices=None if wants_fragment() else choices(session, scope),
    )


def _whole_page(page: MonitorPage) -> Response:
    return make_response(
        render_template(
            "monitor/page.html",
            monitor=page,
            groups=FIXED_GROUPS,
            label=label,
            within_offers=WITHIN_OFFERS,
            period_in_words=period_in_words,
            longest_query=LONGEST_QUERY,
            most_values=MOST_VALUES,
        )
    )


def _fragment(page: MonitorPage) -> Response:
    """Count and rows; nothing at all for a refresh that would look the same (R19)."""
    if request.headers.get("HX-PTag") == page.tag:
        answer = make_response("", 304)
    else:
        answer = make_response(render_template("monitor/_candidates.html", monitor=page))
    answer.headers["HX-PTag"] = page.tag
    return answer
