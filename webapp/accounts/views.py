"""Signing in and out, over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from flask import Blueprint, current_app, make_response, redirect, request, session, url_for
from flask_login import current_user, logout_user
from werkzeug.wrappers import Response

from webapp import push
from webapp.accounts.budgets import account_key
from webapp.accounts.known_devices import KEPT_FOR, KnownDevices
from webapp.accounts.next_address import START, inside
from webapp.accounts.refusals import TooManyTries, WrongPassword
from webapp.accounts.signing_in import LONGEST_NAME, sign_in
from webapp.clock import utcnow
from webapp.exceptions import StaleForm
from webapp.extensions import csrf, db
from webapp.models import User
from webapp.web import browser_session
from webapp.web.errors import render_refusal
from webapp.web.security import device_cookie_name, public

blueprint = Blueprint("accounts", __name__)
log = structlog.get_logger(__name__)
ALMOST_A_SECOND = timedelta(microseconds=999_999)


@blueprint.get("/login", endpoint="sign_in")
@public
def show_sign_in() -> Response:
    """The form; whoever is signed in already goes on."""
    next_address = inside(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(_followed(next_address, current_user.id))
    return _form(next_address)


@blueprint.post("/login", endpoint="take_sign_in")
@csrf.exempt  # type: ignore[untyped-decorator] # checks its token itself
@public
def take_sign_in() -> Response:
    """Check the password; start a new session."""
    next_address = inside(request.form.get("next"))
    if not browser_session.accepts_sign_in_token(request.form.get("csrf_token", "")):
        return _form(next_address, StaleForm())
    now = utcnow()
    try:
        user = sign_in(
            db.session(),
            request.form.get("username", ""),
            request.form.get("password", ""),
            address=request.remote_addr or "",
            device_cookie=request.cookies.get(device_cookie_name(), ""),
            secret_key=current_app.config["SECRET_KEY"],
            now=now,
        )
    except (WrongPassword, TooManyTries) as refusal:
        log.info("sign-in refused", reason=type(refusal).__name__, address=request.remote_addr)
        return _form(next_address, refusal, now)
    log.info("signed in", user_id=user.id, address=request.remote_addr)
    leads_to = _followed(next_address, user.id)
    _end_session()
    browser_session.begin(user)
    return _remember_device(user, redirect(leads_to))


@blueprint.post("/logout")
@public
def sign_out() -> Response:
    """End the session and its streams; nothing of the person stays in the browser (trap 11)."""
    _end_session()
    answer = redirect(url_for("accounts.sign_in"))
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def _form(
    next_address: str, refusal: WrongPassword | TooManyTries | StaleForm | None = None, now: datetime | None = None
) -> Response:
    username = request.form.get("username", "")
    page = render_refusal(
        "accounts/sign_in.html",
        status=refusal.status if refusal else 200,
        next_address=next_address,
        username=username if len(username) <= LONGEST_NAME else "",
        wrong=isinstance(refusal, WrongPassword),
        stale=isinstance(refusal, StaleForm),
        # to the second, and then never too early
        again_at=refusal.again_at + ALMOST_A_SECOND if isinstance(refusal, TooManyTries) else None,
    )
    answer = make_response(page, refusal.status if refusal else 200)
    if isinstance(refusal, TooManyTries) and now is not None:
        wait = max(refusal.again_at - now, timedelta(seconds=1))
        answer.headers["Retry-After"] = str(-(-wait // timedelta(seconds=1)))
    return answer


def _remember_device(user: User, answer: Response) -> Response:
    """Note in the browser that this account was used on it: nobody else's wrong passwords lock it out then (R32)."""
    secret_key, name = current_app.config["SECRET_KEY"], device_cookie_name()
    account = account_key(user.sign_in_name, secret_key)
    answer.set_cookie(
        name,
        KnownDevices(secret_key).used(request.cookies.get(name, ""), account),
        max_age=KEPT_FOR,
        path=url_for("accounts.sign_in"),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return answer


def _followed(address: str, user_id: int) -> str:
    return START if browser_session.was_interrupted_for_another(address, user_id) else address


def _end_session() -> None:
    """Also when somebody signs in over another person's session: its streams must not go on."""
    person, session_id = (current_user.id, session.get("sid")) if current_user.is_authenticated else (None, None)
    if person is not None and session_id is not None:
        log.info("signed out", user_id=person, address=request.remote_addr)
        push.sign_out(person, session_id)  # first: if it cannot be written, the browser keeps it to try again
    browser_session.clear()
    logout_user()
