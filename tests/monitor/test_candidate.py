"""One candidate: who sees them, what is known, and what has happened (R6, R14, R24, R27)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.exams.rows import question_of
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog, post
from tests.monitor.test_page import got
from tests.statements import statements
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.logbook.append import Actor, append, lock_head, write_subjects
from webapp.models import Absence, Answer, Candidacy, Role, User
from webapp.models import Test as Exam

HTMX = {"HX-Request": "true"}
MINUTE = timedelta(minutes=1)
MOST_STATEMENTS = 9


def address(one: Candidacy) -> str:
    return f"/monitor/candidates/{one.id}"


def events_of(page: str) -> list[str]:
    """The kinds of what has happened, newest first."""
    return re.findall(r'data-event="([^"]*)"', page)


def fact(page: str, name: str) -> str:
    """The words of one fact; empty if the page does not have it."""
    found = re.search(rf'id="fact-{name}"><dt>.*?<dd>(.*?)</dd>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", "", found[1]).split()) if found else ""


@pytest.fixture
def exam(hall: Hall) -> Exam:
    return hall.test("Algebra")


@pytest.fixture
def one(hall: Hall, exam: Exam) -> Candidacy:
    return hall.candidacy(exam, hall.person("Ada Byron"), number="D100", room="Sal A", seat="12C")


@pytest.fixture
def chief(app: Flask, hall: Hall, exam: Exam) -> FlaskClient:
    return signed_in(app, hall.contributor(exam, role=Role.CHIEF_INVIGILATOR, user=hall.person("Grace Chief")))


def write_entry(
    session: Session, one: Candidacy, action: str, at: datetime, detail: dict[str, Any] | None = None
) -> None:
    """An entry of the log about this candidate, by nobody who is signed in."""
    query = (
        Exam.__table__.select()
        .select_from(Candidacy)
        .join(Exam, Exam.id == Candidacy.test_id)
        .join(User, User.id == Candidacy.user_id)
        .where(Candidacy.id == one.id)
    )
    with writing(session):
        head = lock_head(session)
        subjects = write_subjects(session, head, query)
        actor = Actor(None, "Somebody Else", "planner")
        append(session, head, at=at, actor=actor, action=action, detail=detail or {}, subjects=subjects)


@pytest.mark.thorough
def test_r6_who_sees_a_candidate(app: Flask, hall: Hall, exam: Exam, one: Candidacy) -> None:
    """Those whose monitor shows them: by role, test, room and window."""
    law, ahead = hall.test("Law"), hall.test("Ahead", starts_at=utcnow() + timedelta(days=2))
    closed = hall.test("Closed", closed_at=utcnow())
    other = {"ahead": hall.candidacy(ahead, started_at=None), "closed": hall.candidacy(closed)}
    both = hall.contributor(law)
    hall.contributor(ahead, closed, user=both)
    planner = hall.contributor(law, ahead, closed, role=Role.PLANNER)
    seen_by = {
        hall.contributor(exam): {"one"},
        hall.contributor(exam, room="Sal A"): {"one"},
        hall.contributor(exam, room="sal a"): set(),
        both: set(),
        planner: {"ahead", "closed"},
        hall.person(is_admin=True): {"one", "ahead", "closed"},
    }
    for person, names in seen_by.items():
        client = signed_in(app, person)
        for name, each in {"one": one, **other}.items():
            for headers in ({}, HTMX) if person.is_admin or not names else (HTMX,):
                answer = client.get(address(each), headers=headers)
                assert answer.status_code == (200 if name in names else 404), (name, person.name)
                assert (each.number in answer.text) is (name in names)
    assert signed_in(app, planner).get("/monitor/candidates/999999").status_code == 404


@pytest.mark.one_database
def test_who_has_no_test_open_is_told_when_it_opens(app: Flask, hall: Hall, one: Candidacy) -> None:
    soon = hall.contributor(hall.test("Soon", starts_at=utcnow() + timedelta(days=2)))
    for headers in ({}, HTMX):
        answer = signed_in(app, soon).get(address(one), headers=headers)
        assert answer.status_code == 403
        assert "“Soon” opens at" in answer.text


@pytest.mark.one_database
def test_what_is_known(hall: Hall, session: Session, exam: Exam, chief: FlaskClient) -> None:
    now = utcnow()
    one = hall.candidacy(
        exam, hall.person("Åsa <b>Högberg"), number="D77", room="Sal B", seat="40A", building="North", group_name="G1",
        extra_minutes=15, incident_minutes=7, attendance="present", id_checked=True, flagged=True,
        note="Feels ill,\nasked twice", saved_at=now - 12 * MINUTE, started_at=now - 60 * MINUTE,
    )  # fmt: skip
    hall.seen(one.user_id, ago=4 * MINUTE)
    page = got(chief, address(one))
    assert "Åsa &lt;b&gt;Högberg" in page
    assert "Feels ill,\nasked twice" in page
    assert re.search(r'class="pill pill-offline[^>]*>\s*Offline 4 min\s*<', page)
    assert fact(page, "seat") == "40A · Sal B, North"
    ends_at = exam.ends_at + 22 * MINUTE
    assert fact(page, "end").endswith(ends_at.strftime("%H:%M"))
    facts = {name: fact(page, name) for name in ("extra", "incident", "attendance", "id-check", "flag", "group")}
    assert facts == {
        "extra": "15 min", "incident": "7 min", "attendance": "Present", "id-check": "Checked", "flag": "Flagged",
        "group": "G1",
    }  # fmt: skip
    hall.seen(one.user_id)
    page = got(chief, address(one))
    assert re.search(r'class="pill pill-idle[^>]*>\s*Idle 12 min\s*<', page)
    assert fact(page, "seen") == "Online now"


def test_what_has_happened_newest_first(hall: Hall, session: Session, exam: Exam, chief: FlaskClient) -> None:
    """Steps, absences, the one that goes on, and the log; what the log tells of is told once."""
    now = utcnow()
    one = hall.candidacy(
        exam, entered_at=now - 70 * MINUTE, started_at=now - 60 * MINUTE, saved_at=now - 5 * MINUTE,
        paused_at=now - 40 * MINUTE,
    )  # fmt: skip
    with writing(session):
        session.add(Absence(candidacy_id=one.id, since=now - 30 * MINUTE, until=now - 26 * MINUTE))
    write_entry(session, one, "account.password_set", now - 20 * MINUTE)
    page = got(chief, address(one))
    assert events_of(page) == ["saved", "account.password_set", "offline", "paused", "started", "arrived"]
    assert "Offline for 4 minutes, until" in page
    assert "Somebody Else" in page
    write_entry(session, one, "candidate.pause", now - 40 * MINUTE)
    assert events_of(got(chief, address(one)))[3:] == ["candidate.pause", "started", "arrived"]
    with writing(session):
        session.get_one(Candidacy, one.id).paused_at = None
    hall.seen(one.user_id, ago=3 * MINUTE)
    page = got(chief, address(one))
    assert events_of(page)[:2] == ["offline", "saved"]
    assert "Offline since then" in page


@pytest.mark.thorough
@pytest.mark.one_database("postgresql")
def test_r14_it_tells_of_the_log_what_its_reader_reads_there(
    app: Flask, hall: Hall, session: Session, exam: Exam, one: Candidacy, chief: FlaskClient
) -> None:
    """Own sendings, and the whole log of one's tests for who reads that; of others not that there was something."""
    invigilator = signed_in(app, hall.contributor(exam))
    law = hall.test("Law")
    person = session.get_one(User, one.user_id)
    elsewhere = hall.candidacy(law, person)
    lawyer = signed_in(app, hall.contributor(law, role=Role.CHIEF_INVIGILATOR))
    assert post(chief, open_dialog(chief, candidate=one.id), subject="From the chief").status_code == 201
    assert post(invigilator, open_dialog(invigilator, candidate=one.id), subject="From me").status_code == 201
    assert post(lawyer, open_dialog(lawyer, candidate=elsewhere.id), subject="About Law").status_code == 201
    seen = {
        name: {
            subject for subject in ("From the chief", "From me", "About Law") if subject in got(client, address(one))
        }
        for name, client in (("chief", chief), ("invigilator", invigilator))
    }
    assert seen == {"chief": {"From the chief", "From me"}, "invigilator": {"From me"}}
    assert "Ten more minutes." in got(invigilator, address(one))
    assert events_of(got(invigilator, address(one))).count("message.sent") == 1


