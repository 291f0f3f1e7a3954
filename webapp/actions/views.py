"""Actions over HTTP: a form for one, several, or all in a filter; what was done; and undoing it."""

import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Flask, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from webapp.actions.exceptions import BadValues, CannotUndo, OneByOne
from webapp.actions.kinds import KINDS, Kind
from webapp.actions.outcome import Outcome
from webapp.actions.preview import preview
from webapp.actions.taking import ActionForm, take
from webapp.actions.undoing import undo
from webapp.actions.values import LONGEST
from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter, NotFound, Refusal
from webapp.extensions import db
from webapp.messaging.audience import PostedForm, Selection, Tokens, next_audience, show_again
from webapp.messaging.exceptions import AudienceChanged, ContentChanged, NoRecipients, TooManyRecipients
from webapp.messaging.forms import OWN_FIELDS, parse_ids, parse_selection
from webapp.models import CandidateAction, LogSubject
from webapp.monitor.filters import FILTER_NAMES
from webapp.web.errors import wants_fragment

OF_FORM = frozenset({"action", "seen", "audience", "idempotency_key", "csrf_token", "person"})
OF_SELECTION = frozenset({"scope", "candidate"})
OF_MESSAGES = OWN_FIELDS - OF_FORM - OF_SELECTION
HELP_PAGES = {"new_password": "password", "unlock": "unlock"}
NAMES_SHOWN = 20
ACTION = f"/candidates/actions/<int(max={MAX_ID}):action_id>"
blueprint = Blueprint("actions", __name__)


@blueprint.route("/candidates/actions/new", methods=["GET", "POST"])
def ask() -> Response:
    """The form of an action; posted where there are many candidates.

    As with messages, an address with a scope or with candidates counts alone, though a form brings its values.
    """
    kind = _kind(request.values)
    is_whole = not OF_SELECTION.isdisjoint(request.args)
    fields, rest = split_values(kind, request.args if is_whole else request.values, posted=False)
    if is_whole and request.method == "POST":
        fields, _ = split_values(kind, request.form, posted=True)
    form = ActionForm(kind, fields, _selection(rest))
    return show_form(form) if kind.columns else _help(form)


@blueprint.post("/candidates/actions")
def act() -> Response:
    """Carry it out: 201 with the outcome, or the form once more with what was typed."""
    kind = _kind(request.form)
    fields, rest = split_values(kind, request.form, posted=True)
    texts = {name: request.form.get(name, "") for name in ("audience", "idempotency_key")}
    form = ActionForm(kind, fields, _selection(rest), seen=_seen(request.form.getlist("seen")), **texts)
    if not kind.columns:
        return _help(form)
    limit = current_app.config["SETTINGS"].max_recipients
    try:
        action = take(db.session(), current_user, form, now=utcnow(), limit=limit, tokens=_tokens())
    except (BadValues, NoRecipients, TooManyRecipients, AudienceChanged, ContentChanged) as refusal:
        return show_form(form, refusal)
    return _done(action)


@blueprint.get(ACTION)
def show(action_id: int) -> str:
    """The outcome of an own action."""
    own = select(CandidateAction).filter_by(id=action_id, actor_id=current_user.id)
    action = db.session.scalar(own)
    if action is None:
        raise NotFound(f"action {action_id}")
    return _outcome(action)


@blueprint.post(f"{ACTION}/undo", endpoint="undo")
def take_back(action_id: int) -> Response:
    """Undo an own action: 201 with the outcome of that."""
    return _done(undo(db.session(), current_user, action_id, now=utcnow()))


@blueprint.errorhandler(CannotUndo)
@blueprint.errorhandler(OneByOne)
def show_refusal(refusal: Refusal) -> Response:
    """Say why nothing was changed."""
    template = "actions/_refused.html" if wants_fragment() else "actions/refused.html"
    return make_response(render_template(template, refusal=refusal), refusal.status)


def split_values(
    kind: Kind, fields: MultiDict[str, str], *, posted: bool
) -> tuple[dict[str, str], MultiDict[str, str]]:
    """The values of an action as typed, and the rest of the fields.

    A value may have a filter's name (`room`, `attendance`). In a form that is posted the last one is the value, because
    the filter stands before it; elsewhere there is none. Another reading cannot reach anybody else: the form's token is
    that of its filter.
    """
    rest = MultiDict((name, value) for name, value in fields.items(multi=True) if name not in OF_FORM)
    values: dict[str, str] = {}
    for name in (*kind.values, "reason"):
        texts = rest.getlist(name)
        if name in FILTER_NAMES:
            before, last = (texts[:-1], texts[-1:]) if posted else (texts, [])
        else:
            before, last = [], texts
        if len(last) > 1:
            raise BadParameter(name, last[1])
        if last:
            values[name] = last[0]
        rest.setlist(name, before) if before else rest.poplist(name)
    return values, rest


