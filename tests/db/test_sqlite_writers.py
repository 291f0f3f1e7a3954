"""SQLite: who may write on a connection, and what happens while another process holds the lock."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from webapp.db import transactions
from webapp.db.transactions import writing
from webapp.exceptions import Unavailable
from webapp.extensions import db
from webapp.models import Test, User

pytestmark = pytest.mark.only_on("sqlite")
PATIENCE = 0.5
WRITERS = 6


@pytest.fixture
def held(app: Flask) -> Iterator[None]:
    """Another process has the write lock."""
    with app.app_context():
        path = db.engine.url.database
    assert path
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@pytest.mark.usefixtures("held")
def test_those_who_wait_in_this_process_give_up_together(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one after the other, each with the whole patience: the sixth of a hall would wait for a minute."""
    monkeypatch.setattr(transactions, "WRITE_TIMEOUT_SECONDS", PATIENCE)
    with app.app_context():
        engine = db.engine
    waited: list[float] = []

    def write() -> None:
        began = time.monotonic()
        with Session(engine) as session, pytest.raises(Unavailable), writing(session):
            raise AssertionError("the lock is another's")
        waited.append(time.monotonic() - began)

    writers = [Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(waited) == WRITERS
    assert max(waited) < PATIENCE * WRITERS / 2


@pytest.mark.parametrize(
    "write",
    [
        lambda session: session.execute(text("UPDATE test SET title = title")),
        lambda session: session.execute(text("CREATE TABLE draft (id INTEGER)")),
        lambda session: session.execute(text("\n DELETE FROM test")),
        lambda session: session.execute(update(Test).values(title=Test.title)),
        lambda session: session.execute(update(Test).values(title=Test.title).add_cte(select(Test.id).cte())),
        lambda session: session.scalars(insert(User).from_select(["username"], select(Test.title)).returning(User.id)),
        lambda session: session.execute(delete(Test)),
        lambda session: (session.add(User(username="ines")), session.flush()),
    ],
    ids=["text", "table", "text on a second line", "update", "update with CTE", "insert", "delete", "flush"],
)
def test_a_write_outside_writing_fails_at_once(session: Session, write: Callable[[Session], object]) -> None:
    """Whatever it is written in."""
    with pytest.raises(RuntimeError, match="outside"):
        write(session)


def test_sqlite_compiles_a_statement_once(app: Flask) -> None:
    """Settings that change what a statement may do make SQLite compile all of a connection's statements anew."""
    compiled: list[int] = []

    def note(action: int, *_: object) -> int:
        compiled.append(action)
        return sqlite3.SQLITE_OK

    statements = text("UPDATE test SET title = title"), text("SELECT title FROM test")
    with app.app_context(), Session(db.engine) as session:
        driver = session.connection().connection.driver_connection
        assert driver
        driver.set_authorizer(note)
        try:
            for _ in range(3):
                for statement in statements:
                    with writing(session):
                        session.execute(statement)
                        assert session.connection().connection.driver_connection is driver
                session.execute(statements[1])
                session.rollback()
            assert compiled.count(sqlite3.SQLITE_UPDATE) == 1
            assert compiled.count(sqlite3.SQLITE_SELECT) == 1
        finally:
            driver.set_authorizer(None)


def test_a_connection_that_has_written_only_reads_until_it_is_to_write_again(app: Flask) -> None:
    """A write outside `writing()` fails at once."""
    change = text("UPDATE test SET title = title")
    used = set()
    with app.app_context():
        for _ in range(3):
            with Session(db.engine) as session, writing(session):
                session.execute(change)
                session.execute(change)
                assert session.scalar(text("PRAGMA busy_timeout")) == 0
                used.add(session.connection().connection.driver_connection)
            for _ in range(2):
                with db.engine.connect() as reader:
                    assert reader.execute(text("PRAGMA busy_timeout")).scalar_one() > 0
                    with pytest.raises(RuntimeError, match="outside"):
                        reader.execute(change)
                    used.add(reader.connection.driver_connection)
    assert len(used) == 1
