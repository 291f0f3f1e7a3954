"""Asking for help over HTTP: the candidate's form, the queue of staff, and what planners let candidates ask with."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.access import AccessScope, Right, access_scope, watched_scope
from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter, Refusal
from webapp.extensions import db
from webapp.help_requests import answers, asking, queue
from webapp.help_requests.exceptions import (
    AlreadyAsked,
    AlreadyClaimed,
    AlreadyOver,
    BadKinds,
    BadRequestForHelp,
    CannotAsk,
)
from webapp.help_requests.kinds import (
    LONGEST_KIND,
    MOST_KINDS,
    find_test,
    kinds_of,
    parse_kinds,
    planned_tests,
    set_kinds,
)
from webapp.help_requests.queue import HELP_WAITING
from webapp.logbook.help_words import HELP_KINDS, kind_in_words
from webapp.models import HelpRequest
from webapp.web.errors import for_scripts, wants_fragment

blueprint = Blueprint("help", __name__)
TEST = f"/tests/<int(max={MAX_ID}):test_id>"
REQUEST = f"/help/<int(max={MAX_ID}):request_id>"
Step = Callable[..., None]


@blueprint.post(f"{TEST}/help")
def ask(test_id: int) -> Response:
    """Ask for help in an own test: 201, or 200 for what is asked already; without a script back to its page."""
    kind, text = request.form.get("kind", ""), request.form.get("text", "")
    try:
        _, is_new = asking.ask(db.session(), current_user, test_id, kind, text, now=utcnow())
    except (AlreadyAsked, CannotAsk, BadRequestForHelp) as refusal:
        return _panel(test_id, refusal.status, refusal)
    return _panel(test_id, 201 if is_new else 200)


@blueprint.post(f"{TEST}/help/withdraw")
def take_back(test_id: int) -> Response:
    """Take it back."""
    asking.take_back(db.session(), current_user, test_id, now=utcnow())
    return _panel(test_id, 200)


@blueprint.get("/help")
def show_queue() -> Response:
    """Who asks for help, of those whom this person watches; nothing at all if the page shows that already."""
    return _queue()


@blueprint.post(f"{REQUEST}/claim")
def claim(request_id: int) -> Response:
    """This person goes; 409 with the name of a colleague who does."""
    return _step(queue.claim, request_id)


@blueprint.post(f"{REQUEST}/release")
def release(request_id: int) -> Response:
    """They do not go after all."""
    return _step(queue.release, request_id)


@blueprint.post(f"{REQUEST}/done")
def done(request_id: int) -> Response:
    """It is done; 409 if it has ended otherwise."""
    return _step(queue.finish, request_id)


@blueprint.get("/help/waiting")
@for_scripts
def waiting() -> Response:
    """How many wait for help, in a header: open pages of staff ask now and then."""
    scope = watched_scope(db.session(), current_user, utcnow())
    return Response(status=204, headers={HELP_WAITING: str(help_waiting(scope))})


@blueprint.get(f"{TEST}/help-kinds")
def show_kinds(test_id: int) -> Response:
    """What candidates of a test can ask with, one kind in each line, for its planners."""
    test = find_test(db.session(), current_user, test_id, utcnow())
    return _kinds_page(test_id, "\n".join(kind_in_words(kind) for kind in kinds_of(test)))


@blueprint.post(f"{TEST}/help-kinds")
def change_kinds(test_id: int) -> Response:
    """Set these kinds, or the usual ones."""
    choice, typed = request.form.get("usual", ""), request.form.get("kinds", "")
    if choice not in ("", "yes"):
        raise BadParameter("usual", choice)
    try:
        kinds = None if choice else parse_kinds(typed)
        set_kinds(db.session(), current_user, test_id, kinds, utcnow())
    except BadKinds as refusal:
        return _kinds_page(test_id, typed, refusal)
    return redirect(url_for("help.show_queue"), 303)


def help_waiting(scope: AccessScope | None = None) -> int:
    """How many wait for help within a scope, or of those whom the signed-in person watches."""
    session = db.session()
    asking_now = queue.open_requests(session)
    if not asking_now:
        return 0
    if scope is None:
        scope = access_scope(session, current_user, Right.WATCH, utcnow())
    return queue.count_waiting(session, scope, asking_now)


def answered_request(request_id: int) -> HelpRequest | None:
    """The request that a message answers, as far as the signed-in person may send to the candidate."""
    return answers.answered_request(db.session(), current_user, request_id, utcnow())


def _panel(test_id: int, status: int, refusal: Refusal | None = None) -> Response:
    """What the candidate's page shows of it; after a refusal with what was typed, on a page of its own if need be."""
    if refusal is None and not wants_fragment():
        return redirect(url_for("exams.exam", test_id=test_id), 303)
    test, help_request = asking.own_state(db.session(), current_user.id, test_id)
    typed = {"kind": request.form.get("kind", ""), "text": request.form.get("text", "")} if refusal else {}
    template = "help_requests/_panel.html" if wants_fragment() else "help_requests/ask.html"
    page = render_template(template, test=test, help_request=help_request, typed=typed, refusal=refusal, is_open=True)
    return make_response(page, status)


def _step(step: Step, request_id: int) -> Response:
    try:
        step(db.session(), current_user, request_id, now=utcnow())
    except (AlreadyClaimed, AlreadyOver) as refusal:
        return _queue(refusal)
    return _queue() if wants_fragment() else redirect(url_for("help.show_queue"), 303)


def _queue(refusal: Refusal | None = None) -> Response:
    session, now, fragment = db.session(), utcnow(), wants_fragment()
    found = queue.load_queue(session, current_user, now)
    headers = {"HX-PTag": found.tag, HELP_WAITING: str(found.waiting)}
    if fragment and request.method == "GET" and request.headers.get("HX-PTag") == found.tag:
        return Response(status=304, headers=headers)
    more: dict[str, Any] = {} if fragment else {"planned": planned_tests(session, current_user, now)}
    template = "help_requests/_queue.html" if fragment else "help_requests/queue.html"
    page = render_template(template, queue=found, refusal=refusal, **more)
    return make_response(page, refusal.status if refusal else 200, headers)


def _kinds_page(test_id: int, typed: str, refusal: BadKinds | None = None) -> Response:
    test = find_test(db.session(), current_user, test_id, utcnow())
    limits = {"most": MOST_KINDS, "longest": LONGEST_KIND}
    page = render_template("help_requests/kinds.html", test=test, typed=typed, refusal=refusal, **limits)
    return make_response(page, refusal.status if refusal else 200)


def init_app(app: Flask) -> None:
    """Register the addresses, and what templates word requests with."""
    app.register_blueprint(blueprint)
    app.add_template_filter(kind_in_words)
    app.add_template_filter(kinds_of, "help_kinds")
    app.add_template_global(help_waiting)
    app.add_template_global(answered_request)
    app.jinja_env.globals["usual_help_kinds"] = HELP_KINDS
