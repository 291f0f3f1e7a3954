"""Answers: stored while the candidate types, never over a newer one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, and_, bindparam, insert, select, type_coerce, update
from sqlalchemy.orm import Session

from webapp.database import microseconds, writing
from webapp.exams.refusals import ChangedElsewhere, NotNow, UnfitText
from webapp.exams.sittings import own_sitting
from webapp.models import Answer, Candidacy, Question
from webapp.refusals import NotFound

LONGEST = 100_000
"""Unicode code points, after CRLF became LF."""


@dataclass(frozen=True)
class SavedAnswer:
    """An answer as it is stored; where there is none yet, an empty text without a time."""

    text: str
    saved_at: datetime | None

    @property
    def version(self) -> int:
        """Changes with every change of the text (0: none stored); a page sends the one it was typed into."""
        return microseconds(self.saved_at) if self.saved_at else 0


NONE_YET = SavedAnswer("", None)

# made once: a hall that writes saves 150 times per second
PLACE = and_(Answer.candidacy_id == bindparam("of"), Answer.question_id == bindparam("question"))
NEW = {"text": bindparam("text"), "saved_at": bindparam("at")}
WRITE_OVER = update(Answer.__table__).where(PLACE).values(NEW)
REPLACE = WRITE_OVER.where(
    type_coerce(Answer.saved_at, BigInteger) == bindparam("base"), Answer.text != bindparam("text")
)
"""Over the version that it was typed into, and if it differs: what nearly every save finds."""
WRITE_FIRST = insert(Answer.__table__).values(
    candidacy_id=bindparam("of"), question_id=bindparam("question"), **NEW
)
NOTE_SAVED = update(Candidacy.__table__).where(Candidacy.id == bindparam("of")).values(saved_at=bindparam("at"))


def clean(text: str) -> str:
    """What is stored of a typed text: LF as the only line end. Raises `UnfitText`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > LONGEST:
        raise UnfitText("too_long", len(text))
    if "\0" in text:
        raise UnfitText("character", len(text))
    return text


def answers_of(session: Session, candidacy_id: int) -> dict[int, SavedAnswer]:
    """Question id → the stored answer, for the questions that have one."""
    query = select(Answer.question_id, Answer.text, Answer.saved_at).where(Answer.candidacy_id == candidacy_id)
    return {question_id: SavedAnswer(text, at) for question_id, text, at in session.execute(query)}


def save(
    session: Session,
    user_id: int,
    test_id: int,
    question_id: int,
    *,
    typed: str,
    now: datetime,
    base: int | None = None,
) -> SavedAnswer:
    """Store an answer of this person's own test and give it back as stored.

    `base` is the version that the text was typed into: if another one is stored by now, and it says something
    else, nothing is written and `ChangedElsewhere` carries it. Without `base` the newest to arrive wins. The
    same text again (a lost response, repeated) changes nothing. Raises `NotFound`, `NotNow` and `UnfitText` too.
    """
    text = clean(typed)
    with writing(session, keep=True):
        sitting = own_sitting(session, user_id, test_id, now, lock=True)
        if not sitting.takes_answers:
            raise NotNow(sitting)
        place = {"of": sitting.candidacy.id, "question": question_id}
        written = {**place, "text": text, "at": now}
        if base is None or not session.execute(REPLACE, {**written, "base": base}).rowcount:
            stored = _stored(session, test_id, **place)
            if stored is not NONE_YET and stored.text == text:
                return stored
            if base is not None and base != stored.version:
                raise ChangedElsewhere(stored)
            session.execute(WRITE_FIRST if stored is NONE_YET else WRITE_OVER, written)
        session.execute(NOTE_SAVED, {"of": sitting.candidacy.id, "at": now})
    return SavedAnswer(text, now)


def _stored(session: Session, test_id: int, *, of: int, question: int) -> SavedAnswer:
    """What stands there; raises `NotFound` for a question of another test."""
    if not session.scalar(select(Question.id).where(Question.id == question, Question.test_id == test_id)):
        raise NotFound
    return answers_of(session, of).get(question, NONE_YET)
