"""Tests end (R26): by a command or by themselves; a closed one leaves every monitor and every audience."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Connection, event, func, select, update
from sqlalchemy.orm import Session

from tests.databases import Database, application_on
from tests.hall import Hall, signed_in
from tests.monitor.test_page import count_of, got, rows_of
from tests.nightly import at_night
from tests.until import until
from webapp import planning
from webapp.clock import utcnow
from webapp.db.transactions import WRITE
from webapp.extensions import db
from webapp.logbook.verify import verify
from webapp.models import Candidacy, LogEntry, LogSubject, Role, Test
from webapp.planning.closing import close_ended_tests

HOURS = timedelta(hours=12)


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=list(arguments))
    return result.exit_code, result.output


def is_closed(session: Session, test: Test) -> bool:
    session.rollback()
    session.refresh(test)
    return test.closed_at is not None


def test_a_command_closes_and_reopens_a_test(app: Flask, hall: Hall) -> None:
    test = hall.test("Algebra")
    day = f"{test.start_date}"
    assert run(app, "close-test", " Algebra\u200b", "--date", day)[0] == 0
    assert is_closed(hall.session, test)
    code, output = run(app, "close-test", "Algebra", "--date", day)
    assert (code, "closed already" in output) == (0, True)
    code, output = run(app, "reopen-test", "Algebra", "--date", day)
    assert (code, "open again" in output) == (0, True)
    assert not is_closed(hall.session, test)
    assert test.reopened_at is not None, "the time until it closes by itself starts anew"
    assert "open already" in run(app, "reopen-test", "Algebra", "--date", day)[1]


@pytest.mark.one_database
def test_a_test_that_is_not_there_is_named_with_those_that_are(app: Flask, hall: Hall) -> None:
    test = hall.test("Algebra")
    code, output = run(app, "close-test", "Algebra", "--date", "2001-02-03")
    assert code == 1
    assert f"Algebra --date {test.start_date}" in output
    code, output = run(app, "close-test", "Geometry", "--date", f"{test.start_date}")
    assert (code, f"Algebra --date {test.start_date}" in output) == (1, True)
    assert not is_closed(hall.session, test)


def test_each_closing_and_reopening_is_logged_with_all_candidacies(app: Flask, hall: Hall) -> None:
    """R15: who, when, what, whom; the chain holds, and the test's planner sees it."""
    test, other = hall.test("Algebra"), hall.test("Biology")
    ids = {hall.candidacy(test).id, hall.candidacy(test).id}
    hall.candidacy(other)
    for command in ("close-test", "reopen-test"):
        assert run(app, command, "Algebra", "--date", f"{test.start_date}")[0] == 0
    session = hall.session
    session.rollback()
    entries = session.scalars(select(LogEntry).order_by(LogEntry.id)).all()
    assert [entry.action for entry in entries] == ["test.closed", "test.reopened"]
    for entry in entries:
        assert json.loads(entry.detail) == {"test": "Algebra", "date": f"{test.start_date}"}
        assert entry.actor_name == "command line"
        subjects = select(LogSubject.candidacy_id).where(LogSubject.entry_id == entry.id)
        assert set(session.scalars(subjects)) == ids
    assert verify(session).sound
    page = signed_in(app, hall.contributor(test, role=Role.PLANNER)).get("/log").text
    assert "Test closed" in page
    assert f"Algebra ({test.start_date:%-d %b %Y})" in page
    assert "Test reopened" in page