def test_r14_who_is_limited_to_a_room_reads_what_was_done_there(
    app: Flask, hall: Hall, session: Session, exam: Exam, one: Candidacy
) -> None:
    """The log keeps the room as it was: what happened to a candidate before they came is another room's."""
    write_entry(session, one, "account.unlocked", utcnow())
    with writing(session):
        session.get_one(Candidacy, one.id).room = "Sal B"
    write_entry(session, one, "account.password_set", utcnow())
    limited = signed_in(app, hall.contributor(exam, role=Role.CHIEF_INVIGILATOR, room="Sal B"))
    events = events_of(got(limited, address(one)))
    assert "account.password_set" in events
    assert "account.unlocked" not in events


@pytest.mark.one_database
def test_r28_an_action_tells_what_it_changed_of_this_candidate_and_of_nobody_else(
    hall: Hall, session: Session, exam: Exam, one: Candidacy, chief: FlaskClient
) -> None:
    """Who was so already, or could not be reached, was not changed: it says nothing of them."""
    other = hall.candidacy(exam)
    for action, changes in {
        "candidate.flag": [
            {"before": {"flagged": False}, "after": {"flagged": True}, "candidacies": [other.id, one.id]}
        ],
        "candidate.note": [
            {"before": {"note": ""}, "after": {"note": "Of the other"}, "candidacies": [other.id]},
            {"before": {"note": "Old note"}, "after": {"note": "New note"}, "candidacies": [one.id]},
        ],
        "candidate.id_check": [{"before": {}, "after": {"id_checked": True}, "candidacies": [other.id]}],
    }.items():
        write_entry(session, one, action, utcnow(), {"changes": changes, "values": {"reason": f"Why {action}"}})
    page = got(chief, address(one))
    assert events_of(page)[:2] == ["candidate.note", "candidate.flag"]
    assert "candidate.id_check" not in events_of(page)
    assert "Of the other" not in page
    assert re.search("Old note.*→.*New note", page)
    assert "Why candidate.flag" in page


