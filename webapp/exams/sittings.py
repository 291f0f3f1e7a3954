"""A person's own tests: when they run for this person, and what can be done in them now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from webapp.access import ENTRY_BEFORE_START
from webapp.db.transactions import writing
from webapp.exceptions import NotFound
from webapp.models import Candidacy, Question, Test
from webapp.models.status import own_end

GRACE = timedelta(seconds=15)
"""What was typed before the own end may arrive this much later. It is for the way only: fields close at the end."""
# made once: a hall that writes asks 150 times per second, and making it takes longer than the answer
OF_ANYBODY = select(Candidacy, Test, own_end()).join(Test, Test.id == Candidacy.test_id)
OF_A_PERSON = OF_ANYBODY.where(Candidacy.user_id == bindparam("user_id"))
OF_A_TEST = OF_A_PERSON.where(Test.id == bindparam("test_id"))
OF_A_TEST_LOCKED = OF_A_TEST.with_for_update(of=Candidacy)


class State(StrEnum):
    """What a test is for one candidate at one moment."""

    EARLY = "early"
    READY = "ready"
    WRITING = "writing"
    PAUSED = "paused"
    TIME_UP = "time_up"
    MISSED = "missed"
    SUBMITTED = "submitted"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


BY_TIME = {
    State.EARLY: (State.READY, State.MISSED),
    State.READY: (State.MISSED,),
    State.WRITING: (State.TIME_UP,),
    State.TIME_UP: (State.WRITING,),
}
"""What a state becomes by time alone; and back, where there is more time."""


@dataclass(frozen=True)
class Sitting:
    """One candidacy with its test, at `now`."""

    candidacy: Candidacy
    test: Test
    ends_at: datetime
    """This candidate's own end: with extra time and incident time."""
    now: datetime

    @property
    def state(self) -> State:
        """What the test is for this candidate."""
        candidacy = self.candidacy
        for moment, state in (
            (candidacy.withdrawn_at, State.WITHDRAWN),
            (candidacy.submitted_at, State.SUBMITTED),
            (self.test.closed_at, State.CLOSED),
            (candidacy.paused_at, State.PAUSED),
        ):
            if moment is not None:
                return state
        started = candidacy.started_at is not None
        if self.now >= self.ends_at:
            return State.TIME_UP if started else State.MISSED
        if started:
            return State.WRITING
        return State.READY if self.now >= self.test.starts_at else State.EARLY

    @property
    def states_ahead(self) -> tuple[State, ...]:
        """The state now, and those that time alone can make of it."""
        return (self.state, *BY_TIME.get(self.state, ()))

    @property
    def told(self) -> tuple[object, ...]:
        """All that a candidate's page is told of it, but for what time alone brings about."""
        test, candidacy = self.test, self.candidacy
        steps = candidacy.started_at, candidacy.paused_at, candidacy.submitted_at, candidacy.withdrawn_at
        return test.id, test.starts_at, self.ends_at, test.closed_at, *steps

    @property
    def is_in_progress(self) -> bool:
        """Started and not submitted, whether or not there is time left."""
        return self.state in {State.WRITING, State.PAUSED, State.TIME_UP}

    @property
    def grace_seconds(self) -> int:
        """How long after the end a page may go on sending what was typed before."""
        return int(GRACE.total_seconds())

    @property
    def takes_answers(self) -> bool:
        """Whether an answer that arrives now is still stored."""
        in_grace = self.state is State.TIME_UP and self.now <= self.ends_at + GRACE
        return self.state is State.WRITING or in_grace


def own_sittings(session: Session, user_id: int, now: datetime) -> list[Sitting]:
    """All tests of a person: those that are not over first, each group by its start."""
    rows = session.execute(OF_A_PERSON, {"user_id": user_id})
    found = [Sitting(candidacy, test, end, now) for candidacy, test, end in rows]
    return sorted(found, key=lambda sitting: (sitting.ends_at <= now, sitting.test.starts_at, sitting.test.id))


def own_sitting(session: Session, user_id: int, test_id: int, now: datetime, *, lock: bool = False) -> Sitting:
    """A person's own candidacy in this test; raises `NotFound` if there is none (R13).

    With `lock`, the row stays as it is until the transaction ends (PostgreSQL; SQLite has one writer anyway).
    """
    query = OF_A_TEST_LOCKED if lock else OF_A_TEST
    row = session.execute(query, {"user_id": user_id, "test_id": test_id}).one_or_none()
    if row is None:
        raise NotFound
    candidacy, test, ends_at = row
    return Sitting(candidacy, test, ends_at, now)


def questions_of(session: Session, candidacy: Candidacy) -> list[Question]:
    """The questions of a candidacy's test in their order; none unless it is being sat at this moment (R24).

    The statement itself decides: started, not submitted, not withdrawn, and the test not closed.
    """
    query = (
        select(Question)
        .join(Candidacy, Candidacy.test_id == Question.test_id)
        .join(Test, Test.id == Question.test_id)
        .where(
            Candidacy.id == candidacy.id,
            Candidacy.started_at.is_not(None),
            Candidacy.submitted_at.is_(None),
            Candidacy.withdrawn_at.is_(None),
            Test.closed_at.is_(None),
        )
        .order_by(Question.position)
    )
    return list(session.scalars(query))


def enter(session: Session, user_id: int, now: datetime) -> None:
    """Note once that a person is on the dashboard, for each test that runs or begins within the hour."""
    at_door = [
        sitting.candidacy.id
        for sitting in own_sittings(session, user_id, now)
        if sitting.candidacy.entered_at is None and sitting.test.starts_at - ENTRY_BEFORE_START <= now < sitting.ends_at
    ]
    if not at_door:
        return
    with writing(session):
        for number in sorted(at_door):  # one after the other, in the order in which presence locks them
            session.execute(
                update(Candidacy).where(Candidacy.id == number, Candidacy.entered_at.is_(None)).values(entered_at=now)
            )
