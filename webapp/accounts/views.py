"""Signing in and out, and help with signing in from the monitor: a question first, then a new password or unlocking."""

import secrets

import structlog
from flask import Blueprint, current_app, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user, logout_user
from werkzeug.wrappers import Response

from webapp.accounts import users
from webapp.accounts.signing_in import MAX_AGE, TooManyTries, WrongPassword, account_key, add_account, sign_in
from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter, Refusal, StaleForm
from webapp.extensions import csrf, db
from webapp.models import User
from webapp.push.service import current_push
from webapp.web import security
from webapp.web.errors import render_refusal, wants_fragment
from webapp.web.security import device_cookie_name, public

CANDIDATE = f"/monitor/candidates/<int(max={MAX_ID}):candidacy_id>"
blueprint = Blueprint("accounts", __name__)
log = structlog.get_logger(__name__)


@blueprint.get("/login", endpoint="sign_in")
@public
def show_sign_in() -> Response:
    """The form; people who are signed in already go on."""
    next_address = security.safe_address(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(security.own_address(next_address, current_user.id))
    return _form(next_address)


@blueprint.post("/login", endpoint="take_sign_in")
@csrf.exempt  # type: ignore[untyped-decorator] # checks the token itself
@public
def take_sign_in() -> Response:
    """Check the password and begin a new session."""
    next_address = security.safe_address(request.form.get("next"))
    if not security.accepts_sign_in_token(request.form.get("csrf_token", "")):
        return _form(next_address, StaleForm())
    username, password = request.form.get("username", ""), request.form.get("password", "")
    address, cookie = request.remote_addr or "", request.cookies.get(device_cookie_name(), "")
    secret_key, now = current_app.config["SECRET_KEY"], utcnow()
    try:
        user = sign_in(
            db.session(), username, password, address=address, device_cookie=cookie, secret_key=secret_key, now=now
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
    page = render_refusal("accounts/sign_in.html", status=status, next_address=next_address, refusal=refusal)
    response = make_response(page, status)
    if refusal and refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _begin_session(user: User, next_address: str) -> Response:
    log.info("signed in", user_id=user.id, address=request.remote_addr)
    response = redirect(security.own_address(next_address, user.id))
    _end_session()
    security.begin_session(user)
    secret_key, cookie = current_app.config["SECRET_KEY"], device_cookie_name()
    account = account_key(user.sign_in_name, secret_key)
    marks = add_account(request.cookies.get(cookie, ""), account, secret_key)
    path, secure = url_for("accounts.sign_in"), request.is_secure
    response.set_cookie(cookie, marks, MAX_AGE, path=path, secure=secure, httponly=True, samesite="Lax")
    return response


def _end_session() -> None:
    """End the session that the request came in, of whoever it is, and its streams."""
    session_id = session.get(security.SESSION_ID)
    if current_user.is_authenticated and session_id is not None:
        log.info("signed out", user_id=current_user.id, address=request.remote_addr)
        current_push().sign_out(current_user.id, session_id)  # first: if it fails, the browser can sign out again
    security.clear_session()
    logout_user()


@blueprint.get(f"{CANDIDATE}/password", defaults={"kind": "password"})
@blueprint.get(f"{CANDIDATE}/unlock", defaults={"kind": "unlock"})
def ask(candidacy_id: int, kind: str) -> str:
    """Ask whether this candidate gets a new password, or whether their sign-in is to be unlocked."""
    session, now = db.session(), utcnow()
    candidate, _ = users.load_candidate(session, current_user, candidacy_id, now)
    if kind == "password":
        users.check_account(session, current_user, candidate, now)
    return _page("accounts/help.html", kind=kind, candidate=candidate, form_key=secrets.token_urlsafe(18))


@blueprint.post(f"{CANDIDATE}/password")
def give_password(candidacy_id: int) -> str:
    """Make a new password, and show it this once."""
    form_key, epoch = request.form.get("idempotency_key", ""), request.form.get("epoch", -1, type=int)
    if not 0 < len(form_key) <= 100:
        raise BadParameter("idempotency_key", form_key[:40])
    if not 0 <= epoch <= MAX_ID:
        raise BadParameter("epoch", request.form.get("epoch", "")[:40])
    secret_key = current_app.config["SECRET_KEY"]
    candidate, password = users.give_password(
        db.session(), current_user, candidacy_id, form_key=form_key, epoch=epoch, secret_key=secret_key, now=utcnow()
    )
    return _page("accounts/help.html", kind="password", candidate=candidate, password=password)


@blueprint.post(f"{CANDIDATE}/unlock")
def unlock(candidacy_id: int) -> str:
    """Unlock it."""
    secret_key = current_app.config["SECRET_KEY"]
    candidate = users.unlock(db.session(), current_user, candidacy_id, secret_key=secret_key, now=utcnow())
    return _page("accounts/help.html", kind="unlock", candidate=candidate, is_done=True)


@blueprint.errorhandler(users.CannotHelp)
def show_refusal(refusal: users.CannotHelp) -> tuple[str, int]:
    """Say why not, and who can help instead."""
    return _page("accounts/help_refused.html", refusal=refusal), refusal.status


def _page(template: str, **context: object) -> str:
    """A page, or the fragment of it, whose template has the same name with an underscore."""
    fragment = wants_fragment()
    return render_template(template.replace("/", "/_") if fragment else template, fragment=fragment, **context)
