"""HTTP of the hall display."""

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from webapp.clock import utcnow
from webapp.extensions import db
from webapp.monitor.display import load_display, parse_place, places_to_show
from webapp.monitor.views import NotOpen, not_open, open_scope
from webapp.web.errors import wants_fragment

blueprint = Blueprint("display", __name__)
blueprint.register_error_handler(NotOpen, not_open)


@blueprint.get("/display")
def display() -> BaseResponse:
    """The display, or for HTMX its refreshed part, nothing if that would look the same. Without a test, a choice."""
    place, scope = parse_place(request.args), open_scope()
    if not place:
        return make_response(render_template("monitor/displays.html", places=places_to_show(db.session(), scope)))
    shown = load_display(db.session(), scope, place, utcnow())
    is_unchanged = wants_fragment() and request.headers.get("HX-PTag") == shown.tag
    template = "monitor/_display.html" if wants_fragment() else "monitor/display.html"
    answer = make_response(("", 304) if is_unchanged else render_template(template, display=shown))
    answer.headers["HX-PTag"] = shown.tag
    return answer
