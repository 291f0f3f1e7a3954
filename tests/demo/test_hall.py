"""`flask demo`: the sample hall in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.hall import Hall, signed_in
from webapp.access import Right, access_scope
from webapp.accounts.passwords import verify
from webapp.clock import utcnow
from webapp.config import Settings
from webapp.db.transactions import writing
from webapp.demo import hall
from webapp.demo.hall import ACCOUNTS, PASSWORD, STORY, NotADemo
from webapp.logbook.verify import verify as verify_log
from webapp.models import (
    Absence,
    Answer,
    Candidacy,
    Contribution,
    Delivery,
    LogEntry,
    Message,
    QuickText,
    Role,
    Test,
    User,
)
from webapp.monitor.filters import parse_filter
from webapp.monitor.plan import arrange
from webapp.monitor.query import select_candidacies

pytestmark = [pytest.mark.one_database, pytest.mark.thorough]

ZONE = ZoneInfo("Europe/Stockholm")
TABLES = (User, Test, Candidacy, Contribution, Answer, Message, Delivery, LogEntry, QuickText)


def load(session: Session, now: datetime | None = None, *, allowed: bool = False) -> hall.Hall:
    """The whole command, without its words."""
    now = now or utcnow()
    settings = Settings(secret_key="for tests", database_url="", timezone=ZONE, demo=allowed)
    return hall.load(session, now, settings)


def sizes(session: Session) -> dict[str, int]:
    """How many rows each table has."""
    return {table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES}


@pytest.mark.one_database("sqlite", "postgresql")  # both, for one of these tests
def test_three_tests_run_with_1600_candidates(session: Session) -> None:
    """Issue 3: three running tests, 1,600 candidates, all roles."""
    now = utcnow()
    load(session, now)
    assert session.scalar(select(func.count(func.distinct(Candidacy.user_id)))) == 1600
    for test in session.scalars(select(Test)):
        assert test.starts_at <= now
        assert test.ends_at > now + timedelta(hours=2)
    assert session.scalar(select(func.count()).select_from(Test)) == 3
    assert set(session.scalars(select(Contribution.role))) == set(Role)
    assert {room for room in session.scalars(select(Candidacy.room)) if room.casefold() == "aula magna"} == {
        "Aula Magna",
        "Aula magna",
    }
    looks_like_a_hall(session)


def looks_like_a_hall(session: Session) -> None:
    """Rows with aisles, a few seats empty, nobody without a place; a colleague's seat stays free in the next test."""
    rows = select(Candidacy.room, Candidacy.seat).where(Candidacy.room != "Distans").order_by(Candidacy.id)
    seats_of: dict[str, list[str]] = {}
    for room, seat in session.execute(rows):
        seats_of.setdefault(room, []).append(seat)
    for room, names in seats_of.items():
        assert len(set(names)) == len(names), room
        grid, others = arrange(zip(names, names, strict=True))
        assert grid is not None
        assert not others
    grid, _ = arrange((name, name) for name in seats_of["Sal A115"])
    assert grid is not None
    assert "".join(label or " " for label in grid.columns) == "ABCDEF HIJKLM"
    assert [label for label, _ in grid.rows][12:15] == ["13", "", "15"]


def test_what_the_readme_says_is_there(app: Flask, session: Session) -> None:
    """Everyone whom it sends to the 77 candidates of the story finds them, and can sign in with the one password."""
    loaded = load(session)
    now = utcnow()
    for username in ("chief", "planner", "invigilator", "invigilator2"):
        actor = session.get_one(User, loaded.users[username])
        chosen = parse_filter(MultiDict([("room", "Sal A115"), ("group", "Group 07")]), ZONE)
        query = select_candidacies(access_scope(session, actor, Right.SEND, now), chosen, now)
        people = session.scalars(query.with_only_columns(Candidacy.user_id)).all()
        assert len(people) == len(set(people)) == 77, username
        assert {loaded.users["candidate"], loaded.users["candidate2"]} <= set(people), username
    hashes = set(session.scalars(select(User.password_hash)))
    assert len(hashes) == 1
    assert verify(hashes.pop(), PASSWORD)
    assert ACCOUNTS.keys() <= set(loaded.users)
    page = signed_in(app, session.get_one(User, loaded.users["candidate2"])).get("/").text
    assert page.count("Start the test") == 2, "nobody has started for them: the person who tries the demo does"


