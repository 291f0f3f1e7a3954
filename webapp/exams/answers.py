"""Answers: stored while the candidate types, never over a newer one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from webapp.db.transactions import writing
from webapp.db.types import microseconds
from webapp.exams.refusals import ChangedElsewhere, NotNow, UnfitText
from webapp.exams.replacing import replace
from webapp.exams.sittings import own_sitting
from webapp.exceptions import NotFound
from webapp.models import Answer, Question, SessionClaims

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


def save_known(
    engine: Engine,
    kept: SessionClaims,
    test_id: int,
    question_id: int,
    *,
    typed: str,
    now: datetime,
    base: int,
) -> SavedAnswer | None:
    """Store an answer over the version that its page knows, by one statement (`replacing`).

    It asks for all that `save()` does, and whether the session counts. None if any of that is not as it is nearly
    always: nothing was written, and whoever is told why must be known first.
    """
    try:
        text = clean(typed)
    except UnfitText:
        return None
    if not base or not replace(engine, kept, test_id, question_id, typed=text, now=now, base=base):
        return None
    return SavedAnswer(text, now)


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
        if not session.scalar(select(Question.id).where(Question.id == question_id, Question.test_id == test_id)):
            raise NotFound
        answer = session.scalar(
            select(Answer).where(Answer.candidacy_id == sitting.candidacy.id, Answer.question_id == question_id)
        )
        stored = SavedAnswer(answer.text, answer.saved_at) if answer else NONE_YET
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
