"""R25: what changes a sitting is noted with it, and told to the streams of its person."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from tests.exams.rows import browser_of, person_of
from tests.hall import Hall
from tests.planning.papers import bring_in, candidate, roster
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.exams import sittings
from webapp.exams.changes import ChangedSittings
from webapp.models import Candidacy
from webapp.models import Test as Exam
from webapp.planning.closing import set_closed
from webapp.push.service import current_push

LATER = {"test_end": "2026-11-24T13:00"}


def changed(session: Session, since: datetime) -> set[str]:
    """The candidate numbers noted since a moment."""
    session.rollback()
    return set(session.scalars(select(Candidacy.number).where(Candidacy.changed_at >= since)))


def test_r25_an_import_notes_whose_sitting_it_changes(session: Session) -> None:
    bring_in(session, roster(candidate(1), candidate(2)))
    before = utcnow()
    bring_in(session, roster(candidate(1), candidate(2)))
    assert changed(session, before) == set()
    bring_in(session, roster(candidate(1, extra_minutes="15"), candidate(2)))
    assert changed(session, before) == {"C1"}
    before = utcnow()
    bring_in(session, roster(candidate(1, extra_minutes="15", **LATER), candidate(2, **LATER)))
    assert changed(session, before) == {"C1", "C2"}


def test_r25_starting_submitting_closing_and_reopening_are_noted(hall: Hall, session: Session) -> None:
    test = hall.test()
    test_id, title, day = test.id, test.title, test.start_date
    candidacy = hall.candidacy(test, started_at=None, number="C1")
    user_id = candidacy.user_id
    steps = (
        lambda: sittings.start(session, user_id, test_id, utcnow()),
        lambda: sittings.submit(session, user_id, test_id, utcnow()),
        lambda: set_closed(session, title, day, closed=True, now=utcnow()),
        lambda: set_closed(session, title, day, closed=False, now=utcnow()),
    )
    for step in steps:
        before = utcnow()
        step()
        assert changed(session, before) == {"C1"}


def test_r25_streams_of_its_person_are_told_the_sitting_once(app: Flask, hall: Hall, session: Session) -> None:
    test = hall.test()
    ada, bob = hall.candidacy(test), hall.candidacy(test)
    ada_id, ada_person, bob_id = ada.id, ada.user_id, bob.id
    with app.app_context():
        current_push().hub.capacity = 1
        current_push().hub.open(ada_person, "s")
    sweep, before = ChangedSittings(), utcnow()
    assert list(sweep.since(before)) == []
    with writing(session):
        session.get_one(Candidacy, ada_id).extra_minutes = 7
        session.get_one(Candidacy, bob_id).extra_minutes = 7
    words = list(sweep.since(before))
    assert [word.user_id for word in words] == [ada_person]
    assert b"event: sitting" in words[0].event
    assert b"7 min extra time included" in words[0].event
    assert b'lang="en"' in words[0].event, "a page in another language asks instead of showing it"
    assert next(iter(sweep.since(before))) is words[0]
    assert list(sweep.since(utcnow())) == []


def test_r25_a_page_that_polls_learns_that_something_has_changed(app: Flask, hall: Hall, session: Session) -> None:
    test = hall.test(starts_at=utcnow() + timedelta(minutes=5))
    test_id = test.id
    candidacy = hall.candidacy(test, started_at=None)
    number, client = candidacy.id, browser_of(app, person_of(hall, candidacy))

    def version() -> str:
        return client.get("/inbox/new").text.split('data-sittings-version="')[1].split('"')[0]

    assert f'data-sittings-version="{version()}"' in client.get("/").text
    values = {"extra_minutes": 5, "room": "Annex", "seat": "9Z"}
    for field in ("extra_minutes", "paused_at", "withdrawn_at", "starts_at", "room", "seat", "closed_at"):
        first = version()
        assert version() == first, field
        with writing(session):
            of_test = field in {"closed_at", "starts_at"}
            row = session.get_one(Exam, test_id) if of_test else session.get_one(Candidacy, number)
            setattr(row, field, values.get(field) or utcnow())
        assert version() != first, field


@pytest.mark.one_database
def test_r25_the_dashboards_fragment_carries_the_servers_time(app: Flask, hall: Hall) -> None:
    client = browser_of(app, person_of(hall, hall.candidacy(hall.test())))
    fragment = client.get("/", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    told = int(fragment.split('data-server-time="')[1].split('"')[0])
    assert abs(utcnow().timestamp() * 1000 - told) < 60_000


def test_r25_what_is_written_by_hand_is_noted(hall: Hall, session: Session) -> None:
    test = hall.test()
    candidacy, other = hall.candidacy(test, number="C1"), hall.candidacy(hall.test("Other"), number="C2")
    number, test_id = candidacy.id, candidacy.test_id
    assert other.test_id != test_id
    sets = ("extra_minutes = 5", "incident_minutes = 5", "paused_at = 1", "withdrawn_at = 1", "room = 'Annex'")
    statements = [f"UPDATE candidacy SET {one} WHERE id = {number}" for one in (*sets, "seat = '9Z'")]
    statements += [f"UPDATE test SET {one} WHERE id = {test_id}" for one in ("ends_at = ends_at + 1", "closed_at = 1")]
    for statement in statements:
        with writing(session):
            session.execute(update(Candidacy).values(changed_at=None))
        before = utcnow() - timedelta(milliseconds=1)
        with writing(session):
            session.execute(text(statement))
        assert changed(session, before) == {"C1"}, statement
        session.rollback()
        noted = session.scalars(select(Candidacy.changed_at).where(Candidacy.number == "C1")).one()
        assert noted is not None
        assert abs(noted - utcnow()) < timedelta(seconds=5), statement
    with writing(session):
        session.execute(text(f"UPDATE candidacy SET last_seen = 5, saved_at = 5 WHERE id = {number}"))
    assert changed(session, noted + timedelta(microseconds=1)) == set()
