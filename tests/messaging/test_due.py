"""What is scheduled goes out when it is due, to each person once, or not at all (R29)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog
from tests.messaging.scheduling import MINUTE, Process, got, local, number_of, schedule, state_of
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, LogEntry, Message, Role, Test, User


@pytest.fixture
def process(session: Session) -> Process:
    return Process(session, utcnow())


def set_columns(session: Session, candidacy: Candidacy, **columns: object) -> None:
    """Change a candidacy as an action would."""
    with writing(session):
        session.execute(update(Candidacy).where(Candidacy.id == candidacy.id).values(**columns))


def test_r29_at_a_time_it_goes_to_the_filter_of_that_moment_once(
    app: Flask, hall: Hall, test: Test, sender: User, browser: FlaskClient, session: Session, process: Process
) -> None:
    """In time by a second, as a message of its author with a log entry that names the schedule."""
    inside, moved = hall.candidacy(test, room="Aula"), hall.candidacy(test, room="Aula")
    form = open_dialog(browser, scope="filtered", test=test.id, room="Aula")
    at = (utcnow() + 10 * MINUTE).replace(second=0, microsecond=0)
    number = number_of(schedule(browser, form, when="at", at=local(app, at), level="important"))
    set_columns(session, moved, room="Sal 2")
    joined = hall.candidacy(test, room="Aula")

    process.now = at - timedelta(seconds=1)
    assert process.look() == []
    assert process.look(timedelta(seconds=2)) == [sorted([inside.user_id, joined.user_id])]
    assert process.look(timedelta(seconds=1)) == Process(session, process.now).look() == []
    assert state_of(session, number) == ("sent", "")
    message = session.scalars(select(Message)).one()
    assert (message.schedule_id, message.level, message.sender_id) == (number, "important", sender.id)
    entry = session.get_one(LogEntry, message.id)
    assert (entry.action, entry.actor_id, json.loads(entry.detail)["schedule"]) == ("message.sent", sender.id, number)


def test_r29_before_each_ones_own_end(app: Flask, hall: Hall, session: Session, process: Process) -> None:
    """Extra time counts, a changed end moves it, who has left the filter gets nothing, and nobody gets it twice."""
    ends = process.now + 60 * MINUTE
    test = hall.test(ends_at=ends)
    browser = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    usual, extended, longer, gone = (hall.candidacy(test, extra_minutes=extra) for extra in (0, 0, 30, 0))
    form = open_dialog(browser, scope="filtered", test=test.id, state=["writing", "offline"])
    number = number_of(schedule(browser, form, when="before_end", minutes="15"))

    assert process.look(44 * MINUTE) == []
    set_columns(session, extended, incident_minutes=10)
    set_columns(session, gone, submitted_at=utcnow())
    process.now = ends - 15 * MINUTE
    assert process.look() == [[usual.user_id]]
    set_columns(session, usual, extra_minutes=5)  # comes due once more, and has it
    set_columns(session, gone, submitted_at=None)  # was decided on when it was due
    assert process.look(5 * MINUTE) == []
    assert process.look(5 * MINUTE) == [[extended.user_id]]
    assert Process(session, process.now).look(timedelta(seconds=5)) == []
    assert state_of(session, number) == ("waiting", "")
    assert process.look(20 * MINUTE) == [[longer.user_id]]
    assert state_of(session, number) == ("sent", "")
    assert got(session) == {usual.user_id: 1, extended.user_id: 1, longer.user_id: 1}
