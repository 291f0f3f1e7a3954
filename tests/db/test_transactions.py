"""When a transaction begins and ends, and what is seen meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from psycopg.pq import TransactionStatus
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.hall import Hall
from webapp.db.transactions import read_snapshot, writing
from webapp.extensions import db
from webapp.models import EndedSession, User


def people(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(User)) or 0


def status(session: Session) -> TransactionStatus:
    driver: Any = session.connection().connection.driver_connection
    found: TransactionStatus = driver.info.transaction_status
    return found


@pytest.mark.only_on("postgresql")
def test_only_writing_begins_a_transaction(session: Session) -> None:
    """A request that reads takes one round trip for a statement, and keeps nobody from a change of the tables."""
    people(session)
    assert status(session) is TransactionStatus.IDLE
    with writing(session):
        assert status(session) is TransactionStatus.INTRANS
    people(session)
    assert status(session) is TransactionStatus.IDLE


@pytest.mark.only_on("postgresql")
def test_a_connection_that_read_in_one_moment_is_as_all_others_again(app: Flask) -> None:
    with app.app_context():
        used = set()
        for _ in range(2):
            with Session(db.engine) as session:
                read_snapshot(session)
                people(session)
                assert status(session) is TransactionStatus.INTRANS
                used.add(session.connection().connection.driver_connection)
            with Session(db.engine) as session:
                people(session)
                assert status(session) is TransactionStatus.IDLE
                used.add(session.connection().connection.driver_connection)
        assert len(used) == 1


def test_what_is_read_in_one_moment_stays_as_it_was(app: Flask, hall: Hall) -> None:
    """A list that is sent by and by: people who come meanwhile are not in its later half only."""
    with app.app_context(), Session(db.engine) as session:
        read_snapshot(session)
        before = people(session)
        hall.person()
        assert people(session) == before
        session.rollback()
        assert people(session) == before + 1


def test_what_fails_halfway_leaves_nothing(session: Session, hall: Hall) -> None:
    ended = {"user_id": hall.person().id, "session_id": "s", "at": hall.test().starts_at}

    def fail() -> None:
        with writing(session):
            session.execute(insert(EndedSession).values(ended))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert session.scalar(select(func.count()).select_from(EndedSession)) == 0


def test_a_failure_is_told_without_what_its_statement_carried(session: Session, hall: Hall) -> None:
    """It goes to the server's log, and may be a password's hash or what a candidate has written."""
    ended = {"user_id": hall.person().id, "session_id": "a secret", "at": hall.test().starts_at}

    def twice() -> None:
        with writing(session):
            for _ in range(2):
                session.execute(insert(EndedSession).values(ended))

    with pytest.raises(IntegrityError) as failed:
        twice()
    assert "ended_session" in str(failed.value)
    assert "[SQL parameters hidden" in str(failed.value)
