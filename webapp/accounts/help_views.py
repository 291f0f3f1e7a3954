"""Help for a candidate who cannot sign in, from the monitor: a question first, then what was asked for."""

from __future__ import annotations

import secrets

from flask import Response, current_app, make_response, render_template, request
from flask_login import current_user

from webapp.accounts import helping
from webapp.accounts.refusals import NotTheirs, PasswordChanged
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
    """Whether this candidate is to get a new password."""
    session, now = db.session(), utcnow()
    helped = helping.candidate_to_help(session, current_user, candidacy_id, now)
    helping.check_account(session, current_user, helped, now)
    return _page("password", helped, form_key=secrets.token_urlsafe(18))


@blueprint.post(f"{CANDIDATE}/password")
def give_password(candidacy_id: int) -> str:
    """Make one, and show it this once."""
    key, epoch = request.form.get("idempotency_key", ""), request.form.get("epoch", "")
    if not 0 < len(key) <= LONGEST_KEY:
        raise BadParameter("idempotency_key", key[:40])
    if not (epoch.isascii() and epoch.isdecimal() and len(epoch) < 10):
        raise BadParameter("epoch", epoch[:40])
    helped, password = helping.give_password(
        db.session(),
        current_user,
        candidacy_id,
        form=key,
        epoch=int(epoch),
        secret_key=current_app.config["SECRET_KEY"],
        now=utcnow(),
    )
    return _page("password", helped, password=password)


@blueprint.get(f"{CANDIDATE}/unlock")
def ask_to_unlock(candidacy_id: int) -> str:
    """Whether this candidate's wrong passwords are to be forgotten."""
    return _page("unlock", helping.candidate_to_help(db.session(), current_user, candidacy_id, utcnow()))


@blueprint.post(f"{CANDIDATE}/unlock")
def unlock(candidacy_id: int) -> str:
    """Forget them."""
    secret_key = current_app.config["SECRET_KEY"]
    helped, _ = helping.unlock(db.session(), current_user, candidacy_id, secret_key=secret_key, now=utcnow())
    return _page("unlock", helped, is_done=True)


def _page(kind: str, helped: helping.Helped, **more: object) -> str:
    fragment = wants_fragment()
    template = "accounts/_help.html" if fragment else "accounts/help.html"
    return render_template(template, kind=kind, helped=helped, fragment=fragment, **more)


@blueprint.errorhandler(NotTheirs)
@blueprint.errorhandler(PasswordChanged)
def not_helped(refusal: NotTheirs | PasswordChanged) -> Response:
    """Say why not, and who can do it instead."""
    db.session.rollback()
    template = "accounts/_help_refused.html" if wants_fragment() else "accounts/help_refused.html"
    return make_response(render_template(template, refusal=refusal), refusal.status)
