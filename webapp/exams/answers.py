"""Answers: stored while the candidate types, never over a newer one.

Nearly every save finds the version that its page has, in a test that takes answers: one conditional UPDATE writes it.
Only when that finds no row is the sitting read, to say why or to store a first answer.

A page that has heard of a pause sends what was typed until then in a closing save, which is taken for a short time
after the pause (R28). Other saves are refused while paused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, exists, func, or_, select, type_coerce, update
from sqlalchemy.orm import Session, aliased

from webapp.db.outages import SILENCE_SECONDS
from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.db.types import MICROSECOND, microseconds
from webapp.exams.sittings import GRACE, ExamRefusal, NotNow, Sitting, own_sitting
from webapp.exceptions import NotFound, SessionEnded
from webapp.models import SESSION_COUNTS, Answer, Candidacy, Question, SessionClaims, Test
from webapp.models.status import NOW, is_writing, own_end

MAX_CHARACTERS = 100_000
"""Unicode code points, after CRLF became LF."""
AWAITED = timedelta(seconds=SILENCE_SECONDS - 2)
"""How long after its request began one statement may still store an answer on PostgreSQL."""


def _paused_since(moment: str) -> ColumnElement[bool]:
    """In progress but for a pause that began at the parameter's moment or later; never if that is None."""
    return and_(
        Candidacy.started_at.is_not(None),
        type_coerce(Candidacy.paused_at, BigInteger) >= bindparam(moment, type_=BigInteger),
        Candidacy.submitted_at.is_(None),
        Candidacy.withdrawn_at.is_(None),
    )


SEEN = aliased(Candidacy)
# the candidacy is locked before the answer, as everywhere. On PostgreSQL, a statement that has waited for it sees the
# row as it is by then, but the test and `SEEN` as before: each change of a test's end changes `changed_at` as well
OPEN_SITTING = (
    select(Candidacy.id)
    .join(Test, Test.id == Candidacy.test_id)
    .where(
        Candidacy.user_id == bindparam("person"),
        Candidacy.test_id == bindparam("test"),
        or_(is_writing(), _paused_since("closing_since")),
        Test.closed_at.is_(None),
        type_coerce(own_end(), BigInteger) + GRACE // MICROSECOND >= NOW,
        Candidacy.changed_at.is_not_distinct_from(
            select(SEEN.changed_at).where(SEEN.id == Candidacy.id).scalar_subquery()
        ),
    )
    .with_for_update(of=Candidacy)
)
SESSION_IS_OPEN = exists().where(SESSION_COUNTS)
REPLACE = (
    update(Answer)
    .where(
        Answer.candidacy_id == OPEN_SITTING.scalar_subquery(),
        Answer.question_id == bindparam("question"),
        type_coerce(Answer.saved_at, BigInteger) == bindparam("base"),
        Answer.text != bindparam("typed"),
        SESSION_IS_OPEN,
    )
    .values(text=bindparam("typed"), saved_at=NOW)
    .returning(Answer.candidacy_id.label("id"))
)
# a later one has been given up: its request is answered 503, and its page sends what was typed by then
IS_AWAITED = func.date_part("epoch", func.clock_timestamp()) * 1_000_000 - NOW <= AWAITED // MICROSECOND
NOTE = update(Candidacy).where(Candidacy.id == bindparam("candidacy")).values(saved_at=NOW)
REPLACED = REPLACE.where(IS_AWAITED).cte("replaced")
NOTED = (
    update(Candidacy)
    .where(Candidacy.id == select(REPLACED.c.id).scalar_subquery())
    .values(saved_at=NOW)
    .returning(Candidacy.id)
    .cte("noted")
)
REPLACE_AND_NOTE = select(NOTED.c.id).execution_options(**PREPARED)
"""Both on PostgreSQL, which alone can do them in one statement: one round trip instead of four (decision record 27)."""


@dataclass(frozen=True)
class SavedAnswer:
    """An answer as it is stored; where there is none yet, an empty text without a time."""

    text: str
    saved_at: datetime | None

    @property
    def version(self) -> int:
        """Changes with every change of the text (0: none stored); a page sends the one it was typed into."""
        return microseconds(self.saved_at) if self.saved_at else 0


