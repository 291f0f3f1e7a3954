"""Record 4: actions, incidents, presence, saves and submissions lock in one order, so that none is broken off."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.actions.incident import end, number_of, picked, start
from tests.actions.taken import carry, form_for
from tests.exams.rows import question_of, session_of
from tests.hall import Hall
from tests.nightly import at_night
from webapp.actions.exceptions import NobodyInProgress
from webapp.actions.undoing import undo
from webapp.clock import utcnow
from webapp.exams import answers, sittings
from webapp.exams.absences import note_returns
from webapp.exams.sittings import NotNow
from webapp.extensions import db
from webapp.models import Role, User
from webapp.models import Test as Exam
from webapp.push.hub import Hub
from webapp.push.presence import PresenceRecorder


class Crowd:
    """Forty people, each in two tests: in order of people their candidacies are not in order of ids."""

    def __init__(self, hall: Hall, tests: tuple[Exam, Exam], staff: list[User]) -> None:
        people = hall.candidacies(tests[0], 40)
        persons = [hall.session.get_one(User, one.user_id) for one in people]
        second = [hall.candidacy(tests[1], user=person).id for person in reversed(persons)]
        for test in tests:
            hall.candidacy(test, room="Room 2")
        self.everybody = [*(one.id for one in people), *second][::-1]
        self.users = [person.id for person in persons]
        self.question = tests[0].id, question_of(hall, tests[0].id)
        self.staff = [actor.id for actor in staff]
        self.versions: dict[int, int] = {}

    def act(self, number: int, action: str, **fields: str) -> None:
        actor = db.session.get_one(User, self.staff[number])
        taken = carry(db.session(), actor, form_for(action, *self.everybody, **fields))
        if action == "room":
            undo(db.session(), actor, taken.id, now=utcnow())

    def incident(self) -> None:
        actor = db.session.get_one(User, self.staff[0])
        try:
            number = number_of(start(db.session(), actor, picked(*self.everybody), at=utcnow()))
        except NobodyInProgress:  # a colleague has paused all of them
            return
        end(db.session(), actor, number, utcnow() + timedelta(seconds=1))

    def presence(self) -> None:
        recorder = PresenceRecorder(Hub(0), on_return=note_returns)
        for user_id in self.users[::-1]:
            recorder.seen(session_of(user_id), utcnow())
        recorder.flush(db.session(), utcnow())

    def save(self) -> None:
        """Of these people half submit meanwhile."""
        self._sit(self._save, self.users[::-2])

    def _save(self, user_id: int) -> answers.SavedAnswer:
        """The first text, then each over the last one's version."""
        base = self.versions.get(user_id)
        where = db.session(), session_of(user_id), *self.question
        saved = answers.save(*where, typed=f"text over {base}", now=utcnow(), base=base)
        self.versions[user_id] = saved.version
        return saved

    def submit(self) -> None:
        self._sit(lambda user_id: sittings.submit(db.session(), user_id, self.question[0], utcnow()), self.users[::-4])

    def _sit(self, write: Callable[[int], Any], users: list[int]) -> None:
        for user_id in users:
            try:
                write(user_id)
            except NotNow:  # paused
                continue


@pytest.mark.thorough
@pytest.mark.parametrize("rounds", [6, *at_night(8)])
@pytest.mark.one_database("postgresql")  # SQLite lets one write at a time: nothing can be locked crosswise
def test_nobody_is_broken_off_where_all_lock_the_same_candidates(
    app: Flask, hall: Hall, test: Exam, chief: User, planner: User, session: Session, rounds: int
) -> None:
    law = hall.test("Law")
    for actor in (chief, planner):
        hall.contributor(law, role=Role.CHIEF_INVIGILATOR, user=actor)
    crowd = Crowd(hall, (test, law), [chief, planner])
    session.rollback()
    acts: list[Callable[[], Any]] = [
        partial(crowd.act, 0, "room", room="Room 2"), partial(crowd.act, 1, "extra_time", minutes="1", mode="add"),
        partial(crowd.act, 1, "pause"), partial(crowd.act, 0, "resume"), crowd.incident, crowd.presence, crowd.presence,
        crowd.save, crowd.submit,
    ]  # fmt: skip

    def repeat(act: Callable[[], Any]) -> None:
        for _ in range(rounds):
            with app.app_context():
                act()

    with ThreadPoolExecutor(len(acts)) as hands:
        done = [hands.submit(repeat, act) for act in acts]
    assert [act.exception() for act in done] == [None] * len(acts)
