"""After a restore numbers go on above all that was given before, and the log is sound and says so."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.logbook.entries import tamper, write
from tests.messaging.compose_form import open_dialog, post
from webapp.logbook.append import NUMBERS_LEFT_OUT as LEFT_OUT
from webapp.logbook.verify import export, verify, verify_export
from webapp.models import LogEntry


@pytest.fixture
def restored(app: Flask, session: Session) -> Session:
    """Two entries, a restore, and one more."""
    write(session)
    write(session)
    ended = app.test_cli_runner().invoke(args=["after-restore"])
    assert ended.exit_code == 0, ended.output
    assert f"Numbers 3 to {LEFT_OUT + 2} are left out" in ended.output
    session.rollback()
    write(session)
    return session


def test_the_log_goes_on_and_is_sound(restored: Session) -> None:
    numbers = list(restored.scalars(select(LogEntry.id).order_by(LogEntry.id)))
    assert numbers == [1, 2, LEFT_OUT + 3, LEFT_OUT + 4]
    verdict = verify(restored)
    assert (verdict.sound, verdict.entries) == (True, 4)
    verdict = verify_export(list(export(restored)))
    assert (verdict.sound, verdict.entries) == (True, 4)


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM log_entry WHERE id = 2",
        "UPDATE log_entry SET detail = '{}' WHERE action = 'log.restored'",
        "UPDATE log_entry SET action = 'log.rested' WHERE action = 'log.restored'",
        "DELETE FROM log_entry WHERE action = 'log.restored'",
    ],
)
def test_it_hides_nothing_else(restored: Session, deed: str) -> None:
    """R14: the gap is that of the entry's own words and hash, and no other."""
    tamper(restored, deed)
    assert not verify(restored).sound


def test_entries_before_a_bad_one_are_counted_without_the_numbers_left_out(restored: Session) -> None:
    tamper(restored, f"UPDATE log_entry SET actor_name = '' WHERE id = {LEFT_OUT + 4}")
    verdict = verify(restored)
    assert (verdict.number, verdict.entries) == (LEFT_OUT + 4, 3)


def test_the_next_message_has_a_number_that_nobody_has_seen(app: Flask, hall: Hall, restored: Session) -> None:
    test = hall.test()
    candidacy = hall.candidacy(test)
    sender: FlaskClient = signed_in(app, hall.contributor(test))
    answer = post(sender, open_dialog(sender, candidate=candidacy.id))
    assert answer.headers["Location"] == f"/messages/{LEFT_OUT + 5}"


def test_administrators_read_it(app: Flask, hall: Hall, restored: Session) -> None:
    admin = signed_in(app, hall.person(is_admin=True))
    assert "Restored from a backup" in admin.get("/log?action=log.restored").text
    invigilator = signed_in(app, hall.contributor(hall.test()))
    assert "Restored from a backup" not in invigilator.get("/log").text
