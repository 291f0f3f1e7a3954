"""Enter in a field presses the first button of its form: the one that a person expects, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog, post, reopen
from webapp.clock import utcnow
from webapp.config import ROOT
from webapp.db.transactions import writing
from webapp.models import HelpRequest, Question, QuickText, Role, SavedView, Test, User

NOTHING = ""
PRESSED = {
    "/login": "Sign in",
    "monitor-filter": "Search",
    "/monitor/settings": NOTHING,  # the columns: what is ticked is shown at once, or by its own button
    "/monitor": "Show the list",
    "/monitor/views": "Save view",
    "/monitor/views/1/rename": "Rename",
    "selection": "Message",
    "compose-form": NOTHING,
    "schedule-form": NOTHING,
    "action-form": "Extra time",
    "incident-form": NOTHING,
    "/log": "Show",
    "/quick-texts": "Save",
    "/quick-texts/1": "Save",
    "/tests/1/help": "Ask for help",
    "/tests/2/help": "Ask for help",
}
"""Form, by its id or else its address → the button that Enter presses. Forms without such a field are not here."""
PAGES = {
    "nobody": ["/login"],
    "candidate": ["/", "/tests/1", "/tests/1?confirm=submit", "/tests/2", "/inbox", "/nowhere"],
    "chief": [
        "/monitor", "/monitor?q=nobody+of+that+name", "/monitor?column=name&column=room", "/log", "/log/1", "/nowhere",
        "/messages/new?scope=filtered", "/messages/new?candidate=1", "/incidents/new?candidate=1",
        "/monitor/filters/room", "/monitor/views?flag=no", "/candidates/actions/new?action=extra_time&candidate=1",
        "/help",
        "/messages", "/quick-texts", "/quick-texts/1",
        "/messages/scheduled/1",
    ],
}  # fmt: skip
NOT_TYPED_IN = {"hidden", "button", "submit", "reset", "image", "file"}


@dataclass
class Form:
    """A form as Enter sees it."""

    name: str
    typed_in: bool = False
    buttons: list[str] = field(default_factory=list)
    """What stands on each, in the page's order; nothing for one that cannot be pressed."""

    @property
    def pressed(self) -> str:
        """What stands on the button that Enter presses; without any the form is sent."""
        return self.buttons[0] if self.buttons else "the form itself"


class Forms(HTMLParser):
    """Reads the forms of a page, with what stands elsewhere and names its form."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, Form] = {}
        self._within: str | None = None
        self._button: Form | None = None
        self._count = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._count += 1
            name = given.get("id") or given["action"]
            self._within = given.get("id") or f"#{self._count}"
            self.found.setdefault(self._within, Form(name)).name = name
        key = given.get("form", self._within)
        if key is None or tag not in {"input", "button", "select"}:
            return
        form = self.found.setdefault(key, Form(key))
        kind = given.get("type", "submit" if tag == "button" else "text")
        if tag == "input" and kind not in NOT_TYPED_IN:
            form.typed_in = True
        if kind in {"submit", "image"} and tag in {"button", "input"}:
            form.buttons.append(NOTHING)
            self._button = form if tag == "button" and "disabled" not in given else None

    def handle_data(self, data: str) -> None:
        if self._button:
            self._button.buttons[-1] = f"{self._button.buttons[-1]} {data.strip()}".strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._within = None
        if tag == "button":
            self._button = None


@pytest.fixture
def clients(app: Flask, hall: Hall, session: Session) -> dict[str, FlaskClient]:
    """A test that is being sat and one that has not been begun; the chief has sent a message and scheduled one."""
    test, other = hall.test("Algebra"), hall.test("Law")
    one = hall.candidacy(test, seat="24F")
    candidate = session.get_one(User, one.user_id)
    hall.candidacy(other, candidate, started_at=None)
    with writing(session):
        asked = HelpRequest(candidacy_id=one.id, kind="other", asked_at=utcnow())
        session.add_all([Question(test_id=test.id, position=1, prompt="Why?"), asked])
    person = hall.contributor(test, other, role=Role.CHIEF_INVIGILATOR)
    chief, chief_id, test_id = signed_in(app, person), person.id, test.id
    assert post(chief, open_dialog(chief, candidate=1)).status_code == 201
    later = {"when": "before_end", "minutes": "15"}
    assert post(chief, open_dialog(chief, candidate=1), **later).status_code == 201
    with writing(session):
        session.add(SavedView(user_id=chief_id, name="View", query="flag=no", test_id=test_id))
        session.add(QuickText(user_id=chief_id, locale="en", subject="Water", body="At the back."))
    return {"nobody": app.test_client(), "candidate": signed_in(app, candidate), "chief": chief}


@pytest.mark.thorough
@pytest.mark.only_on("sqlite")
def test_enter_presses_what_a_person_expects(hall: Hall, clients: dict[str, FlaskClient]) -> None:
    """Also in a dialog for too many picked candidates, whose first buttons in sight open the parts of them."""
    pressed: dict[str, set[str]] = {}
    answers = [clients[who].get(path) for who, paths in PAGES.items() for path in paths]
    hall.candidacies(hall.session.get_one(Test, 2), 1501)
    picked = [str(number) for number in range(1, 1504)]
    many = reopen(clients["chief"], candidate=picked)
    assert '<ul class="compose-parts">' in many.text
    refused = post(clients["chief"], open_dialog(clients["chief"], candidate=1), subject="")
    for answer in [*answers, refused, many]:
        for form in Forms(answer.text).found.values():
            if form.typed_in:
                pressed.setdefault(form.name, set()).add(form.pressed)
    assert pressed == {name: {button} for name, button in PRESSED.items()}


def test_every_form_is_read() -> None:
    """A template with a form that is not here has to be added, with a page that shows it."""
    templates = {path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").rglob("*.html")}
    with_forms = {name for name in templates if "<form" in (ROOT / "templates" / name).read_text()}
    assert with_forms == {
        "accounts/_help.html",
        "actions/_incident.html",
        "actions/_incident_form.html",
        "accounts/_sign_out.html",
        "accounts/sign_in.html",
        "actions/_form.html",
        "actions/_outcome.html",
        "exams/_answers.html",
        "exams/_confirm.html",
        "exams/_start.html",
        "exams/refused.html",
        "help_requests/_panel.html",
        "help_requests/_queue.html",
        "help_requests/kinds.html",
        "logbook/index.html",
        "messaging/_compose.html",
        "messaging/_message_actions.html",
        "messaging/_messages.html",
        "messaging/_schedule_form.html",
        "messaging/_notices.html",
        "messaging/_sent.html",
        "messaging/quick_text.html",
        "messaging/quick_texts.html",
        "monitor/_candidates.html",
        "monitor/_column_menu.html",
        "monitor/_display_menu.html",
        "monitor/_filters.html",
        "monitor/_saved_views.html",
        "monitor/filter_values.html",
    }
