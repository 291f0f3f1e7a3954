"""Several processes, processes that are killed, and whatever happens to clocks and ends: each person once (R29)."""

from __future__ import annotations

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.messaging.scheduling import MINUTE, SECOND, Process, got, local, missed, number_of, schedule, set_columns
from tests.statements import statements
from webapp.clock import utcnow
from webapp.extensions import db
from webapp.messaging.audience import Selection
from webapp.messaging.draft import Draft
from webapp.messaging.exceptions import ScheduleEnded
from webapp.messaging.notices import MESSAGE_SOURCE
from webapp.messaging.schedules import cancel_schedule, make_schedule
from webapp.messaging.when import When, WhenKind
from webapp.models import LogHead, Message, Schedule, Test, User
from webapp.monitor.filters import Filter

PROCESSES = 4


def die(*_: object) -> NoReturn:
    """As an operator's SIGKILL, or a machine without power."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def killed(app: Flask, now: datetime, *, committed: bool) -> None:
    """Another process looks, and is killed right before its commit, or right after it."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        return
    try:
        with app.app_context():
            db.engine.dispose(close=False)  # the connections are the parent's
            session = Session(db.engine)
            if not committed:
                event.listen(session, "before_commit", die)
            process = Process(session, now)
            process.due.step(session, process.installation(announce=die))
    finally:
        os._exit(1)


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["at", "before_end"])
def test_r29_whichever_process_is_killed_it_goes_out_once(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session, when: str
) -> None:
    """Before the commit another one sends it. After the commit nothing is sent again, and the sweep brings it (R8)."""
    people = sorted(candidacy.user_id for candidacy in hall.candidacies(test, 5))
    at = (utcnow() + 10 * MINUTE).replace(second=0, microsecond=0)
    minutes = int((test.ends_at - utcnow()) / MINUTE) - 10
    now = at if when == "at" else test.ends_at - minutes * MINUTE
    for committed in (False, True):
        schedule(browser, when=when, at=local(app, at), minutes=str(minutes))
        newest = session.scalar(select(LogHead.number))
        session.rollback()
        killed(app, now, committed=committed)
        assert Process(session, now).look(SECOND) == ([] if committed else [people])
        (number,) = MESSAGE_SOURCE.numbers_after(newest or 0)
        assert sorted(MESSAGE_SOURCE.load(number).user_ids) == people
    assert set(got(session).values()) == {2}


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["at", "before_end"])
def test_r29_processes_that_look_at_once_send_it_once(
    app: Flask, hall: Hall, test: Test, sender: User, browser: FlaskClient, session: Session, when: str
) -> None:
    """Also beside somebody who cancels it: it is cancelled and nobody has it, or sent and it is too late."""
    people = sorted(candidacy.user_id for candidacy in hall.candidacies(test, 20))
    at = (utcnow() + 10 * MINUTE).replace(second=0, microsecond=0)
    minutes = int((test.ends_at - utcnow()) / MINUTE) - 10
    now = at if when == "at" else test.ends_at - minutes * MINUTE
    sender_id = sender.id
    for number in [number_of(schedule(browser, when=when, at=local(app, at), minutes=str(minutes))) for _ in range(3)]:
        session.rollback()

        def act(place: int, number: int = number) -> list[list[int]]:
            with app.app_context():
                own = db.session()
                process = Process(own, now)
                if place or number < 3:
                    return process.look()
                with suppress(ScheduleEnded):
                    cancel_schedule(own, own.get_one(User, sender_id), number, process.installation())
                return []

        with ThreadPoolExecutor(PROCESSES) as pool:
            found = list(pool.map(act, range(PROCESSES), timeout=60))
        batches = [batch for each in found for batch in each]
        assert batches.count(people) <= 3
        sent = session.scalars(select(Message.id).filter_by(schedule_id=number)).all()
        state = session.get_one(Schedule, number, populate_existing=True).state
        assert (len(sent), state) in {(1, "sent"), (0, "cancelled")} | ({(1, "waiting")} if when != "at" else set())
    assert max(Counter(got(session)).values()) <= 3


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.integers(0, 90)),
        st.tuples(st.just("back"), st.integers(1, 300)),
        st.tuples(st.just("extra"), st.integers(0, 3), st.integers(0, 12)),
        st.tuples(st.sampled_from(["restart", "second"])),
    ),
    max_size=40,
)


class Expected:
    """What is decided on for each person, in plain Python."""

    def __init__(self, made: datetime) -> None:
        self.made = made
        self.batches: Counter[int] = Counter()
        self.decided: dict[int, datetime] = {}
        self.missed: set[int] = set()

    def look(self, now: datetime, due_of: dict[int, datetime]) -> None:
        """Decide on who has come due and was not decided on at that moment."""
        for user_id, due in due_of.items():
            if self.batches[user_id] or not self.made < due <= now or self.decided.get(user_id, self.made) >= due:
                continue
            self.decided[user_id] = due
            if now - due <= 60 * SECOND:
                self.batches[user_id] += 1
                self.missed.discard(user_id)
            else:
                self.missed.add(user_id)


@pytest.mark.thorough
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_r29_each_person_gets_it_once_if_they_are_due_in_time(hall: Hall, session: Session, steps: list[Any]) -> None:
    """Whatever is done to ends, clocks and processes; and for sure once while a process looks every minute."""
    begin = utcnow()
    test = hall.test(f"Test {next(hall.numbers)}", ends_at=begin + 20 * MINUTE)
    people = [hall.candidacy(test) for _ in range(4)]
    author = hall.contributor(test)
    process = Process(session, begin)
    selection = Selection(Filter({"test": (str(test.id),)}))
    draft = Draft("Subject", "Body", selection, when=When(WhenKind.BEFORE_END, minutes="15"))
    number = make_schedule(session, author, draft, process.installation()).id
    ends_at, extra = test.ends_at, dict.fromkeys((person.user_id for person in people), 0)
    expected, is_steady = Expected(begin), True
    for kind, *values in [*steps, *([("look", 50)] * 24)]:
        is_over = session.get_one(Schedule, number, populate_existing=True).state != "waiting"
        if kind == "extra":
            set_columns(session, people[values[0]], extra_minutes=values[1])
            extra[people[values[0]].user_id] = values[1]
        elif kind == "restart":
            process.restart()
        elif kind == "second":
            Process(session, process.now).look()
        else:
            is_steady &= kind == "look" and values[0] <= 60
            process.look(timedelta(seconds=-values[0] if kind == "back" else values[0]))
        if kind in ("look", "back", "second") and not is_over:
            due_of = {who: ends_at + minutes * MINUTE - 15 * MINUTE for who, minutes in extra.items()}
            expected.look(process.now, due_of)
        assert {who: count for who, count in got(session).items() if who in extra} == +expected.batches
        assert missed(session, number) == expected.missed
    if is_steady and not any(kind == "extra" for kind, *_ in steps):
        assert set(expected.batches.values()) == {1}


def test_r29_a_look_is_one_small_statement(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    """Nothing waits: one. Something waits: one more for each message before the own ends, whatever it is for."""
    hall.candidacies(test, 50)
    process = Process(session, utcnow())
    later = local(app, utcnow() + 30 * MINUTE)
    for waiting, choice in enumerate([{}, {"when": "at", "at": later}, *[{"when": "before_end", "minutes": "15"}] * 2]):
        if choice:
            schedule(browser, **choice)
        process.look()  # also looks whether anybody can still come due, which is every ten seconds
        with statements(app) as made:
            assert process.look(SECOND) == []
        assert len(made) == 1 + max(0, waiting - 1), made
