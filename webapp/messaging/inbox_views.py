"""The message center over HTTP: always and only the signed-in person's own (R13)."""

from urllib.parse import urlsplit

from flask import Response, redirect, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from webapp import push
from webapp.accounts.redirects import safe_address
from webapp.extensions import db
from webapp.messaging import inbox
from webapp.messaging.forms import MAX_MESSAGE_ID, parse_ids
from webapp.messaging.views import blueprint
from webapp.web.errors import for_scripts, wants_fragment


@blueprint.get("/inbox")
def message_center() -> str:
    """All messages over all tests, newest first (R12)."""
    template = "messaging/_inbox_list.html" if wants_fragment() else "messaging/inbox.html"
    session = db.session()
    return render_template(
        template,
        messages=inbox.all_messages(session, current_user.id),
        open_numbers=inbox.open_numbers(session, current_user.id),
    )


@blueprint.get("/inbox/new")
@for_scripts
def new_notices() -> str:
    """The notices not closed, for pages that poll."""
    notices = inbox.open_notices(db.session(), current_user.id)
    return render_template("messaging/_open_notices.html", notices=notices)


@blueprint.post("/inbox/close")
def close_notices() -> BaseResponse:
    """Close notices; 204, or back to the page where a browser without JavaScript posted the form.

    The person's other tabs are told after the commit (R9).
    """
    numbers = parse_ids("message", request.form.getlist("message"), highest=MAX_MESSAGE_ID)
    closed = inbox.close(db.session(), current_user.id, numbers)
    if closed:
        push.announce_closed(current_user.id, closed)
    if wants_fragment() or "text/html" not in request.headers.get("Accept", ""):
        return Response(status=204)
    page = urlsplit(request.referrer or "")
    return redirect(safe_address(page._replace(scheme="", netloc="").geturl()), 303)
