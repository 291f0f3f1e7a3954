"""R28: an incident and what others do at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.actions.incident import EARLIER, NOW, end, members, number_of, picked, start
from tests.actions.taken import carry, form_for, stands
from tests.hall import Hall
from webapp.actions.exceptions import AlreadyEnded
from webapp.clock import utcnow
from webapp.exams.sittings import NotNow, submit
from webapp.extensions import db
from webapp.models import (
    Candidacy,
    LogEntry,
    User,
)
from webapp.models import Test as Exam


def test_of_two_who_end_it_one_wins_and_the_other_is_told(
    app: Flask, hall: Hall, test: Exam, chief: User, planner: User, session: Session
) -> None:
    one = hall.candidacy(test).id
    for number in range(5):
        incident = number_of(start(session, chief, picked(one), idempotency_key=f"start-{number}"))
        session.rollback()

        def end_it(actor_id: int, incident: int = incident) -> int:
            with app.app_context():
                actor = db.session.get_one(User, actor_id)
                return end(db.session(), actor, incident, NOW + timedelta(minutes=3)).id

        with ThreadPoolExecutor(2) as hands:
            ends = [hands.submit(end_it, actor_id) for actor_id in (chief.id, planner.id)]
        refused = [done.exception() for done in ends if done.exception()]
        assert [type(refusal) for refusal in refused] == [AlreadyEnded]
        assert stands(session, one, "paused_at", "incident_minutes") == (None, 3 * (number + 1))


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("first", ["submit", "incident"])
def test_an_incident_and_a_submission_at_once(
    app: Flask, hall: Hall, test: Exam, chief: User, session: Session, first: str
) -> None:
    """Whichever locks the candidacy first: who has submitted is not paused, who is paused cannot submit."""
    one = hall.candidacy(test)
    hall.candidacy(test)
    chief_id, user_id, test_id, candidacy_id = chief.id, one.user_id, test.id, one.id
    session.rollback()

    def in_request(act: Callable[[Session], object]) -> None:
        with app.app_context():
            act(db.session())

    def start_it(own: Session) -> None:
        listed = picked(*own.scalars(select(Candidacy.id).where(Candidacy.test_id == test_id)))
        start(own, own.get_one(User, chief_id), listed)

    steps = {"submit": lambda own: submit(own, user_id, test_id, utcnow()), "incident": start_it}
    names = [first, *(name for name in steps if name != first)]
    with ThreadPoolExecutor(2) as hands:
        done = {name: hands.submit(in_request, steps[name]) for name in names}
    paused_at, submitted_at = stands(session, candidacy_id, "paused_at", "submitted_at")
    assert (paused_at is None) != (submitted_at is None)
    assert done["incident"].exception() is None
    assert isinstance(done["submit"].exception(), NotNow) == (paused_at is not None)


def test_an_incident_and_a_single_pause_at_once(
    app: Flask, hall: Hall, test: Exam, chief: User, planner: User, session: Session
) -> None:
    """One of them pauses; the other finds it so. Who was paused alone is not resumed by the incident's end."""
    one, other = hall.candidacy(test).id, hall.candidacy(test).id
    ids = chief.id, planner.id
    session.rollback()

    def pause_alone() -> None:
        with app.app_context():
            carry(db.session(), db.session.get_one(User, ids[1]), form_for("pause", one), EARLIER)

    def start_it() -> int:
        with app.app_context():
            return number_of(start(db.session(), db.session.get_one(User, ids[0]), picked(one, other)))

    with ThreadPoolExecutor(2) as hands:
        started, _ = hands.submit(start_it), hands.submit(pause_alone)
    incident = started.result()
    is_in_it = one in members(session, incident)
    assert stands(session, one, "paused_at") == (NOW if is_in_it else EARLIER)
    end(session, chief, incident, NOW + timedelta(minutes=1))
    assert stands(session, one, "paused_at", "incident_minutes") == ((None, 1) if is_in_it else (EARLIER, 0))
    assert session.scalar(select(func.count()).select_from(LogEntry)) == 3
