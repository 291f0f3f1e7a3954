"""Absences: who was away for long during a test, and is back (R21)."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Integer,
    bindparam,
    cast,
    column,
    exists,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from webapp.db.types import UtcDateTime, microseconds
from webapp.models import Absence, Candidacy
from webapp.models.status import is_writing
from webapp.push.presence import Return

_entry = func.json_each(bindparam("absences", type_=JSON)).table_valued("key", column("value", JSON))
_since, _until = (type_coerce(cast(_entry.c.value[place].as_string(), BigInteger), UtcDateTime) for place in (0, 1))
_is_back = Candidacy.id == cast(_entry.c.key, Integer), is_writing()
_is_noted = exists().where(Absence.candidacy_id == Candidacy.id, Absence.since == _since)
WRITE_RETURNS = update(Candidacy).where(*_is_back).values(back_at=_until)
WRITE_ABSENCES = insert(Absence).from_select(
    ["candidacy_id", "since", "until"], select(Candidacy.id, _since, _until).where(*_is_back, ~_is_noted)
)
"""Both are for `absences`, candidacy id → since and until."""


def note_returns(session: Session, returns: list[Return]) -> None:
    """Note that candidates in progress are back, and their absences, inside the presence transaction.

    Another process may have seen the same return: an absence is noted once.
    """
    absences = {each.candidacy_id: [microseconds(each.since), microseconds(each.until)] for each in returns}
    for statement in (WRITE_RETURNS, WRITE_ABSENCES):
        session.connection().execute(statement, {"absences": absences})
