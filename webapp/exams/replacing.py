"""What nearly every save finds: the answer as the page knows it, and a test that takes answers.

A hall of 1,500 that writes saves 150 times per second, and on PostgreSQL each statement is a way there and back. This
is one, and a transaction by itself; it asks besides whether the session still counts. Whatever it does not find is
looked at step by step in `answers.save()`, which also says what is wrong.

SQLAlchemy looks through a statement and its parameters each time that it runs one, which takes as long here as SQLite
takes to run it: the driver gets these as they were made for it once (`Ready`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    CursorResult,
    Engine,
    bindparam,
    exists,
    select,
    type_coerce,
    update,
)
from sqlalchemy.sql.compiler import SQLCompiler

from webapp.db.sql import PREPARED
from webapp.db.transactions import write_connection
from webapp.db.types import MICROSECOND, microseconds
from webapp.exams.sittings import GRACE
from webapp.models import Answer, Candidacy, SessionClaims, Test, User, still_counts
from webapp.models.status import NOW, is_writing, own_end

ANSWERS: Any = Answer.__table__


class Ready:
    """A statement as the driver of the database takes it. Its constants and parameters are numbers, texts or truths."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._made: dict[str, tuple[str, dict[str, Any], list[str] | None]] = {}

    def run(self, connection: Connection, said: dict[str, Any]) -> CursorResult[Any]:
        """Execute it; `said` are its parameters as they are stored, moments in microseconds."""
        dialect = connection.dialect
        if dialect.name not in self._made:
            compiled: SQLCompiler = self._statement.compile(dialect=dialect)
            self._made[dialect.name] = str(compiled), dict(compiled.params), compiled.positiontup
        text, constants, places = self._made[dialect.name]
        parameters = constants | said
        taken = parameters if places is None else tuple(parameters[place] for place in places)
        return connection.exec_driver_sql(text, taken, PREPARED)


SIGNED_IN = exists(
    select(User.id).where(still_counts(bindparam("person"), bindparam("its_epoch"), bindparam("its_session")))
)
# locked on PostgreSQL before the answer is, as everywhere; whoever waited for it sees the row as it is by then
OPEN_SITTING = (
    select(Candidacy.id)
    .join(Test, Test.id == Candidacy.test_id)
    .where(
        Candidacy.user_id == bindparam("person"),
        SIGNED_IN,
        Candidacy.test_id == bindparam("in_test"),
        is_writing(),
        Test.closed_at.is_(None),
        type_coerce(own_end(), BigInteger) + GRACE // MICROSECOND >= NOW,
    )
    .with_for_update(of=Candidacy)
)
REPLACING = (
    update(ANSWERS)
    .where(
        ANSWERS.c.candidacy_id == OPEN_SITTING.scalar_subquery(),
        ANSWERS.c.question_id == bindparam("question"),
        type_coerce(ANSWERS.c.saved_at, BigInteger) == bindparam("base"),
        ANSWERS.c.text != bindparam("typed"),
    )
    .values(text=bindparam("typed"), saved_at=NOW)
    .returning(ANSWERS.c.candidacy_id)
)


def _noted(candidacy: Any) -> Any:
    return update(Candidacy).where(Candidacy.id == candidacy).values(saved_at=NOW)


REPLACED = REPLACING.cte("replaced")
REPLACE_AND_NOTE = Ready(_noted(select(REPLACED.c.candidacy_id).scalar_subquery()))
REPLACE = Ready(REPLACING)
NOTE = Ready(_noted(bindparam("candidacy")))


def replace(
    engine: Engine, kept: SessionClaims, test_id: int, question_id: int, *, typed: str, now: datetime, base: int
) -> bool:
    """Write an answer over version `base` of it, if that is what is stored; False if nothing was written."""
    who = {"person": kept.user_id, "its_epoch": kept.epoch, "its_session": kept.session_id}
    at = microseconds(now)
    what = {**who, "in_test": test_id, "question": question_id, "typed": typed, "now": at, "base": base}
    with write_connection(engine) as connection:
        if connection.dialect.name == "postgresql":
            return bool(REPLACE_AND_NOTE.run(connection, what).rowcount)
        candidacy = REPLACE.run(connection, what).scalar()
        if candidacy is not None:
            NOTE.run(connection, {"candidacy": candidacy, "now": at})
        return candidacy is not None
