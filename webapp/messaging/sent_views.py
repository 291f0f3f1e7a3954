"""HTTP of what was sent: the list that staff read, page by page, and how it keeps itself fresh.

The tag of a page has three parts. The first, how far the log is, tells without a look at the messages that nothing has
changed: whatever the list shows is logged when it changes. The second stands for the question, the third for what is
shown.
"""

import hashlib
from itertools import groupby

from flask import Blueprint, make_response, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from webapp.access import Right, access_scope, watched_scope
from webapp.clock import utcnow
from webapp.extensions import db
from webapp.messaging.schedule_details import open_schedules
from webapp.messaging.sent_list import load_offers, load_sent_list, log_position, parse_wanted
from webapp.web.errors import wants_fragment
from webapp.web.templating import current_locale, local

blueprint = Blueprint("sent", __name__)


@blueprint.get("/messages")
def index() -> BaseResponse:
    """What was sent to candidates whom the person watches; for HTMX a part, and nothing at all if it is the same."""
    session, now, wanted = db.session(), utcnow(), parse_wanted(request.args)
    scope = watched_scope(session, current_user, now)
    writable = access_scope(session, current_user, Right.SEND, now)
    schedules = open_schedules(session, current_user, now)
    known_tag = request.headers.get("HX-PTag", "") if wants_fragment() else ""
    rights = scope.roles, scope.rooms, writable.roles
    log = f"{log_position(session)}.{_digest([each.state for each in schedules], wanted, rights, current_locale())}"
    if known_tag.startswith(f"{log}."):
        return _unchanged(known_tag)
    page = load_sent_list(session, scope, wanted)
    tag = f"{log}.{_digest(page.state)}"
    if known_tag.partition(".")[2] == tag.partition(".")[2]:
        return _unchanged(tag)
    template = "messaging/_messages.html" if wants_fragment() else "messaging/messages.html"
    days = groupby(page.lines(session), lambda line: local(line.message.sent_at).date())
    offers = load_offers(session, scope, wanted)
    shown = {"page": page, "days": days, "offers": offers, "schedules": schedules, "tag": tag}
    return _with_tag(make_response(render_template(template, scope=scope, writable=writable, **shown)), tag)


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def _unchanged(tag: str) -> BaseResponse:
    return _with_tag(make_response("", 304), tag)


def _with_tag(response: BaseResponse, tag: str) -> BaseResponse:
    response.headers["HX-PTag"] = tag
    return response
