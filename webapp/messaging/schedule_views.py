"""Schedules over HTTP: the times that a form means, the page of a schedule, changing and cancelling it."""

from dataclasses import replace
from datetime import timedelta

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter, Refusal
from webapp.extensions import db
from webapp.messaging.draft import Draft
from webapp.messaging.due import LOOK_SECONDS, DueSchedules
from webapp.messaging.exceptions import (
    BadText,
    NoRecipients,
    ScheduleChanged,
    ScheduleEnded,
    TooManyRecipients,
)
from webapp.messaging.forecast import Forecast, Installation, look_ahead
from webapp.messaging.forms import parse_draft, parse_level, parse_when
from webapp.messaging.notices import announce, announce_at_once
from webapp.messaging.schedule_details import schedule_details
from webapp.messaging.schedules import Change, cancel_schedule, change_schedule
from webapp.messaging.sending import Announce
from webapp.messaging.text import BODY_LIMIT, SUBJECT_LIMIT
from webapp.messaging.when import When, WhenKind
from webapp.push.service import Push
from webapp.web.errors import for_scripts, wants_fragment
from webapp.web.templating import installation_zone

blueprint = Blueprint("schedules", __name__)
SCHEDULE = f"/messages/scheduled/<int(max={MAX_ID}):schedule_id>"


def installation(tell: Announce = announce) -> Installation:
    """What scheduling needs of the application."""
    return Installation(current_app.config["SETTINGS"].max_recipients, installation_zone(), tell)


def send_when_due(app: Flask) -> None:
    """Have every process look for schedules that are due."""
    due = DueSchedules()
    push: Push = app.extensions["examhall_push"]
    push.every(LOOK_SECONDS, lambda: due.step(db.session(), installation(announce_at_once)))


def suggest_time(draft: Draft) -> Draft:
    """The draft of a new form, with times to begin with, if none was typed."""
    if draft.when.is_later or draft.when.at or draft.when.minutes:
        return draft
    soon = utcnow() + timedelta(minutes=10)
    when = When.of(soon - timedelta(minutes=soon.minute % 5), None, installation_zone())
    return replace(draft, when=replace(when, kind=WhenKind.NOW, minutes="15"))


def forecast_of_form(draft: Draft) -> tuple[Forecast | None, Refusal | None]:
    """When the message of a form would go out to whom, or why it could not."""
    if not draft.when.is_later:
        return None, None
    try:
        here = installation()
        return look_ahead(
            db.session(), current_user, draft.selection, draft.when, now=utcnow(), installation=here
        ), None
    except (BadText, NoRecipients, TooManyRecipients) as refusal:
        return None, refusal


@blueprint.post("/messages/when")
@for_scripts
def times() -> str:
    """The times that a compose form means, while they are chosen; a choice that cannot be is told, not refused."""
    draft = parse_draft(request.form, request.form)
    forecast, no_time = forecast_of_form(draft)
    return render_template("messaging/_when_times.html", draft=draft, forecast=forecast, no_time=no_time)


@blueprint.get(SCHEDULE)
def show(schedule_id: int) -> Response:
    """What a schedule says, whom it has reached, and when it goes out; for its author and who watches its tests."""
    return _show(schedule_id)


@blueprint.post(SCHEDULE)
def change(schedule_id: int) -> BaseResponse:
    """Change text, level and time: back to the page, or the form once more with what was typed."""
    form = request.form
    texts = {name: form.get(name, "") for name in ("subject", "body", "version")}
    wanted = Change(level=parse_level(form), when=parse_when(form), **texts)
    if not wanted.when.is_later:
        raise BadParameter("when", wanted.when.kind)
    try:
        change_schedule(db.session(), current_user, schedule_id, wanted, installation())
    except (BadText, NoRecipients, TooManyRecipients, ScheduleChanged, ScheduleEnded) as refusal:
        return _show(schedule_id, wanted, refusal)
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


@blueprint.post(f"{SCHEDULE}/cancel")
def cancel(schedule_id: int) -> BaseResponse:
    """Cancel: back to the page, or the schedule as it is now for scripts."""
    try:
        cancel_schedule(db.session(), current_user, schedule_id, installation())
    except ScheduleEnded as refusal:
        return _show(schedule_id, None, refusal)
    return _show(schedule_id) if wants_fragment() else redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


def _show(schedule_id: int, typed: Change | None = None, refusal: Refusal | None = None) -> Response:
    details = schedule_details(db.session(), current_user, schedule_id, utcnow(), installation_zone())
    template = "messaging/_schedule.html" if wants_fragment() else "messaging/schedule.html"
    limits = {"subject_limit": SUBJECT_LIMIT, "body_limit": BODY_LIMIT}
    page = render_template(template, details=details, typed=typed, refusal=refusal, **limits)
    return make_response(page, refusal.status if refusal else 200)
