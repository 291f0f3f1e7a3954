"""Signing in and out, over HTTP."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response

from webapp import push
from webapp.accounts.next_address import inside
from webapp.accounts.refusals import TooManyTries, WrongPassword
from webapp.accounts.signing_in import LONGEST_NAME, sign_in
from webapp.clock import utcnow
from webapp.extensions import db
from webapp.models import User
from webapp.security import public

blueprint = Blueprint("accounts", __name__)
ALMOST_A_SECOND = timedelta(microseconds=999_999)


@blueprint.get("/login", endpoint="sign_in")
@public
def show_sign_in() -> Response:
    """The form; whoever is signed in already goes on."""
    next_address = inside(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(next_address)
    return _form(next_address)


@blueprint.post("/login", endpoint="take_sign_in")
@public
def take_sign_in() -> Response:
    """Check the password; start a new session."""
    next_address = inside(request.form.get("next"))
    now = utcnow()
    try:
        user = sign_in(
            db.session(),
            request.form.get("username", ""),
            request.form.get("password", ""),
            address=request.remote_addr or "",
            now=now,
        )
    except WrongPassword as refusal:
        return _form(next_address, refusal)
    except TooManyTries as refusal:
        wait = max(refusal.again_at - now, timedelta(seconds=1))
        answer = _form(next_address, refusal)
        answer.headers["Retry-After"] = str(-(-wait // timedelta(seconds=1)))
        return answer
    _end_session()
    _begin_session(user)
    return redirect(next_address)


@blueprint.post("/logout")
@public
def sign_out() -> Response:
    """End the session and its streams; nothing of the person stays in the browser (trap 11)."""
    _end_session()
    answer = redirect(url_for("accounts.sign_in"))
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def _form(next_address: str, refusal: WrongPassword | TooManyTries | None = None) -> Response:
    username = request.form.get("username", "")
    page = render_template(
        "accounts/sign_in.html",
        next_address=next_address,
        username=username if len(username) <= LONGEST_NAME else "",
        wrong=isinstance(refusal, WrongPassword),
        # to the second, and then never too early
        again_at=refusal.again_at + ALMOST_A_SECOND if isinstance(refusal, TooManyTries) else None,
    )
    return make_response(page, refusal.status if refusal else 200)


def _begin_session(user: User) -> None:
    session["sid"] = secrets.token_urlsafe(16)
    login_user(user)


def _end_session() -> None:
    """Also when somebody signs in over another person's session: its streams must not go on."""
    person, session_id = (current_user.id, session.get("sid")) if current_user.is_authenticated else (None, None)
    if person is not None and session_id is not None:
        push.sign_out(person, session_id)  # first: if it cannot be written, the browser keeps it to try again
    logout_user()
    session.clear()
