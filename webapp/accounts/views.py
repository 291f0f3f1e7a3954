"""Signing in and out."""

from datetime import timedelta

import structlog
from flask import Blueprint, current_app, make_response, redirect, request, session, url_for
from flask_login import current_user, logout_user
from werkzeug.wrappers import Response

from webapp import push
from webapp.accounts.budgets import account_key
from webapp.accounts.exceptions import TooManyTries, WrongPassword
from webapp.accounts.known_devices import MAX_AGE, add_account
from webapp.accounts.redirects import START, safe_address
from webapp.accounts.signing_in import sign_in
from webapp.accounts.users import LONGEST_USERNAME
from webapp.clock import utcnow
from webapp.exceptions import Refusal, StaleForm
from webapp.extensions import csrf, db
from webapp.models import User
from webapp.web import browser_session
from webapp.web.errors import render_refusal
from webapp.web.security import device_cookie_name, public

blueprint = Blueprint("accounts", __name__)
log = structlog.get_logger(__name__)
SECOND = timedelta(seconds=1)


@blueprint.get("/login", endpoint="sign_in")
@public
def show_sign_in() -> Response:
    """The form; people who are signed in already go on."""
    next_address = safe_address(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(_own_address(next_address, current_user.id))
    return _form(next_address)


@blueprint.post("/login", endpoint="take_sign_in")
@csrf.exempt  # type: ignore[untyped-decorator] # checks the token itself
@public
def take_sign_in() -> Response:
    """Check the password and begin a new session."""
    next_address = safe_address(request.form.get("next"))
    if not browser_session.accepts_sign_in_token(request.form.get("csrf_token", "")):
        return _form(next_address, StaleForm())
    try:
        user = sign_in(
            db.session(),
            request.form.get("username", ""),
            request.form.get("password", ""),
            address=request.remote_addr or "",
            device_cookie=request.cookies.get(device_cookie_name(), ""),
            secret_key=current_app.config["SECRET_KEY"],
            now=utcnow(),
        )
    except (WrongPassword, TooManyTries) as refusal:
        log.info("sign-in refused", reason=type(refusal).__name__, address=request.remote_addr)
        return _form(next_address, refusal)
    return _begin_session(user, next_address)


@blueprint.post("/logout")
@public
def sign_out() -> Response:
    """End the session and its streams; nothing of the person stays in the browser (trap 11)."""
    _end_session()
    response = redirect(url_for("accounts.sign_in"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _form(next_address: str, refusal: Refusal | None = None) -> Response:
    status = refusal.status if refusal else 200
    username = request.form.get("username", "")
    again_at = refusal.again_at if isinstance(refusal, TooManyTries) else None
    page = render_refusal(
        "accounts/sign_in.html",
        status=status,
        next_address=next_address,
        username=username if len(username) <= LONGEST_USERNAME else "",
        refusal=refusal,
        again_at=again_at + SECOND - timedelta.resolution if again_at else None,  # the page shows whole seconds
    )
    response = make_response(page, status)
    if again_at:
        response.headers["Retry-After"] = str(-(-max(again_at - utcnow(), SECOND) // SECOND))
    return response


def _begin_session(user: User, next_address: str) -> Response:
    log.info("signed in", user_id=user.id, address=request.remote_addr)
    response = redirect(_own_address(next_address, user.id))
    _end_session()
    browser_session.begin(user)
    secret_key, cookie = current_app.config["SECRET_KEY"], device_cookie_name()
    account = account_key(user.sign_in_name, secret_key)
    response.set_cookie(
        cookie,
        add_account(request.cookies.get(cookie, ""), account, secret_key),
        max_age=MAX_AGE,
        path=url_for("accounts.sign_in"),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _own_address(address: str, user_id: int) -> str:
    """The start page instead of a page that another person had open in this browser."""
    return START if browser_session.was_interrupted_for_another(address, user_id) else address


def _end_session() -> None:
    """End the session that the request came in, of whoever it is, and its streams."""
    session_id = session.get(browser_session.SESSION_ID)
    if current_user.is_authenticated and session_id is not None:
        log.info("signed out", user_id=current_user.id, address=request.remote_addr)
        push.sign_out(current_user.id, session_id)  # first: if it fails, the browser can sign out again
    browser_session.clear()
    logout_user()
