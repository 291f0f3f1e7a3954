"""A person's own tests: when they run for this person, what can be done in them now, and the steps that do it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from webapp.access import ENTRY_BEFORE_START
from webapp.db.sql import id_in
from webapp.db.transactions import writing
from webapp.exceptions import NotFound, Refusal
from webapp.models import Answer, Candidacy, Question, Test
from webapp.models.status import is_writing, own_end
from webapp.text.normalization import is_blank

GRACE = timedelta(seconds=15)
"""How long after the own end an answer is still stored. It covers the network: fields close at the end."""
SITTINGS = select(Candidacy, Test, own_end()).join(Test, Test.id == Candidacy.test_id)


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


STATES_AHEAD = {
    State.EARLY: (State.READY, State.MISSED),
    State.READY: (State.MISSED,),
    State.WRITING: (State.TIME_UP,),
    State.TIME_UP: (State.WRITING,),
}
"""What a state becomes by time alone. Time that is up can go on when minutes are added."""
MAY_SUBMIT = frozenset({State.WRITING, State.TIME_UP})
"""After the own end a candidate can still submit until the test is closed. Answers are no longer stored then."""


class ExamRefusal(Refusal):
    """Something that a candidate cannot do in a test now; `templates/exams/_refusal.html` words it by its code."""

    status = 409


class NotNow(ExamRefusal):
    """The state of the test does not allow it; the code is that state."""

    def __init__(self, sitting: Sitting) -> None:
        super().__init__(f"not possible while {sitting.state}")
        self.sitting = sitting
        self.code = sitting.state.value


@dataclass(frozen=True)
class Sitting:
    """One candidacy with its test, at `now`."""

    candidacy: Candidacy
    test: Test
    ends_at: datetime
    """This candidate's own end, with extra time and incident time."""
    now: datetime

    @property
    def state(self) -> State:
        candidacy = self.candidacy
        for moment, state in (
            (candidacy.withdrawn_at, State.WITHDRAWN),
            (candidacy.submitted_at, State.SUBMITTED),
            (self.test.closed_at, State.CLOSED),
            (candidacy.paused_at, State.PAUSED),
        ):
            if moment is not None:
                return state
        if self.now >= self.ends_at:
            return State.TIME_UP if candidacy.started_at else State.MISSED
        if candidacy.started_at:
            return State.WRITING
        return State.READY if self.now >= self.test.starts_at else State.EARLY

    @property
    def possible_states(self) -> tuple[State, ...]:
        """The state now, and those that time alone can make of it."""
        return (self.state, *STATES_AHEAD.get(self.state, ()))

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Everything about it that a candidate's page shows, except what time alone changes."""
        test, candidacy = self.test, self.candidacy
        steps = candidacy.started_at, candidacy.paused_at, candidacy.submitted_at, candidacy.withdrawn_at
        return test.id, test.starts_at, self.ends_at, test.closed_at, *steps

    @property
    def is_in_progress(self) -> bool:
        """Started and not over: a test can also be paused before its candidate has started it."""
        return self.candidacy.started_at is not None and self.state in {State.WRITING, State.PAUSED, State.TIME_UP}

    @property
    def grace_seconds(self) -> int:
        return int(GRACE.total_seconds())

    @property
    def takes_answers(self) -> bool:
        return self.state is State.WRITING or (self.state is State.TIME_UP and self.now <= self.ends_at + GRACE)


def own_sittings(session: Session, user_id: int, now: datetime) -> list[Sitting]:
    """All tests of a person: first those that are not over, each group by its start."""
    sittings = _read(session, SITTINGS.where(Candidacy.user_id == user_id), now)
    return sorted(sittings, key=lambda sitting: (sitting.ends_at <= now, sitting.test.starts_at, sitting.test.id))


def own_sitting(session: Session, user_id: int, test_id: int, now: datetime, *, lock: bool = False) -> Sitting:
    """A person's own candidacy in this test. Raises `NotFound` if there is none (R13).

    With `lock`, the row stays as it is until the transaction ends.
    """
    query = SITTINGS.where(Candidacy.user_id == user_id, Candidacy.test_id == test_id)
    sittings = _read(session, query.with_for_update(of=Candidacy) if lock else query, now)
    if not sittings:
        raise NotFound
    return sittings[0]


def sittings_of(session: Session, candidacy_ids: Iterable[int], now: datetime) -> list[Sitting]:
    return _read(session, SITTINGS.where(id_in(Candidacy.id, candidacy_ids)), now)


def _read(session: Session, query: Select[Candidacy, Test, datetime], now: datetime) -> list[Sitting]:
    return [Sitting(candidacy, test, ends_at, now) for candidacy, test, ends_at in session.execute(query)]


def enter(session: Session, user_id: int, now: datetime) -> None:
    """Note the first time a person is on the dashboard, for each test that runs or begins within the hour."""
    entered = sorted(
        sitting.candidacy.id
        for sitting in own_sittings(session, user_id, now)
        if sitting.candidacy.entered_at is None and sitting.test.starts_at - ENTRY_BEFORE_START <= now < sitting.ends_at
    )
    if not entered:
        return
    with writing(session):
        for candidacy_id in entered:  # row by row, in the order in which presence locks them
            first_time = Candidacy.id == candidacy_id, Candidacy.entered_at.is_(None)
            session.execute(update(Candidacy).where(*first_time).values(entered_at=now))


def start(session: Session, user_id: int, test_id: int, now: datetime) -> None:
    """Start an own test; starting it again changes nothing. A test without questions gets its one answer field.

    Possible from the test's start to the candidate's own end. Raises `NotNow` otherwise, `NotFound` if the test is not
    theirs.
    """
    with writing(session):
        sitting = own_sitting(session, user_id, test_id, now, lock=True)
        if sitting.state is State.WRITING:
            return
        if sitting.state is not State.READY:
            raise NotNow(sitting)
        if not _has_questions(session, test_id):
            # two candidates who start at the same moment wait for each other, and the second finds the question
            session.execute(select(Test.id).where(Test.id == test_id).with_for_update())
            if not _has_questions(session, test_id):
                session.add(Question(test_id=test_id, position=1, prompt=""))
        sitting.candidacy.started_at = now
        sitting.candidacy.entered_at = sitting.candidacy.entered_at or now


def _has_questions(session: Session, test_id: int) -> bool:
    return session.scalar(select(Question.id).where(Question.test_id == test_id).limit(1)) is not None


def submit(session: Session, user_id: int, test_id: int, now: datetime) -> None:
    """Submit an own test; submitting it again changes nothing. Raises `NotNow` and `NotFound`.

    The candidacy is locked: an answer that is being saved is stored before this reads, or refused.
    """
    with writing(session):
        sitting = own_sitting(session, user_id, test_id, now, lock=True)
        if sitting.state is State.SUBMITTED:
            return
        if sitting.state not in MAY_SUBMIT:
            raise NotNow(sitting)
        texts = session.scalars(select(Answer.text).where(Answer.candidacy_id == sitting.candidacy.id))
        sitting.candidacy.blank = all(map(is_blank, texts))
        sitting.candidacy.submitted_at = now


def note_return(session: Session, user_ids: list[int], moment: datetime) -> None:
    """Note in the candidacies in progress of these people that they came back at `moment` from a long absence.

    Called inside the presence transaction.
    """
    in_progress = id_in(Candidacy.user_id, user_ids), is_writing()
    session.connection().execute(update(Candidacy).where(*in_progress).values(back_at=moment))
