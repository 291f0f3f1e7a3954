"""Roles that are given without an import."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.databases import SECRET_KEY
from tests.hall import Hall
from tests.until import until
from webapp.accounts.users import set_password
from webapp.clock import utcnow
from webapp.db.transactions import WRITE
from webapp.extensions import db
from webapp.logbook.append import LOCK_HEAD
from webapp.models import Candidacy, Role, Test
from webapp.planning.roles import set_role


@pytest.mark.only_on("postgresql")
def test_the_head_of_the_log_is_locked_before_candidacies_as_closing_locks_them(
    app: Flask, hall: Hall, session: Session
) -> None:
    """A role that waited for the head while it holds candidacies would end in a deadlock with a test that closes."""
    test = hall.test()
    hall.candidacy(test)
    title, day, username = test.title, test.start_date, hall.person().username
    session.rollback()

    def give() -> bool:
        with app.app_context():
            return set_role(db.session(), username, Role.PLANNER, title, day, room=None, now=utcnow())

    other = db.engine.connect().execution_options(**{WRITE: True})
    with ThreadPoolExecutor(1) as threads, other, other.begin():
        other.execute(LOCK_HEAD)
        given = threads.submit(give)
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        until(lambda: given.done() or session.scalar(waiting))
        assert other.execute(select(Test.id).with_for_update(nowait=True)).all()
        assert other.execute(select(Candidacy.id).with_for_update(nowait=True)).all()
    assert given.result()


@pytest.mark.only_on("postgresql")
def test_the_person_is_locked_before_the_head_of_the_log_as_a_new_password_locks_them(
    app: Flask, hall: Hall, session: Session
) -> None:
    """A role that waited for a person while it holds the head would end in a deadlock with their new password."""
    test, user = hall.test(), hall.person()
    title, day, username = test.title, test.start_date, user.username
    session.rollback()

    def give() -> bool:
        with app.app_context():
            return set_role(db.session(), username, Role.PLANNER, title, day, room=None, now=utcnow())

    def replace() -> str | None:
        with app.app_context():
            password = "acorn twist mute"
            user = set_password(db.session(), username, password, secret_key=SECRET_KEY, now=utcnow())
            return user.password_hash

    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    other = db.engine.connect().execution_options(**{WRITE: True})
    with ThreadPoolExecutor(2) as threads:
        with other, other.begin():
            other.execute(LOCK_HEAD)
            given = threads.submit(give)
            until(lambda: session.scalar(waiting) == 1)
            replaced = threads.submit(replace)
            until(lambda: session.scalar(waiting) == 2)
        assert given.result()
        assert replaced.result()