def test_a_test_closes_by_itself_after_its_last_own_end(hall: Hall) -> None:
    """Hours are counted from the last own end of anybody in it, and from the last reopening."""
    long_ago = timedelta(days=200)
    cases: dict[str, tuple[timedelta, int, timedelta | None, bool]] = {
        "long over": (timedelta(hours=13), 0, None, True),
        "to the minute": (timedelta(hours=12), 0, None, True),
        "not yet": (timedelta(hours=11, minutes=59), 0, None, False),
        "extra time left": (timedelta(hours=13), 61, None, False),
        "extra time over": (timedelta(hours=13), 60, None, True),
        "reopened": (long_ago, 0, timedelta(hours=11), False),
        "reopened long ago": (long_ago, 0, timedelta(hours=12), True),
    }
    now, session = utcnow(), hall.session
    for case, (ended, extra, reopened, closes) in cases.items():
        starts_at, reopened_at = now - ended - timedelta(hours=3), reopened and now - reopened
        test = hall.test(case, starts_at=starts_at, ends_at=now - ended, reopened_at=reopened_at)
        hall.candidacy(test)
        hall.candidacy(test, extra_minutes=extra - extra // 2, incident_minutes=extra // 2)
        entries = session.scalar(select(func.count()).select_from(LogEntry)) or 0
        closed = close_ended_tests(session, now=now, after=HOURS)
        assert [one.id for one in closed] == ([test.id] if closes else []), case
        assert is_closed(session, test) is closes, case
        written = session.scalars(select(LogEntry.actor_name).order_by(LogEntry.id)).all()[entries:]
        assert written == (["automatic"] if closes else []), case
        assert close_ended_tests(session, now=now, after=HOURS) == [], case


def test_a_test_that_got_more_time_meanwhile_is_not_closed(hall: Hall) -> None:
    """It was over when it was found, and is not any more when it is locked."""
    now = utcnow()
    test = hall.test(starts_at=now - timedelta(hours=16), ends_at=now - timedelta(hours=13))
    candidacy_id = hall.candidacy(test).id

    def give_time(_session: Session, _transaction: object, connection: Connection) -> None:
        if WRITE in connection.get_execution_options():
            connection.execute(update(Candidacy).where(Candidacy.id == candidacy_id).values(incident_minutes=120))

    event.listen(hall.session, "after_begin", give_time)
    assert close_ended_tests(hall.session, now=now, after=HOURS) == []
    event.remove(hall.session, "after_begin", give_time)
    assert not is_closed(hall.session, test)


@pytest.mark.one_database("postgresql")
@pytest.mark.parametrize(("hours", "closes"), [(12, True), (0, False)])
def test_the_setting_says_after_how_many_hours(
    database: Database, monkeypatch: pytest.MonkeyPatch, hours: int, closes: bool
) -> None:
    """A process looks for itself once it has had a request; 0 means never."""
    monkeypatch.setattr(planning, "LOOK_SECONDS", 0.05)
    with application_on(database, close_after_hours=hours) as app, app.app_context():
        hall = Hall(db.session())
        test = hall.test(starts_at=utcnow() - timedelta(days=2), ends_at=utcnow() - timedelta(days=1))
        app.test_client().get("/login")
        if closes:
            until(lambda: is_closed(hall.session, test))
        else:
            time.sleep(0.5)
            assert not is_closed(hall.session, test)


@pytest.mark.one_database("postgresql")
def test_the_monitor_shows_the_tests_that_are_open_now(app: Flask, hall: Hall) -> None:
    """A test of last May is in nobody's list; who plans or runs it finds it by the filter, and it says what it is."""
    now = utcnow()
    running = hall.test("Running")
    soon = hall.test("Soon", starts_at=now + timedelta(minutes=59))
    ahead = hall.test("Ahead", starts_at=now + timedelta(minutes=61))
    closed = hall.test("Past", starts_at=now - timedelta(days=200), closed_at=now - timedelta(days=199))
    ids = {test.title: hall.candidacy(test, room="Aula").id for test in (running, soon, ahead, closed)}
    for person in (hall.person(is_admin=True), hall.contributor(running, soon, ahead, closed, role=Role.PLANNER)):
        client = signed_in(app, person)
        page = got(client, "/monitor")
        assert set(rows_of(page)) == {ids["Running"], ids["Soon"]}
        assert count_of(page) == 2
        tests = got(client, "/monitor/filters/test")
        assert "Past (closed)" in tests
        assert "Ahead (not open yet)" in tests
        assert set(rows_of(got(client, "/monitor?room=Aula"))) == {ids["Running"], ids["Soon"]}
        assert set(rows_of(got(client, f"/monitor?test={closed.id}&test={ahead.id}"))) == {ids["Past"], ids["Ahead"]}
        listed = client.get("/monitor.csv").text
        assert "Running" in listed
        assert "Past" not in listed
    invigilator = signed_in(app, hall.contributor(running, ahead, closed))
    assert set(rows_of(got(invigilator, "/monitor"))) == {ids["Running"]}
    assert invigilator.get(f"/monitor?test={closed.id}").status_code == 400


@pytest.mark.one_database("postgresql")
def test_without_an_open_test_the_list_says_what_to_do(app: Flask, hall: Hall) -> None:
    ahead = hall.test("Ahead", starts_at=utcnow() + timedelta(days=3))
    hall.candidacy(ahead)
    client = signed_in(app, hall.contributor(ahead, role=Role.PLANNER))
    page = got(client, "/monitor")
    assert count_of(page) == 0
    assert "None of your tests is open now. Choose a test" in page
    assert count_of(got(client, f"/monitor?test={ahead.id}")) == 1


@pytest.mark.one_database("postgresql")
@pytest.mark.parametrize("role", [Role.PLANNER, *at_night(Role.CHIEF_INVIGILATOR)])
def test_a_closed_test_is_in_no_audience(app: Flask, hall: Hall, role: Role) -> None:
    """By no filter, by no list, and the dialog of everybody counts those of open tests alone."""
    running, closed = hall.test("Running"), hall.test("Past", closed_at=utcnow())
    open_id, closed_id = hall.candidacy(running).id, hall.candidacy(closed).id
    client = signed_in(app, hall.contributor(running, closed, role=role))
    assert 'data-candidacies="1"' in client.get("/messages/new?scope=filtered").text
    assert client.get(f"/messages/new?candidate={closed_id}").status_code == 404
    assert client.get(f"/messages/new?scope=filtered&test={closed.id}").status_code == 400
    assert client.get(f"/messages/new?candidate={open_id}").status_code == 200


@pytest.mark.one_database("postgresql")
def test_a_test_ahead_is_reached_only_by_its_name(app: Flask, hall: Hall) -> None:
    """A planner may write to tomorrow's candidates, and does not by mistake."""
    running, ahead = hall.test("Running"), hall.test("Ahead", starts_at=utcnow() + timedelta(days=1))
    hall.candidacy(running)
    picked = hall.candidacy(ahead).id
    client = signed_in(app, hall.contributor(running, ahead, role=Role.PLANNER))
    assert 'data-candidacies="1"' in client.get("/messages/new?scope=filtered").text
    assert 'data-candidacies="1"' in client.get(f"/messages/new?scope=filtered&test={ahead.id}").text
    assert 'data-candidacies="1"' in client.get(f"/messages/new?candidate={picked}").text
