"""`flask prune`: what goes, and what stays."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog, post
from webapp.db.transactions import writing
from webapp.logbook.verify import verify
from webapp.models import Delivery, LogEntry, Message, Schedule, ScheduleState


def ended_schedule(subject: str, at: datetime) -> Schedule:
    """A message that was to go out then, and was missed."""
    return Schedule(
        author_id=1, created_at=at, due_after=at, at=at, ended_at=at, subject=subject, body="B", audience="{}",
        state="missed", idempotency_key=subject, content_digest="",
    )  # fmt: skip


@pytest.fixture
def sent(app: Flask, hall: Hall, session: Session) -> None:
    """Two messages to two people: one from before 2025 began, one from the moment it did."""
    test = hall.test()
    hall.candidacies(test, 2)
    browser = signed_in(app, hall.contributor(test))
    for subject in ("Old", "Kept"):
        post(browser, open_dialog(browser, scope="filtered"), subject=subject)
    with writing(session):
        for subject, year in (("Old", 2024), ("Kept", 2025)):
            session.add(ended_schedule(subject, datetime(year, 6, 1, tzinfo=UTC)))
    with writing(session):
        old, kept = session.scalars(select(Message).order_by(Message.id))
        old.sent_at = datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)
        kept.sent_at = datetime(2025, 1, 1, tzinfo=UTC)


def test_old_messages_go_and_the_log_stays(app: Flask, sent: None, session: Session) -> None:
    run = app.test_cli_runner().invoke(args=["prune", "--before", "2025-01-01"])
    session.rollback()
    assert run.output == "1 message deleted; the log keeps their entries.\n"
    assert session.scalars(select(Message.subject)).all() == ["Kept"]
    kept = session.scalars(select(Message.id)).one()
    assert session.scalars(select(Delivery.message_id)).all() == [kept, kept]  # no foreign key would find another's
    assert session.scalars(select(Schedule.subject)).all() == ["Kept"]
    assert session.scalar(select(func.count()).select_from(LogEntry)) == 2
    assert verify(session).sound


def test_r29_what_a_waiting_schedule_has_sent_stays(app: Flask, sent: None, session: Session) -> None:
    """It tells who has got it: whose end moves would get it a second time."""
    with writing(session):
        waiting = ended_schedule("Waits", datetime(2024, 6, 1, tzinfo=UTC))
        waiting.state, waiting.ended_at = ScheduleState.WAITING, None
        session.add(waiting)
        session.flush()
        old = session.scalars(select(Message).where(Message.subject == "Old")).one()
        old.schedule_id = waiting.id
    run = app.test_cli_runner().invoke(args=["prune", "--before", "2025-01-01"])
    session.rollback()
    assert run.output == "0 messages deleted; the log keeps their entries.\n"
    assert session.scalars(select(Message.subject).order_by(Message.id)).all() == ["Old", "Kept"]
    assert session.scalar(select(func.count()).select_from(Delivery)) == 4


@pytest.mark.one_database
@pytest.mark.parametrize("day", ["yesterday", "2025-13-01", ""])
def test_a_day_that_is_none_deletes_nothing(app: Flask, sent: None, session: Session, day: str) -> None:
    assert app.test_cli_runner().invoke(args=["prune", "--before", day]).exit_code == 2
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Message)) == 2