@pytest.mark.one_database
def test_r24_no_question_and_no_answer(session: Session, hall: Hall, one: Candidacy, chief: FlaskClient) -> None:
    question = question_of(hall, one.test_id, "Name the seven gates")
    with writing(session):
        session.add(Answer(candidacy_id=one.id, question_id=question, text="Seven answers", saved_at=utcnow()))
    for headers in ({}, HTMX):
        page = chief.get(address(one), headers=headers).text
        assert "Ada Byron" in page
        assert "seven gates" not in page
        assert "Seven answers" not in page


@pytest.mark.one_database
def test_the_same_is_not_sent_again(hall: Hall, session: Session, one: Candidacy, chief: FlaskClient) -> None:
    """Nor does it count as another when only the seconds have gone on."""
    moment = (utcnow() + MINUTE).replace(second=10, microsecond=0)
    with writing(session):
        session.get_one(Candidacy, one.id).saved_at = moment  # or the minutes of being idle would count on
    with time_machine.travel(moment, tick=False):
        hall.seen(one.user_id)
        tag = re.search(r'data-tag="(\w+)"', got(chief, address(one), **HTMX))
        assert tag
        same = {**HTMX, "HX-PTag": tag[1]}
        assert chief.get(address(one), headers=same).status_code == 304
        assert chief.get(address(one), headers={"HX-PTag": tag[1]}).status_code == 200
    with time_machine.travel(moment + timedelta(seconds=20), tick=False):
        hall.seen(one.user_id)
        assert chief.get(address(one), headers=same).status_code == 304
        with writing(session):
            session.get_one(Candidacy, one.id).note = "Feels ill"
        assert chief.get(address(one), headers=same).status_code == 200


def test_it_takes_a_few_statements_that_indexes_answer(
    app: Flask, hall: Hall, session: Session, one: Candidacy, chief: FlaskClient
) -> None:
    for _ in range(3):
        write_entry(session, one, "account.unlocked", utcnow())
    path = address(one)
    with statements(app) as made:
        got(chief, path, **HTMX)
    assert len(made) <= MOST_STATEMENTS, made
    if session.get_bind().dialect.name == "sqlite":
        about = "EXPLAIN QUERY PLAN SELECT entry_id FROM log_subject WHERE candidacy_id = 1 ORDER BY entry_id DESC"
        assert "ix_log_subject_candidacy_id_entry_id" in str(session.execute(text(about)).all())
