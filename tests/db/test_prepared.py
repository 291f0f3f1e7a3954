"""PostgreSQL keeps the plan of statements that say so, and of no other: a phrase needs a plan of its own."""

from __future__ import annotations

import contextlib
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import Select, bindparam, func, select, text
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.exams.rows import question_of, session_of
from tests.hall import Hall
from webapp.access import AccessScope
from webapp.clock import utcnow
from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.exams import answers
from webapp.extensions import db
from webapp.messaging import inbox
from webapp.messaging.notices import OPEN_OF_SESSION
from webapp.models import Candidacy, SessionClaims
from webapp.monitor.columns import Presentation
from webapp.monitor.filters import parse_filter
from webapp.monitor.listing import load_listing
from webapp.monitor.query import View

pytestmark = pytest.mark.only_on("postgresql")
OFTEN = 12
EVERYTHING = AccessScope(everything=True, roles={}, rooms={})


def how_many() -> Select[int]:
    return select(func.count()).where(Candidacy.test_id == bindparam("test_id"))


def kept(session: Session) -> list[str]:
    """The statements whose plans this connection keeps."""
    return list(session.scalars(text("SELECT statement FROM pg_prepared_statements")))


def test_what_says_so_is_planned_once_and_nothing_else_however_often(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        for number in range(1, OFTEN):
            session.scalar(how_many(), {"test_id": number})
        assert kept(session) == []
        for number in range(1, OFTEN):
            session.scalar(how_many().execution_options(**PREPARED), {"test_id": number})
        assert len(kept(session)) == 1


def test_what_a_hall_that_comes_back_asks_is_planned_once(app: Flask, hall: Hall) -> None:
    person = hall.person()
    with app.app_context():
        session = db.session()
        said = SessionClaims(user_id=person.id, epoch=person.epoch, session_id="s")
        assert session.connection().execute(OPEN_OF_SESSION, said.parameters).one().id is None
        assert inbox.own_notices(session, person.id).open == []
        assert len([one for one in kept(session) if "delivery" in one]) == 2


def test_a_save_is_planned_once(app: Flask, hall: Hall) -> None:
    test = hall.test()
    place = session_of(hall.candidacy(test, started_at=utcnow()).user_id), test.id, question_of(hall, test.id)
    with app.app_context():
        session = db.session()
        version = answers.save(session, *place, typed="first", now=utcnow()).version
        for number in range(OFTEN):
            version = answers.save(session, *place, typed=f"text {number}", now=utcnow(), base=version).version
        assert len([one for one in kept(session) if "UPDATE answer" in one]) == 1


def test_it_is_planned_again_after_a_transaction_that_was_rolled_back(app: Flask) -> None:
    """psycopg forgets all plans then."""
    planned_once = how_many().execution_options(**PREPARED)
    with app.app_context():
        session = db.session()
        for _ in range(2):
            with contextlib.suppress(ZeroDivisionError), writing(session):
                assert session.scalar(planned_once, {"test_id": 1}) == 0
                raise ZeroDivisionError
            assert kept(session) == []
            assert session.scalar(planned_once, {"test_id": 1}) == 0
            assert len(kept(session)) == 1


def test_the_monitor_looks_for_each_phrase_by_a_plan_for_it(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        for phrase in ("ä", "lind", "lindström") * OFTEN:
            phrase_filter = parse_filter(MultiDict([("q", phrase)]), ZoneInfo("UTC"))
            load_listing(session, View(EVERYTHING, phrase_filter, Presentation(), utcnow()))
        assert not [one for one in kept(session) if "search_text" in one]
