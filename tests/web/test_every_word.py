"""Every page and fragment can be shown in another language: no word of it is outside of the catalogue."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.actions.action_form import at_once, open_form, press, undo
from tests.conftest import Browser
from tests.databases import Database, application_on
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf, open_dialog, post
from tests.web.pseudo_language import CLOSE, LANGUAGE, OPEN, Untranslated
from webapp.accounts.users import set_administrator
from webapp.actions.kinds import KINDS
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Absence, Answer, Candidacy, Question, Role, User
from webapp.models import Test as Exam
from webapp.monitor.columns import COLUMNS as ALL_COLUMNS
from webapp.planning.closing import set_closed
from webapp.planning.roles import set_role

pytestmark = [pytest.mark.only_on("sqlite"), pytest.mark.xdist_group("every word"), pytest.mark.thorough]

MINUTE = timedelta(minutes=1)
COLUMNS = "&".join(f"column={column.key}" for column in ALL_COLUMNS)
STATES: tuple[dict[str, Any], ...] = (
    {"flagged": True, "note": "Ζαλισμένος", "attendance": "present", "id_checked": True, "extra_minutes": 15},
    {"saved_at": utcnow() - 20 * MINUTE, "back_at": utcnow(), "incident_minutes": 1},
    {"paused_at": utcnow()},
    {"started_at": None},
    {"started_at": None, "entered_at": None, "seat": "δίπλα"},
    {"submitted_at": utcnow(), "saved_at": utcnow()},
    {"submitted_at": utcnow(), "blank": True},
    {"withdrawn_at": utcnow(), "room": "", "seat": ""},
)


@pytest.fixture
def app(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch, database: Database, engines: dict[str, Engine]
) -> Iterator[Flask]:
    monkeypatch.setattr("webapp.config.TRANSLATIONS", catalogue)
    with application_on(database, engines.get(database.url)) as app:
        app.test_client_class = Browser
        yield app


@pytest.fixture
def exam(hall: Hall, session: Session) -> Exam:
    """A test with a candidate in each state, and one that has ended."""
    exam = hall.test("Άλγεβρα")
    with writing(session):
        session.add_all(Question(test_id=exam.id, position=place, prompt="Γιατί;") for place in (1, 2))
    for place, fields in enumerate(STATES, 1):
        person = hall.person(f"Άννα {place}")
        given = {"number": f"471{place}", "room": "Αίθουσα", "building": "Βόρειο", "seat": f"{place}", **fields}
        given |= {"group_name": "Ομάδα", "question_set": "Σειρά"}
        hall.candidacy(exam, person, **given)
        hall.seen(person.id, MINUTE / 4 if place != 1 else 10 * MINUTE)
    return exam


def speaking(app: Flask, user: User) -> FlaskClient:
    """A browser in that language."""
    client = signed_in(app, user)
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = LANGUAGE
    return client


def all_in_brackets(answer: TestResponse, where: str, *statuses: int) -> None:
    """Texts are there, and all of them are translated."""
    assert answer.status_code in (statuses or (200,)), f"{where}: {answer.status_code}"
    assert OPEN in answer.text, where
    assert not Untranslated(answer.text).found, where


def looked_at(client: FlaskClient, *addresses: str) -> None:
    """Each as a page and as a fragment."""
    for address in addresses:
        all_in_brackets(client.get(address), address)
        all_in_brackets(client.get(address, headers=HTMX), f"fragment of {address}")


def number_of(session: Session, exam: Exam, place: int) -> int:
    """The candidacy in this seat of STATES."""
    return session.query(Candidacy.id).filter_by(test_id=exam.id, number=f"471{place}").scalar()  # type: ignore[no-any-return]


def test_the_monitor(app: Flask, hall: Hall, session: Session, exam: Exam) -> None:
    exam_id, one = exam.id, number_of(session, exam, 1)
    with writing(session):
        session.add(Absence(candidacy_id=one, since=utcnow() - 9 * MINUTE, until=utcnow()))
    over = hall.test("Λογική", starts_at=utcnow() - 180 * MINUTE, ends_at=utcnow() - MINUTE)
    hall.candidacy(over, hall.person("Βασίλης"), number="4719", room="Άλλη", seat="3")
    planner = hall.contributor(exam, over, role=Role.PLANNER, user=hall.person("Γιώργος"))
    colleague = hall.contributor(hall.test("Ποίηση"), role=Role.INVIGILATOR, room="Αίθουσα", user=hall.person("Ελένη"))
    client = speaking(app, planner)
    rolling = (
        "ends_within=15m&unseen=5m&unsaved=1h&seen_within=today&saved_after=2026-01-01T00:00&started_within=next-2h"
    )
    looked_at(
        client,
        "/monitor",
        f"/monitor?test={exam_id}&room=%CE%91%CE%AF%CE%B8%CE%BF%CF%85%CF%83%CE%B1&extra=yes&flag=no&sort=-name",
        f"/monitor?{COLUMNS}",
        f"/monitor?{rolling}",
        "/monitor?q=%CE%B1+%CE%B2",
        "/monitor/plan",
        "/monitor/plan?state=paused",
        f"/monitor/candidates/{one}",
        *(f"/monitor/filters/{field}" for field in ("state", "test", "room", "times", "ends_within", "attendance")),
        "/monitor/views?flag=yes",
    )
    all_in_brackets(client.get(f"/monitor/print?{COLUMNS}"), "print")
    all_in_brackets(client.get("/monitor?colour=red"), "refused", 400)
    all_in_brackets(client.get("/nowhere"), "nowhere", 404)
    header = next(csv.reader(io.StringIO(client.get(f"/monitor.csv?{COLUMNS}").text.lstrip("\ufeff"))))
    assert all(OPEN in cell and cell.endswith(CLOSE) for cell in header), header
    token = {"csrf_token": csrf(client)}
    client.post("/monitor/views", data={"name": "Όψη", "query": f"test={exam_id}&room=Αίθουσα", **token})
    client.post("/monitor/views/1/share", data={"test": str(exam_id), **token})
    client.post("/monitor/views/1/default", data={"default": "yes", **token})
    looked_at(client, "/monitor/views", "/monitor/views?flag=yes")
    for name, query in (("ψ" * 61, "flag=yes"), ("Όψη", "flag=yes")):
        refused = client.post("/monitor/views", data={"name": name, "query": query, **token}, headers=HTMX)
        all_in_brackets(refused, "view refused", 422)
    with writing(session):
        session.execute(update(Candidacy).values(room="Μεγάλη"))
    all_in_brackets(client.get("/monitor"), "view not possible", 200, 400)
    looked_at(speaking(app, colleague), "/monitor")


def test_messages_and_the_log(app: Flask, hall: Hall, session: Session, exam: Exam) -> None:
    one = number_of(session, exam, 1)
    chief = hall.contributor(exam, role=Role.CHIEF_INVIGILATOR, user=hall.person("Γιώργος"))
    admin = hall.person("Ελένη", is_admin=True)
    client = speaking(app, chief)
    text = {"subject": "Ησυχία", "body": "Δέκα λεπτά ακόμη."}
    looked_at(client, f"/messages/new?candidate={one}", "/messages/new?scope=filtered&state=writing")
    looked_at(client, "/messages/new?scope=filtered", "/messages/new?scope=filtered&q=%CF%88%CF%88")
    form = open_dialog(client, scope="filtered")
    all_in_brackets(post(client, form, subject="", body=""), "bad text", 422)
    all_in_brackets(post(client, form, subject="α\nβ", body="ψ" * 5000), "bad text", 422)
    hall.candidacy(session.get_one(Exam, exam.id), hall.person("Δήμητρα"), number="4720", room="Αίθουσα")
    all_in_brackets(post(client, form, **text), "changed", 409)
    sent = post(client, open_dialog(client, scope="filtered"), **text)
    all_in_brackets(sent, "sent", 201)
    looked_at(client, f"/messages/new?candidate={one}", sent.headers["Location"], "/log", "/log?q=%CE%B7", "/log?q=xyz")
    looked_at(client, "/messages", "/messages?page=2", "/messages?room=%CE%91%CE%AF%CE%B8%CE%BF%CF%85%CF%83%CE%B1")
    for action, values in (("note", {"note": "Ζαλισμένος"}), ("extra_time", {"minutes": "1"}), ("pause", {})):
        assert at_once(client, action, candidate=str(one), idempotency_key=f"of-{action}", **values).status_code == 201
    test = session.get_one(Exam, exam.id)
    for closed in (True, False):
        set_closed(session, test.title, test.start_date, closed=closed, now=utcnow())
    someone = hall.person("Νίκος", username="νίκος")
    set_role(session, "νίκος", Role.PLANNER, test.title, test.start_date, room="Αίθουσα", now=utcnow())
    set_administrator(session, someone.username, is_admin=True, now=utcnow())
    app.test_client().post("/login", data={"username": "nobody", "password": "wrong"})
    everything = speaking(app, admin)
    looked_at(everything, "/log", "/monitor")
    numbers = re.findall(r'data-entry="(\d+)"', everything.get("/log").text)
    looked_at(everything, f"/log/{numbers[0]}")
    for number in numbers[1:]:
        all_in_brackets(everything.get(f"/log/{number}"), f"entry {number}")
    all_in_brackets(everything.get("/log/print"), "print of the log")
    header = next(csv.reader(io.StringIO(everything.get("/log.csv").text.lstrip("\ufeff"))))
    assert all(cell.startswith(OPEN) for cell in header), header


def test_the_hall_display_and_receipts(app: Flask, hall: Hall, session: Session, exam: Exam) -> None:
    over = hall.test("Λογική", starts_at=utcnow() - 180 * MINUTE, ends_at=utcnow() - MINUTE)
    early = hall.test("Ποίηση", starts_at=utcnow() + 30 * MINUTE)
    planner = hall.contributor(exam, over, early, role=Role.PLANNER, user=hall.person("Γιώργος"))
    client, shown = speaking(app, planner), f"/display?test={exam.id}"
    looked_at(client, "/display", shown, f"/display?test={over.id}", f"/display?test={early.id}")
    object.__setattr__(app.config["SETTINGS"], "receipts", True)
    post(client, open_dialog(client, scope="filtered"), subject="Ησυχία", body="Δέκα λεπτά. " * 90)
    ids = [number_of(session, exam, place) for place in (1, 2)]
    fields = {"candidate": ids, "reason": "Διακοπή", "idempotency_key": "start-it", "csrf_token": csrf(client)}
    assert client.post("/incidents", data=fields, headers=HTMX).status_code == 201
    looked_at(client, shown, "/messages/1", "/messages/1/walk-list", "/messages/new?again=1&unseen=1")
    all_in_brackets(client.get("/messages/1/receipts"), "receipts")
    one = session.get_one(Candidacy, ids[0])
    candidate = speaking(app, session.get_one(User, one.user_id))
    looked_at(candidate, "/", "/inbox")
    with writing(session):
        session.execute(update(Candidacy).values(submitted_at=utcnow(), blank=False))
    looked_at(client, shown, "/messages/1/walk-list")


def test_actions_and_incidents(app: Flask, hall: Hall, session: Session, exam: Exam) -> None:
    ids = [number_of(session, exam, place) for place in range(1, 9)]
    planner = hall.contributor(exam, role=Role.PLANNER, user=hall.person("Γιώργος"))
    client = speaking(app, planner)
    for kind in (kind.name for kind in KINDS.values() if kind.columns):
        all_in_brackets(client.get(f"/candidates/actions/new?action={kind}&scope=filtered"), f"page of {kind}")
        one = client.get(f"/candidates/actions/new?action={kind}&candidate={ids[0]}", headers=HTMX)
        all_in_brackets(one, f"dialog of {kind}")
        form = open_form(client, kind, candidate=[str(number) for number in ids])
        wrong = {"minutes": "2000", "note": "ψ" * 501, "room": "Πουθενά", "seat": "9", "attendance": "absent"}
        bad = press(
            client, form, **{name: wrong[name] for name in KINDS[kind].values if name in wrong}, reason="ψ" * 501
        )
        all_in_brackets(bad, f"{kind}, refused", 422)
        typed = {"attendance": "absent", "note": "Ώρα", "minutes": "5", "mode": "add", "room": "Αίθουσα"}
        done = press(
            client, form, **{name: typed[name] for name in KINDS[kind].values if name in typed}, reason="Λόγος"
        )
        all_in_brackets(done, kind, 201)
        if KINDS[kind].can_be_undone and "undo-2" in done.text:
            all_in_brackets(undo(client, done), f"{kind}, undone", 201)
    looked_at(client, f"/monitor/candidates/{ids[0]}", f"/monitor/candidates/{ids[5]}", "/log")
    for kind in ("password", "unlock"):
        looked_at(client, f"/monitor/candidates/{ids[0]}/{kind}")
    token = {"csrf_token": csrf(client)}
    unlocked = client.post(f"/monitor/candidates/{ids[0]}/unlock", data=token, headers=HTMX)
    all_in_brackets(unlocked, "unlocked", 200, 201)
    looked_at(client, "/incidents/new?scope=filtered", f"/incidents/new?candidate={ids[6]}")
    fields = {"candidate": str(ids[1]), "idempotency_key": "start-it", **token}
    all_in_brackets(client.post("/incidents", data=fields, headers=HTMX), "no reason", 422)
    started = client.post("/incidents", data={**fields, "reason": "Διακοπή"}, headers=HTMX)
    all_in_brackets(started, "started", 201)
    looked_at(client, "/incidents/1", "/monitor")
    ended = client.post("/incidents/1/end", data={"idempotency_key": "end-it", **token}, headers=HTMX)
    all_in_brackets(ended, "ended", 201)
    looked_at(client, "/incidents/1")
    numbers = re.findall(r'data-entry="(\d+)"', client.get("/log").text)
    for number in numbers:
        all_in_brackets(client.get(f"/log/{number}"), f"entry {number}")


def test_a_candidates_pages(app: Flask, hall: Hall, session: Session, exam: Exam) -> None:
    exam_id = exam.id
    chief = signed_in(app, hall.contributor(exam, role=Role.CHIEF_INVIGILATOR, user=hall.person("Γιώργος")))
    post(chief, open_dialog(chief, scope="filtered"), subject="Ησυχία", body="Δέκα λεπτά.")
    early = hall.test("Ποίηση", starts_at=utcnow() + 30 * MINUTE)
    missed = hall.test("Λογική", starts_at=utcnow() - 180 * MINUTE, ends_at=utcnow() - MINUTE)
    for place, one in enumerate(session.query(Candidacy).filter_by(test_id=exam_id).all()):
        user = session.get_one(User, one.user_id)
        if place < 2:
            hall.candidacy((early, missed)[place], user, started_at=None, number="4730", room="Αίθουσα")
        client = speaking(app, user)
        looked_at(client, "/")
        for address in (f"/tests/{exam_id}", f"/tests/{exam_id}?confirm=submit", "/inbox"):
            all_in_brackets(client.get(address), address)
        token = {"csrf_token": csrf(client)}
        for text in ("Απάντηση", "ψ" * 100_001) if place == 0 else ("Απάντηση",):
            answer = client.post(f"/tests/{exam_id}/answers/1", data={"text": text, **token}, headers=HTMX)
            all_in_brackets(answer, "answer", 200, 409, 422)
            answer = client.post(f"/tests/{exam_id}/answers/1", data={"text": text + "α", "base": "9", **token})
            all_in_brackets(answer, "answer, page", 200, 303, 409, 422) if answer.status_code != 303 else None
        assert OPEN in client.get("/inbox/new").text or place in (5, 6, 7)
    assert session.query(Answer).count()
    stranger = speaking(app, hall.person("Ξένος"))
    looked_at(stranger, "/")
    all_in_brackets(stranger.get("/monitor"), "not allowed", 403)
    nobody = app.test_client()
    nobody.environ_base["HTTP_ACCEPT_LANGUAGE"] = LANGUAGE
    all_in_brackets(nobody.get("/login"), "sign-in")
    for _ in range(12):
        tried = nobody.post("/login", data={"username": "nobody", "password": "wrong", "csrf_token": csrf(nobody)})
        all_in_brackets(tried, "sign-in, refused", 422, 429)