class ChangedElsewhere(ExamRefusal):
    """Another tab or computer has stored this answer since the page read it."""

    code = "changed"

    def __init__(self, stored: SavedAnswer) -> None:
        super().__init__("the stored answer is a newer one")
        self.stored = stored


class UnfitText(ExamRefusal):
    """A text that cannot be stored: too long, or with a NUL character in it."""

    status = 422

    def __init__(self, code: str, length: int) -> None:
        super().__init__(f"unfit text: {code}")
        self.code = code
        self.length = length


def clean(typed: str) -> str:
    """What is stored of a typed text: LF as the only line end. Raises `UnfitText`."""
    text = typed.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MAX_CHARACTERS:
        raise UnfitText("too_long", len(text))
    if "\0" in text:
        raise UnfitText("character", len(text))
    return text


def questions_with_answers(session: Session, sitting: Sitting) -> list[tuple[Question, SavedAnswer]]:
    """The questions of a sitting in their order; none unless it is in progress (R24)."""
    if not sitting.is_in_progress:
        return []
    own_answer = and_(Answer.question_id == Question.id, Answer.candidacy_id == sitting.candidacy.id)
    query = select(Question, Answer.text, Answer.saved_at).outerjoin(Answer, own_answer)
    rows = session.execute(query.where(Question.test_id == sitting.test.id).order_by(Question.position))
    return [(question, SavedAnswer(text or "", saved_at)) for question, text, saved_at in rows]


def save(
    session: Session,
    claims: SessionClaims,
    test_id: int,
    question_id: int,
    typed: str,
    now: datetime,
    base: int | None = None,
    *,
    closing: bool = False,
) -> SavedAnswer:
    """Store an answer of the signed-in person's own test and give it back as stored.

    `base` is the version that the text was typed into: if another one with another text is stored by now, nothing is
    written and `ChangedElsewhere` carries it. Without `base` the newest to arrive wins. The same text again (a
    repeated request) changes nothing. `closing` is the save of a page that has heard of a pause. Raises
    `SessionEnded`, `NotFound`, `NotNow` and `UnfitText` too.
    """
    text, at = clean(typed), microseconds(now)
    if base:
        place = {"test": test_id, "question": question_id, "base": base}
        since = at - GRACE // MICROSECOND if closing else None
        if _replace(session, {**claims.parameters, **place, "typed": text, "now": at, "closing_since": since}):
            return SavedAnswer(text, now)
    with writing(session, keep=True):
        sitting = own_sitting(session, claims.user_id, test_id, now, lock=True)
        if not session.scalar(select(SESSION_IS_OPEN), claims.parameters):
            raise SessionEnded("the session has ended")
        if not sitting.takes_answers(closing=closing):
            raise NotNow(sitting)
        if not session.scalar(select(Question.id).where(Question.id == question_id, Question.test_id == test_id)):
            raise NotFound
        own = Answer.candidacy_id == sitting.candidacy.id, Answer.question_id == question_id
        answer = session.scalar(select(Answer).where(*own))
        stored = SavedAnswer(answer.text, answer.saved_at) if answer else SavedAnswer("", None)
        if answer and stored.text == text:
            return stored
        if base is not None and base != stored.version:
            raise ChangedElsewhere(stored)
        if answer is None:
            answer = Answer(candidacy_id=sitting.candidacy.id, question_id=question_id)
            session.add(answer)
        answer.text = text
        answer.saved_at = sitting.candidacy.saved_at = now
    return SavedAnswer(text, now)


def _replace(session: Session, answer: Mapping[str, object]) -> bool:
    """Write a text over the version that it was typed into; False if any condition of that is not met."""
    if session.get_bind().dialect.name == "postgresql":
        return session.connection().scalar(REPLACE_AND_NOTE, answer) is not None  # a transaction by itself
    with writing(session):
        connection = session.connection()
        candidacy_id = connection.scalar(REPLACE, answer)
        if candidacy_id is not None:
            connection.execute(NOTE, {"candidacy": candidacy_id, "now": answer["now"]})
    return candidacy_id is not None