def test_again_changes_nothing(session: Session) -> None:
    """Idempotent: the second load finds everything in place. Earlier messages came the real way (R1, R14, R15)."""
    first = load(session)
    assert session.scalar(select(func.count()).select_from(Message)) == len(STORY["messages"])
    for message in session.scalars(select(Message)):
        sent = select(func.count()).select_from(Delivery).where(Delivery.message_id == message.id)
        assert session.scalar(sent) == message.persons > 0
    actions = session.scalars(select(LogEntry.action).order_by(LogEntry.id)).all()
    assert actions == ["sign_in.failed", *["message.sent"] * len(STORY["messages"])]
    assert verify_log(session).sound
    before = sizes(session)
    second = load(session, utcnow() + timedelta(minutes=1))
    assert sizes(session) == before
    assert (second.tests, second.users) == (first.tests, first.users)
    assert not second.began_anew


def test_on_another_day_it_runs_again(session: Session) -> None:
    """The tests move to today and their candidates back to the door; what was sent stays in log and messages."""
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    loaded = load(session, now)
    someone = session.scalars(select(Candidacy).where(Candidacy.submitted_at.is_not(None))).first()
    assert someone is not None
    messages = session.scalar(select(func.count()).select_from(Message))
    with writing(session):
        session.execute(update(Candidacy).values(submitted_at=now, blank=True))
    tomorrow = now + timedelta(days=1, hours=3)
    again = load(session, tomorrow)
    assert again.began_anew
    at_the_door = select(func.count()).where(Candidacy.blank, Candidacy.submitted_at.is_(None))
    assert session.scalar(at_the_door) == 0
    assert again.tests == loaded.tests
    for test in session.scalars(select(Test).execution_options(populate_existing=True)):
        assert test.starts_at <= tomorrow < test.ends_at - timedelta(hours=2)
        assert test.start_date == tomorrow.astimezone(ZONE).date()
    assert session.scalar(select(func.min(Candidacy.started_at))) > now + timedelta(days=1)
    assert session.scalar(select(func.min(Answer.saved_at))) > now + timedelta(days=1)
    assert session.scalar(select(func.min(Absence.since))) > now + timedelta(days=1)
    assert session.scalar(select(func.count()).select_from(Message)) == messages


def test_on_another_day_staff_have_noted_the_same(session: Session) -> None:
    """Notes, flags, quick texts and absences are not doubled, and who was moved sits as before."""
    load(session)
    places = select(Candidacy.id, Candidacy.room, Candidacy.seat).order_by(Candidacy.id)
    before = session.execute(places).all()
    with writing(session):
        session.execute(update(Candidacy).values(room="Elsewhere", seat="1"))
    load(session, utcnow() + timedelta(days=1))
    assert session.execute(places).all() == before
    noted = session.execute(select(Candidacy.note, Candidacy.flagged).where(Candidacy.note != "")).all()
    assert sorted(note for note, _ in noted) == sorted(remark["note"] for remark in STORY["remarks"])
    assert 0 < sum(flagged for _, flagged in noted) < len(noted)
    away = session.execute(select(Absence, Candidacy.back_at).join(Candidacy)).all()
    assert len(away) == sum(seat["progress"] == "returned" for seat in hall.seats())
    assert all(absence.since < absence.until == back_at for absence, back_at in away)
    prepared = select(Test.title, QuickText.subject, QuickText.body).join(Test, Test.id == QuickText.test_id)
    titles = {plan["key"]: plan["title"] for plan in STORY["tests"]}
    told = [(titles[text["test"]], text["subject"], text["body"]) for text in STORY["quick_texts"]]
    assert sorted(session.execute(prepared).all()) == sorted(told)


def test_not_into_a_real_installation(session: Session, hall: Hall) -> None:
    """With real people in the database the demo stays out, and writes nothing."""
    hall.person("Real Person")
    before = sizes(session)
    with pytest.raises(NotADemo, match="EXAMHALL_DEMO=1"):
        load(session)
    assert sizes(session) == before
    load(session, allowed=True)
    load(session)


def test_never_over_somebody_elses_account(session: Session, hall: Hall) -> None:
    """Not even where the demo is allowed: a real `Chief` keeps their password."""
    hall.person("Real Chief", username="Chief", password_hash="theirs")
    with pytest.raises(NotADemo, match="Chief"):
        load(session, allowed=True)
    assert session.scalars(select(User.password_hash)).all() == ["theirs"]


def test_never_over_somebody_elses_test(session: Session, hall: Hall) -> None:
    """A real test of the same title is not moved to today."""
    hall.test("Public Law (JU1204)")
    with pytest.raises(NotADemo, match="Public Law"):
        load(session, allowed=True)


def test_what_is_missing_is_made_again(session: Session) -> None:
    """A hall that lacks a contributor gets that one back, and nothing else."""
    loaded = load(session)
    before = sizes(session)
    with writing(session):
        session.delete(
            session.scalars(select(Contribution).where(Contribution.user_id == loaded.users["chief"])).first()
        )
    load(session)
    assert sizes(session) == before
    assert sum(len(one["tests"]) for one in STORY["staff"]) == before["contribution"]
