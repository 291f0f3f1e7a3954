"""A person's own tests: when they run for this person, what can be done in them now, and the steps that do it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from webapp.access import ENTRY_BEFORE_START
from webapp.db.transactions import writing
from webapp.exceptions import NotFound, Refusal
from webapp.help_requests.asking import IS_OPEN, end_with_submission, has_open_request
from webapp.logbook.append import lock_head
from webapp.models import Answer, Candidacy, HelpRequest, Question, Test
from webapp.models.status import own_end
from webapp.text.normalization import is_blank

GRACE = timedelta(seconds=15)
"""How long after the own end, or a pause, an answer typed before is still stored: it covers the network. The page's
fields close at once."""
SITTINGS = (
    select(Candidacy, Test, own_end(), HelpRequest)
    .join(Test, Test.id == Candidacy.test_id)
    .outerjoin(HelpRequest, and_(HelpRequest.candidacy_id == Candidacy.id, IS_OPEN))
)


State = StrEnum("State", "EARLY READY WRITING PAUSED TIME_UP MISSED SUBMITTED CLOSED WITHDRAWN")
"""What a test is for one candidate at one moment; a value is its name in lower case."""
MAY_ASK = frozenset({State.EARLY, State.READY, State.WRITING, State.PAUSED, State.TIME_UP, State.MISSED})
"""In which a candidate may ask for help, from an hour before the start."""
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

    grace: ClassVar = GRACE
    candidacy: Candidacy
    test: Test
    ends_at: datetime
    """This candidate's own end, with extra time and incident time."""
    help_request: HelpRequest | None
    """The one that is open."""
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
    def fingerprint(self) -> tuple[object, ...]:
        """Everything about it that a candidate's page shows, except what time alone changes."""
        test, candidacy = self.test, self.candidacy
        steps = candidacy.started_at, candidacy.paused_at, candidacy.submitted_at, candidacy.withdrawn_at
        times, help_steps = (test.starts_at, self.ends_at, test.closed_at), (self.help_state, self.asked_at)
        return test.id, *times, *steps, candidacy.room, candidacy.seat, *help_steps

    @property
    def place(self) -> str:
        """Room and seat, as far as they are known."""
        return " · ".join(filter(None, (self.candidacy.room, self.candidacy.seat)))

    @property
    def may_ask_for_help(self) -> bool:
        """Whether its pages offer that."""
        return self.state in MAY_ASK and self.now >= self.test.starts_at - ENTRY_BEFORE_START

    @property
    def help_state(self) -> str:
        """`asked`, `coming` (somebody goes to the candidate), or `none`."""
        if self.help_request is None or self.state not in MAY_ASK:
            return "none"
        return "asked" if self.help_request.claimed_by is None else "coming"

    @property
    def asked_at(self) -> datetime | None:
        """When the open request was made."""
        return self.help_request.asked_at if self.help_request else None

    @property
    def is_in_progress(self) -> bool:
        """Started and not over: a test can also be paused before its candidate has started it."""
        return self.candidacy.started_at is not None and self.state in {State.WRITING, State.PAUSED, State.TIME_UP}

    def takes_answers(self, *, closing: bool = False) -> bool:
        """Whether a save is stored now; `closing`: one with what was typed until a pause."""
        if self.now > self.ends_at + GRACE:
            return False
        if closing and self.state is State.PAUSED and self.candidacy.started_at and self.candidacy.paused_at:
            return self.now <= self.candidacy.paused_at + GRACE
        return self.state in {State.WRITING, State.TIME_UP}


def find_sittings(session: Session, now: datetime, condition: ColumnElement[bool]) -> list[Sitting]:
    """The sittings of the candidacies for which a condition holds."""
    return [Sitting(*row, now) for row in session.execute(SITTINGS.where(condition))]


def own_sittings(session: Session, user_id: int, now: datetime) -> list[Sitting]:
    """All tests of a person: first those that are not over, each group by its start."""
    sittings = find_sittings(session, now, Candidacy.user_id == user_id)
    return sorted(sittings, key=lambda sitting: (sitting.ends_at <= now, sitting.test.starts_at, sitting.test.id))


def own_sitting(session: Session, user_id: int, test_id: int, now: datetime, *, lock: bool = False) -> Sitting:
    """A person's own candidacy in this test, with `lock` as it is until the commit. Raises `NotFound` (R13)."""
    own = Candidacy.user_id == user_id, Candidacy.test_id == test_id
    if lock:  # before it is read: on PostgreSQL, a statement that has waited for it sees the test as it was before
        session.execute(select(Candidacy.id).where(*own).with_for_update())
    row = session.execute(SITTINGS.where(*own)).one_or_none()
    if row is None:
        raise NotFound
    return Sitting(*row, now)


def enter(session: Session, user_id: int, now: datetime) -> None:
    """Note the first time a person is on the dashboard, for each test that runs or begins within the hour."""
    entered = [
        sitting.candidacy.id
        for sitting in own_sittings(session, user_id, now)
        if sitting.candidacy.entered_at is None and sitting.test.starts_at - ENTRY_BEFORE_START <= now < sitting.ends_at
    ]
    if entered:
        with writing(session):
            for candidacy_id in sorted(entered):  # row by row, in the order in which presence locks them
                first_time = Candidacy.id == candidacy_id, Candidacy.entered_at.is_(None)
                session.execute(update(Candidacy).where(*first_time).values(entered_at=now))


def start(session: Session, user_id: int, test_id: int, now: datetime) -> None:
    """Start an own test; starting it again changes nothing. A test without questions gets its one answer field.

    Possible from the test's start to the candidate's own end. Raises `NotNow` otherwise, `NotFound` if the test is not
    theirs.
    """
    question = select(Question.id).where(Question.test_id == test_id).limit(1)
    with writing(session):
        has_questions = session.scalar(question) is not None
        if not has_questions:
            # the test is locked before the candidacy, as closing does; who starts at the same moment finds the question
            session.execute(select(Test.id).where(Test.id == test_id).with_for_update())
            has_questions = session.scalar(question) is not None
        sitting = own_sitting(session, user_id, test_id, now, lock=True)
        if sitting.state is State.WRITING:
            return
        if sitting.state is not State.READY:
            raise NotNow(sitting)
        if not has_questions:
            session.add(Question(test_id=test_id, position=1, prompt=""))
        sitting.candidacy.started_at = now
        sitting.candidacy.entered_at = sitting.candidacy.entered_at or now


def submit(session: Session, user_id: int, test_id: int, now: datetime) -> None:
    """Submit an own test; submitting it again changes nothing. Raises `NotNow` and `NotFound`.

    The candidacy is locked: an answer that is being saved is stored before this reads, or refused. An open request for
    help ends with it; where one is made just then, it begins anew.
    """
    while not _submit(session, user_id, test_id, now):
        pass


def _submit(session: Session, user_id: int, test_id: int, now: datetime) -> bool:
    """Whether it is done. The head of the log is locked before the candidacy, and only where something is logged."""
    with writing(session):
        head = lock_head(session) if has_open_request(session, user_id, test_id) else None
        sitting = own_sitting(session, user_id, test_id, now, lock=True)
        if sitting.state is State.SUBMITTED:
            return True
        if sitting.state not in MAY_SUBMIT:
            raise NotNow(sitting)
        if sitting.help_request is not None:
            if head is None:
                return False
            end_with_submission(session, head, sitting.help_request, now)
        texts = session.scalars(select(Answer.text).where(Answer.candidacy_id == sitting.candidacy.id))
        sitting.candidacy.blank = all(map(is_blank, texts))
        sitting.candidacy.submitted_at = now
    return True
