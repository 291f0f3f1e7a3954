"""R24: a fragment shows nothing that its page would not, and questions stay in the house until they are sat."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from jinja2.meta import find_referenced_templates
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.exams.rows import browser_of, delivered, person_of, question_of
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf, open_dialog
from tests.nightly import at_night, named
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Answer, Candidacy, Role
from webapp.models import Test as Exam

pytestmark = pytest.mark.one_database

PROMPT = "Name the seven secret gates"
ANSWER = "What was written about them"
FRAGMENT = {"HX-Request": "true"}
MINUTE = timedelta(minutes=1)
RUNNING, OVER = timedelta(hours=-1), timedelta(hours=-4)
OF_THE_DIALOG = {"Close without sending", "Close", "✕", "What you had typed is here again.", "Discard"}
"""What a dialog has and a page has no need of."""
OF_THE_DRAWER = {"Present", "Absent", "Checked", "More"}
"""Its buttons of one press, and the one for the rest: the page has links instead."""
SHOWN_ATTRIBUTES = {"value", "title", "placeholder", "alt", "aria-label"}
STATES: dict[str, tuple[timedelta, dict[str, object]]] = {
    "days before": (timedelta(days=3), {"started_at": None, "entered_at": None}),
    "early": (MINUTE, {"started_at": None}),
    "ready": (RUNNING, {"started_at": None}),
    "missed": (OVER, {"started_at": None}),
    "withdrawn before it began": (RUNNING, {"started_at": None, "withdrawn_at": utcnow()}),
    "withdrawn": (RUNNING, {"withdrawn_at": utcnow()}),
    "withdrawn in a pause": (RUNNING, {"paused_at": utcnow(), "withdrawn_at": utcnow()}),
    "closed": (RUNNING, {}),
    "closed before it began": (RUNNING, {"started_at": None}),
    "closed in a pause": (OVER, {"paused_at": utcnow()}),
    "submitted": (RUNNING, {"submitted_at": utcnow()}),
    "writing": (RUNNING, {}),
    "paused": (RUNNING, {"paused_at": utcnow()}),
    "paused before it began": (RUNNING, {"started_at": None, "paused_at": utcnow()}),
    "time up": (OVER, {}),
}
SITTING = {"writing", "paused", "time up"}
"""The states in which a candidate sees the questions."""
PAGES = ("/", "/tests/{test}", "/tests/{test}?confirm=submit", "/inbox", "/tests/{test}/answers/{question}",
         "/tests/{test}/start", "/tests/{test}/submit", "/monitor", "/monitor.csv",
         "/monitor/candidates/{candidacy}", "/messages/new?candidate={candidacy}", "/log", "/log.csv",
         "/nowhere")  # fmt: skip
STAFF_PAGES = ("/monitor", "/monitor?q=nobody", "/monitor?room=Room+1", "/monitor?page=9", "/monitor?state=wrong",
               "/monitor.csv", "/monitor/candidates/{candidacy}", "/monitor/candidates/999999",
               "/messages/new?candidate={candidacy}", "/messages/new?scope=filtered",
               "/messages/new?candidate=999999", "/messages/{message}", "/messages/999999", "/messages",
               "/log", "/log?q=nobody",
               "/candidates/actions/new?action=note&candidate={candidacy}",
               "/candidates/actions/new?action=room&scope=filtered", "/candidates/actions/new?action=reopen",
               "/log/{message}", "/log/999999", "/log.csv", "/nowhere")  # fmt: skip


class Shown(HTMLParser):
    """The texts of a page that a person can see, hear or copy."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._hidden_input = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("type") == "hidden":
            return  # tokens and keys, new in every answer
        names = (name for name in given if name in SHOWN_ATTRIBUTES)
        self.texts |= {given[name] or "" for name in names}

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.add(" ".join(data.split()))


def shown(page: str) -> set[str]:
    """What is shown of an answer."""
    return Shown(page).texts


class World:
    """A test with one candidate in a state, and the ids that addresses are made with."""

    def __init__(self, app: Flask, hall: Hall, session: Session, state: str) -> None:
        begins, fields = STATES[state]
        test = hall.test(starts_at=utcnow() + begins)
        self.ids = {"test": test.id, "question": question_of(hall, test.id, PROMPT)}
        candidacy = hall.candidacy(session.get_one(Exam, self.ids["test"]), **fields)
        self.ids["candidacy"] = candidacy.id
        with writing(session):
            answer = {"candidacy_id": self.ids["candidacy"], "question_id": self.ids["question"]}
            session.add(Answer(text=ANSWER, saved_at=utcnow(), **answer))
            if state.startswith("closed"):
                session.execute(update(Exam).values(closed_at=utcnow()))
        self.candidate = browser_of(app, person_of(hall, session.get_one(Candidacy, self.ids["candidacy"])))

    def address(self, path: str) -> str:
        """The address with this world's ids."""
        return path.format(**self.ids)


