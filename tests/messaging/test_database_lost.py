"""A database that is lost or silent while deliveries are written: nothing is sent, and the answer says so."""

from __future__ import annotations

import time

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.messaging.compose_form import open_dialog, post
from tests.messaging.written import counts
from webapp.db import outages, transactions
from webapp.db.transactions import writing
from webapp.models import Test

pytestmark = pytest.mark.only_on("postgresql")
NOTHING = (0, 0, 0, 0)


def when_delivering(session: Session, happens: str) -> None:
    """Have something happen in the database with each statement that writes deliveries."""
    function = f"CREATE FUNCTION happens() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {happens}; RETURN NULL; END $$"
    session.execute(text(function))
    session.execute(text("CREATE TRIGGER happens BEFORE INSERT ON delivery EXECUTE FUNCTION happens()"))


def test_r1_a_connection_that_is_cut_meanwhile_leaves_nothing(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacies(test, 3)
    when_delivering(session, "PERFORM pg_terminate_backend(pg_backend_pid())")
    form = open_dialog(browser, scope="filtered")
    answer = post(browser, form)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert counts(session) == NOTHING
    session.execute(text("DROP TRIGGER happens ON delivery"))
    assert post(browser, form).status_code == 201
    assert counts(session) == (1, 3, 1, 3)


def test_a_database_that_falls_silent_meanwhile_is_not_waited_for_for_ever(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall.candidacies(test, 3)
    form = open_dialog(browser, scope="filtered")
    monkeypatch.setattr(outages, "SILENCE_SECONDS", 0.5)
    with writing(session):
        session.execute(text("LOCK TABLE delivery"))
        began = time.monotonic()
        assert post(browser, form).status_code == 503
        assert time.monotonic() - began < transactions.WRITE_TIMEOUT_SECONDS / 2
    assert counts(session) == NOTHING
    assert post(browser, form).status_code == 201
    assert counts(session) == (1, 3, 1, 3)
