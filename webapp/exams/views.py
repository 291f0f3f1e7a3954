"""The candidate's addresses: dashboard, exam page, saving, submission."""

import re
from collections.abc import Sequence
from zlib import crc32

from flask import Blueprint, Flask, abort, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.access import is_candidate, is_contributor
from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exams import answers, sittings
from webapp.exams.confirmation import confirmation
from webapp.exams.sittings import ExamRefusal, Sitting, State
from webapp.exceptions import BadParameter, SessionEnded
from webapp.extensions import db
from webapp.messaging import inbox
from webapp.push.service import current_push
from webapp.text.normalization import is_blank
from webapp.web.errors import wants_fragment
from webapp.web.security import checks_session_when_writing, session_claims

blueprint = Blueprint("exams", __name__)
TEST = f"/tests/<int(max={MAX_ID}):test_id>"
QUESTION = f"<int(max={MAX_ID}):question_id>"


@blueprint.get("/")
def dashboard() -> str | Response:
    """A candidate's tests and message center; people who only work in tests go on to the monitor."""
    session, user_id = db.session(), current_user.id
    sittings.enter(session, user_id, utcnow())
    own = own_sittings()
    staff = current_user.is_admin or is_contributor(session, current_user)
    if staff and not own:
        return redirect(url_for("monitor.monitor"))
    if wants_fragment():
        return render_template("exams/_sittings.html", sittings=own)
    items = inbox.all_messages(session, user_id)
    return render_template("exams/dashboard.html", sittings=own, staff=staff, items=items)


@blueprint.post(f"{TEST}/start")
def start(test_id: int) -> Response:
    """Start an own test and go to its page."""
    sittings.start(db.session(), current_user.id, test_id, utcnow())
    return redirect(url_for("exams.exam", test_id=test_id), 303)


@blueprint.get(TEST)
def exam(test_id: int) -> str:
    """The page of an own test, as its state has it; with `confirm=submit` the question before submission.

    HTMX, or a script's fetch, gets the page's part without its frame: how a tab learns what another one has saved.
    """
    session = db.session()
    sitting = sittings.own_sitting(session, current_user.id, test_id, utcnow())
    confirm = request.args.get("confirm")
    if confirm not in {None, "submit"}:
        raise BadParameter("confirm", confirm)
    answered = answers.questions_with_answers(session, sitting)
    blank = sum(is_blank(answer.text) for _, answer in answered)
    page, part, more = "exams/exam.html", "exams/_answers.html", {"answers": answered, "blank": blank}
    if confirm and sitting.state in sittings.MAY_SUBMIT:
        page, part = "exams/confirm.html", "exams/_confirm.html"
    elif sitting.state is State.SUBMITTED:
        page, more["confirmation"] = "exams/submitted.html", confirmation(session, sitting)
    return render_template(part if wants_fragment() else page, sitting=sitting, **more)


@blueprint.post(f"{TEST}/answers/{QUESTION}")
@checks_session_when_writing
def save(test_id: int, question_id: int) -> str | Response:
    """Store an answer: says when, or goes back to the page where there is no script."""
    claims, now = session_claims(), utcnow()
    if claims is None:
        raise SessionEnded
    text, base, closing = (request.form.get(name) for name in ("text", "base", "closing"))
    if text is None:
        abort(400)
    if base is not None and not re.fullmatch(r"\d{1,18}", base, re.ASCII):
        raise BadParameter("base", base)
    if closing not in {None, "pause"}:
        raise BadParameter("closing", closing)
    version, is_closing = int(base) if base else None, closing is not None
    answer = answers.save(db.session(), claims, test_id, question_id, text, now, version, closing=is_closing)
    current_push().presence.seen(claims, now)
    if wants_fragment():
        return render_template("exams/_saved.html", answer=answer)
    return redirect(url_for("exams.exam", test_id=test_id, _anchor=f"question-{question_id}"), 303)


@blueprint.post(f"{TEST}/submit")
def submit(test_id: int) -> Response:
    """Submit an own test; its page says so then."""
    sittings.submit(db.session(), current_user.id, test_id, utcnow())
    return redirect(url_for("exams.exam", test_id=test_id), 303)


@blueprint.errorhandler(ExamRefusal)
def refused(refusal: ExamRefusal) -> Response:
    """Say in words why not, with what was typed: on a page, or as a fragment for the page that stays."""
    db.session.rollback()
    template = "exams/_refusal.html" if wants_fragment() else "exams/refused.html"
    return make_response(render_template(template, refusal=refusal, typed=request.form.get("text")), refusal.status)


def own_notices() -> inbox.OwnNotices:
    """The signed-in person's open notices.

    Every page of a candidate is sent with them, so that a reload, or a page without JavaScript, loses none (trap 8).
    """
    return inbox.own_notices(db.session(), current_user.id)


def own_sittings() -> list[Sitting]:
    """The signed-in person's tests."""
    return sittings.own_sittings(db.session(), current_user.id, utcnow())


def sittings_version(own: Sequence[Sitting]) -> str:
    """Changes with everything that a page must be told of these tests; pages that poll compare it."""
    return f"{crc32(repr([sitting.fingerprint for sitting in own]).encode()):x}"


def error_layout(status: int) -> str:
    """The template that an error page extends: candidates keep their notices on it (trap 16), staff their bar.

    A server in trouble (5xx) asks nothing more of the database.
    """
    if status >= 500 or not current_user.is_authenticated:
        return "base.html"
    if is_candidate(db.session(), current_user):
        return "candidate.html"
    return "staff.html" if current_user.is_admin or is_contributor(db.session(), current_user) else "base.html"


def init_app(app: Flask) -> None:
    """Register the addresses, and the functions that templates of candidates call."""
    app.register_blueprint(blueprint)
    for function in (own_notices, own_sittings, sittings_version, error_layout):
        app.add_template_global(function)