@pytest.fixture
def world(app: Flask, hall: Hall, session: Session, state: str) -> World:
    """The hall in the state that a case names."""
    return World(app, hall, session, state)


def is_in_its_page(client: FlaskClient, address: str, method: str = "GET", **options: object) -> tuple[str, str]:
    """Ask for a fragment and for its page; gives both texts."""
    with time_machine.travel(utcnow(), tick=False):  # both show the time of day
        fragment = client.open(address, method=method, headers=FRAGMENT, **options)
        page = client.open(address, method=method, follow_redirects=method == "GET", **options)
    extra = shown(fragment.text) - shown(page.text) - OF_THE_DIALOG
    if address.startswith("/monitor/candidates/"):
        extra -= OF_THE_DRAWER
    assert not extra, f"{method} {address}"
    return fragment.text, page.text


@pytest.mark.thorough
@pytest.mark.parametrize("state", named({state: state for state in STATES}, SITTING | {"early", "ready", "withdrawn"}))
def test_r24_a_candidates_fragments_show_no_more_than_their_pages(
    hall: Hall, session: Session, world: World, state: str
) -> None:
    delivered(hall, session.get_one(Candidacy, world.ids["candidacy"]))
    seen = fragment = world.candidate.get("/inbox/new").text  # a fragment always, and part of each page
    assert shown(fragment) <= shown(world.candidate.get("/inbox").text)
    for path in PAGES:
        seen += "".join(is_in_its_page(world.candidate, world.address(path)))
    assert (PROMPT in seen) is (state in SITTING)
    assert (ANSWER in seen) is (state in SITTING)


@pytest.mark.thorough
@pytest.mark.parametrize("state", named({state: state for state in STATES}, {"writing"}))
def test_r24_other_verbs_tell_no_question(world: World, state: str) -> None:
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE"):
        for path in PAGES:
            texts = is_in_its_page(world.candidate, world.address(path), method)
            assert PROMPT not in "".join(texts), f"{state}: {method} {path}"


@pytest.mark.parametrize(
    "state", named({state: state for state in STATES if state not in SITTING | {"ready"}}, {"days before", "closed"})
)
def test_r24_what_is_refused_tells_no_question(world: World, state: str) -> None:
    """Starting, saving and submitting, as page and fragment, with an answer's number and without one."""
    for path in ("start", "submit", "answers/{question}", "answers/999999"):
        address = world.address(f"/tests/{{test}}/{path}")
        texts = is_in_its_page(world.candidate, address, "POST", data={"text": "typed", "base": "1"})
        assert PROMPT not in "".join(texts)
        assert ANSWER not in "".join(texts)


@pytest.mark.thorough
@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("state", ["writing", *at_night("closed")])
def test_r24_what_staff_see_tells_no_question_and_fragments_no_more_than_pages(
    app: Flask, hall: Hall, session: Session, world: World, state: str
) -> None:
    """Staff see who writes, not what."""
    test = session.get_one(Exam, world.ids["test"])
    chief = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    message = 1
    if not state.startswith("closed"):
        form = {**open_dialog(chief, candidate=world.ids["candidacy"]), "subject": "Fire drill", "body": "Stay."}
        message = int(chief.post("/messages", data=form).location.rsplit("/", 1)[1])
    for path in STAFF_PAGES:
        texts = is_in_its_page(chief, path.format(**world.ids, message=message))
        assert PROMPT not in "".join(texts)
        assert ANSWER not in "".join(texts)
    data = {"candidate": world.ids["candidacy"], "csrf_token": csrf(chief)}
    assert PROMPT not in "".join(is_in_its_page(chief, "/messages/new", "POST", data=data))


@pytest.mark.parametrize("kept", ["messaging/_notice.html", "monitor/_plan_seat.html", "monitor/_row.html"])
def test_what_is_kept_for_several_people_names_nobody(app: Flask, kept: str) -> None:
    """R13: rows, seats and notices are rendered once for all who see them, with all that they include."""
    environment, wanted, found = app.jinja_env, [kept], set[str]()
    assert environment.loader
    while wanted:
        name = wanted.pop()
        source = environment.loader.get_source(environment, name)[0]
        found.add(name)
        wanted += [each for each in find_referenced_templates(environment.parse(source)) if each and each not in found]
        assert "current_user" not in source, name