def _kind(fields: MultiDict[str, str]) -> Kind:
    names = fields.getlist("action")
    if len(set(names)) != 1 or names[0] not in KINDS:
        raise BadParameter("action", names[-1] if names else None)
    return KINDS[names[0]]


def _selection(fields: MultiDict[str, str]) -> Selection:
    for name in fields:
        if name in OF_MESSAGES:
            raise BadParameter(name)
    return parse_selection(fields)


def _seen(values: list[str]) -> int | None:
    return parse_ids("seen", values, highest=10**15)[0] if values else None


def _help(form: ActionForm) -> Response:
    """Help with signing in has pages of its own, for one candidate at a time."""
    listed = form.selection.listed or ()
    if len(listed) != 1 or form.selection.filter:
        raise OneByOne(form.kind.name)
    return redirect(url_for("accounts.ask", kind=HELP_PAGES[form.kind.name], candidacy_id=listed[0]), 303)


def show_form(form: ActionForm, refusal: Refusal | None = None) -> Response:
    """The form of an action, after a refusal with what was typed kept and the audience as it is now."""
    limit, has_changed = current_app.config["SETTINGS"].max_recipients, isinstance(refusal, AudienceChanged)
    tokens = _tokens()
    selection = show_again(PostedForm(form.selection, form.audience, tokens), has_changed=has_changed)
    try:
        shown = preview(db.session(), current_user, form.kind, selection, now=utcnow(), limit=limit)
    except AudienceChanged as change:  # some of the picked candidates are out of reach
        return show_form(form, change)
    if isinstance(refusal, ContentChanged):  # its key is another action's
        form = ActionForm(form.kind, form.fields, form.selection)
    posted, token = next_audience(shown.audience, form.selection, tokens, has_changed=has_changed)
    # values that are corrected are still meant for what the form had shown
    seen = form.seen if isinstance(refusal, BadValues) and form.seen is not None else shown.seen
    values = {"form": form, "preview": shown, "refusal": refusal, "selection": posted, "audience": token, "seen": seen}
    template = "actions/_form.html" if wants_fragment() else "actions/form.html"
    page = render_template(template, fragment=wants_fragment(), limit=limit, longest=LONGEST, **values)
    return make_response(page, refusal.status if refusal else 200)


def _tokens() -> Tokens:
    return Tokens(current_app.config["SECRET_KEY"], current_user.id, by_candidacy=True)


def _done(action: CandidateAction) -> Response:
    address = url_for("actions.show", action_id=action.id)
    if not wants_fragment():
        return redirect(address, 303)
    response = make_response(_outcome(action), 201)
    response.headers["Location"] = address
    return response


def _outcome(action: CandidateAction) -> str:
    """What an action did, in words, with the names of the first whom it could not reach."""
    detail = json.loads(action.outcome)
    outcome = Outcome.of(detail)
    hindered = [number for obstacle in outcome.obstacles for number in obstacle.candidacies[:NAMES_SHOWN]]
    people = _people(action.id, [*hindered, *outcome.changed[:1], *outcome.unchanged[:1]])
    kind = KINDS.get(detail["action"])
    values = {"kind": kind, "detail": detail, "outcome": outcome, "people": people, "most": NAMES_SHOWN}
    template = "actions/_outcome.html" if wants_fragment() else "actions/outcome.html"
    return render_template(template, action=action, fragment=wants_fragment(), **values)


def _people(entry_id: int, candidacies: Sequence[int]) -> dict[int, Any]:
    """Candidacy id → who that was then, from the log."""
    wanted = LogSubject.entry_id == entry_id, LogSubject.candidacy_id.in_(candidacies)
    return {subject.candidacy_id: subject for subject in db.session.scalars(select(LogSubject).where(*wanted))}


def action_kinds() -> list[Kind]:
    """All actions, in the order of menus."""
    return [*KINDS.values()]


def init_app(app: Flask) -> None:
    """Register the addresses, and what templates of the monitor offer actions with."""
    app.register_blueprint(blueprint)
    app.add_template_global(action_kinds)
