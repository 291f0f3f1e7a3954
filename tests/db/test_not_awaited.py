"""A statement whose end nobody waits for yet: PostgreSQL goes on with it, and nothing of it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from psycopg.pq import PipelineStatus, TransactionStatus
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from webapp.db.engine import NOT_AWAITED
from webapp.db.transactions import writing
from webapp.extensions import db

pytestmark = pytest.mark.only_on("postgresql")
NUMBERS = Table("numbers", MetaData(), Column("number", Integer, primary_key=True, autoincrement=False))
NOTE = insert(NUMBERS).execution_options(**{NOT_AWAITED: True})
AT_WORK = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid AND state = 'active'")
LATE = """
CREATE FUNCTION be_late() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
CREATE TRIGGER late BEFORE INSERT ON numbers FOR EACH ROW EXECUTE FUNCTION be_late();
"""
"""Whoever notes a number waits for whoever holds the lock."""


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    with app.app_context(), Session(db.engine) as session:
        session.execute(text("CREATE TABLE numbers (number integer PRIMARY KEY)"))
        yield session


def noted(session: Session) -> list[int]:
    return list(session.scalars(select(NUMBERS.c.number).order_by(NUMBERS.c.number)))


def driver(session: Session) -> Any:
    return session.connection().connection.driver_connection


def is_as_before(session: Session) -> bool:
    """Whether this session's connection waits for nothing and is in no transaction."""
    found = driver(session)
    return (found.pgconn.pipeline_status, found.info.transaction_status) == (PipelineStatus.OFF, TransactionStatus.IDLE)


def test_it_is_at_work_while_this_process_goes_on(session: Session) -> None:
    session.execute(text(LATE))
    released = threading.Event()
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_advisory_lock(1)"))
        with writing(session):
            session.connection().execute(NOTE, {"number": 1})
            pid = driver(session).info.backend_pid
            time.sleep(0.5)  # until PostgreSQL has begun with it
            assert other.scalar(AT_WORK, {"pid": pid}) == 1

            def release() -> None:
                time.sleep(0.2)
                released.set()
                other.execute(text("SELECT pg_advisory_unlock(1)"))

            releasing = threading.Thread(target=release)
            releasing.start()
            assert noted(session) == [1]
            assert released.is_set(), "what came next did not wait"
            releasing.join()
    assert is_as_before(session)


def test_several_in_one_transaction(session: Session) -> None:
    with writing(session):
        for number in (3, 1, 2):
            session.connection().execute(NOTE, {"number": number})
    assert is_as_before(session)
    assert noted(session) == [1, 2, 3]


def test_it_is_over_when_several_rows_come_next(session: Session) -> None:
    with writing(session):
        session.connection().execute(NOTE, {"number": 1})
        session.connection().execute(insert(NUMBERS), [{"number": 2}, {"number": 3}])
        assert driver(session).pgconn.pipeline_status == PipelineStatus.OFF
    assert noted(session) == [1, 2, 3]


def test_what_comes_next_raises_its_error(session: Session) -> None:
    def note_twice() -> None:
        with writing(session):
            session.execute(insert(NUMBERS).values(number=1))
            session.connection().execute(NOTE, {"number": 1})
            session.execute(select(NUMBERS))

    with pytest.raises(IntegrityError, match="numbers_pkey"):
        note_twice()
    assert is_as_before(session)
    assert noted(session) == []


def test_the_commit_raises_its_error_and_nothing_is_kept(session: Session) -> None:
    def note_twice() -> None:
        with writing(session):
            session.execute(insert(NUMBERS).values(number=1))
            session.connection().execute(NOTE, {"number": 1})

    with pytest.raises(IntegrityError):
        note_twice()
    assert is_as_before(session)
    assert noted(session) == []


def test_after_the_commit_it_is_over(session: Session) -> None:
    with db.engine.connect() as connection:
        own: Any = connection.connection.driver_connection
        own.execute("BEGIN")
        connection.execute(NOTE, {"number": 1})
        own.commit()
        assert own.pgconn.pipeline_status == PipelineStatus.OFF
    assert noted(session) == [1]


@pytest.mark.parametrize("numbers", [[1], [2, 2]])
def test_what_failed_meanwhile_is_told_and_not_what_was_started(session: Session, numbers: list[int]) -> None:
    """The connection is good for the next, whether what was started had gone well or not."""

    def fail() -> None:
        with writing(session):
            for number in numbers:
                session.connection().execute(NOTE, {"number": number})
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert is_as_before(session)
    assert noted(session) == []


def test_a_connection_that_is_cut_meanwhile_is_replaced(session: Session) -> None:
    session.execute(text(LATE.replace("pg_advisory_xact_lock(1)", "pg_terminate_backend(pg_backend_pid())")))

    def note() -> None:
        with writing(session):
            session.connection().execute(NOTE, {"number": 1})

    with pytest.raises(DBAPIError) as cut:
        note()
    assert cut.value.connection_invalidated
    assert noted(session) == []
    assert is_as_before(session)
