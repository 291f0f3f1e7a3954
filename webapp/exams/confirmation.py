"""The confirmation of a submission: what a candidate can show, and what staff can compare it with."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from webapp.db.types import microseconds
from webapp.exams.sittings import Sitting
from webapp.models import Answer, Question
from webapp.text.normalization import is_blank

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that look like others: 0 and O, 1 and I."""
LENGTH = 8


@dataclass(frozen=True)
class Confirmation:
    """What was submitted. No prompt is in it (R24)."""

    check_code: str
    answers: int
    empty: int


def confirmation(session: Session, sitting: Sitting) -> Confirmation:
    """The confirmation of a submitted sitting, made from what is stored.

    The check code is the beginning of a SHA-256 over candidacy, moment of the submission, and each answer with the
    moment of its last save. It stays the same as long as these do; a submission that is taken back and made again has
    another one. It shows that a page or a photo of it belongs to the stored answers, and gives nothing away of them.
    """
    own = and_(Answer.question_id == Question.id, Answer.candidacy_id == sitting.candidacy.id)
    query = select(Question.id, Answer.text, Answer.saved_at).outerjoin(Answer, own)
    rows = session.execute(query.where(Question.test_id == sitting.test.id).order_by(Question.position)).all()
    submitted_at = sitting.candidacy.submitted_at
    parts = [sitting.candidacy.id, sitting.candidacy.number, submitted_at and microseconds(submitted_at)]
    parts += [part for row in rows for part in (row.id, row.saved_at and microseconds(row.saved_at), row.text)]
    digest = hashlib.sha256(repr(parts).encode()).digest()
    code = "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:LENGTH])
    empty = sum(is_blank(row.text or "") for row in rows)
    return Confirmation(f"{code[:4]}-{code[4:]}", len(rows), empty)
