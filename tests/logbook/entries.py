"""Writes log entries for tests, and tampers with them as the administrator of a database could."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from sqlalchemy import Select, text
from sqlalchemy.orm import Session

from webapp.db.transactions import writing
from webapp.logbook.append import Actor, append, lock_head, write_subjects
from webapp.models import Candidacy, LogEntry

NOW = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)
SENDER = Actor(7, "Ingrid Ødegård", "chief_invigilator")


def write(session: Session, candidacies: Select[int] | None = None, **changes: object) -> LogEntry:
    """Append one entry in a transaction of its own; its subjects are what the query finds."""
    given = {"at": NOW, "actor": SENDER, "action": "message.sent", "detail": {"subject": "Hi"}}
    with writing(session):
        head = lock_head(session)
        subjects = []
        if candidacies is not None:
            subjects = write_subjects(session, head, candidacies.join(Candidacy.test).join(Candidacy.user))
        moved = append(session, head, subjects=subjects, **{**given, **changes})
        return session.get_one(LogEntry, moved.number)


def attempt(session: Session, *statements: str) -> None:
    """Run SQL in one transaction, triggers and all."""
    with writing(session):
        for statement in statements:
            session.execute(text(statement))


def tamper(session: Session, *statements: str) -> None:
    """Run SQL as somebody who owns the database: without its triggers and foreign keys."""
    engine = session.get_bind()
    session.rollback()
    if engine.dialect.name == "postgresql":
        attempt(session, "SET LOCAL session_replication_role = replica", *statements)
        return
    with closing(sqlite3.connect(engine.url.database)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
