"""Ended sessions in the database."""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import EndedSession, User
from webapp.push.sessions import write_end_of_all

MORE_THAN_PARAMETERS = 66_000
"""PostgreSQL takes 65,535 in a statement; how many SQLite takes depends on who has built it."""


@pytest.mark.only_on("postgresql")
def test_the_sessions_of_more_people_than_a_statement_has_parameters_end_at_once(session: Session) -> None:
    """An import may give a whole country new passwords."""
    ids = list(range(1, MORE_THAN_PARAMETERS + 1))
    number = func.generate_series(1, MORE_THAN_PARAMETERS).column_valued("number")
    name = func.concat("u", number)
    with writing(session):
        session.execute(
            insert(User).from_select(["id", "username", "sign_in_name", "name"], select(number, name, name, name))
        )
        write_end_of_all(session, ids, utcnow())
    assert session.scalar(select(func.count()).select_from(EndedSession)) == len(ids)
