"""Help with signing in, from the monitor: a question first, then a new password or the unlocking."""

import secrets

from flask import Response, current_app, make_response, render_template, request
from flask_login import current_user

from webapp.accounts import helping
from webapp.accounts.exceptions import CannotHelp, PasswordChanged
from webapp.accounts.views import blueprint
from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter
from webapp.extensions import db
from webapp.web.errors import wants_fragment

CANDIDATE = f"/monitor/candidates/<int(max={MAX_ID}):candidacy_id>"
LONGEST_KEY = 100


@blueprint.get(f"{CANDIDATE}/password")
def ask_for_password(candidacy_id: int) -> str:
    """Ask whether this candidate gets a new password."""
    session, now = db.session(), utcnow()
    candidate = helping.load_candidate(session, current_user, candidacy_id, now)
    helping.check_account(session, current_user, candidate, now)
    return _page("password", candidate, form_key=secrets.token_urlsafe(18))


@blueprint.post(f"{CANDIDATE}/password")
def give_password(candidacy_id: int) -> str:
    """Make a new password, and show it this once."""
    form_key, epoch = request.form.get("idempotency_key", ""), request.form.get("epoch", "")
    if not 0 < len(form_key) <= LONGEST_KEY:
        raise BadParameter("idempotency_key", form_key[:40])
    if not (epoch.isascii() and epoch.isdecimal() and len(epoch) < 10):
        raise BadParameter("epoch", epoch[:40])
    candidate, password = helping.give_password(
        db.session(),
        current_user,
        candidacy_id,
        form_key=form_key,
        epoch=int(epoch),
        secret_key=current_app.config["SECRET_KEY"],
        now=utcnow(),
    )
    return _page("password", candidate, password=password)


@blueprint.get(f"{CANDIDATE}/unlock")
def ask_to_unlock(candidacy_id: int) -> str:
    """Ask whether this candidate's sign-in is to be unlocked."""
    return _page("unlock", helping.load_candidate(db.session(), current_user, candidacy_id, utcnow()))


@blueprint.post(f"{CANDIDATE}/unlock")
def unlock(candidacy_id: int) -> str:
    """Unlock it."""
    secret_key = current_app.config["SECRET_KEY"]
    candidate = helping.unlock(db.session(), current_user, candidacy_id, secret_key=secret_key, now=utcnow())
    return _page("unlock", candidate, is_done=True)


def _page(kind: str, candidate: helping.HelpedCandidate, **context: object) -> str:
    fragment = wants_fragment()
    template = "accounts/_help.html" if fragment else "accounts/help.html"
    return render_template(template, kind=kind, candidate=candidate, fragment=fragment, **context)


@blueprint.errorhandler(CannotHelp)
@blueprint.errorhandler(PasswordChanged)
def show_refusal(refusal: CannotHelp | PasswordChanged) -> Response:
    """Say why not, and who can help instead."""
    db.session.rollback()
    template = "accounts/_help_refused.html" if wants_fragment() else "accounts/help_refused.html"
    return make_response(render_template(template, refusal=refusal), refusal.status)
