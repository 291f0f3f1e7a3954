"""The passwords that an import sets or makes, and the file that they are written to."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, event, select, update
from sqlalchemy.orm import Session

from tests.databases import refuse_inserts
from tests.hall import Hall
from tests.planning.papers import (
    STAFF_COLUMNS,
    Count,
    bring_in,
    candidate,
    contributors,
    everything,
    person,
    roster,
    staff,
)
from webapp.accounts.passwords import verify
from webapp.db.transactions import WRITE
from webapp.models import Candidacy, EndedSession, User
from webapp.planning.sheets import ImportRefused


@pytest.mark.one_database
def test_made_passwords_work_and_are_for_their_owner_only(session: Session, tmp_path: Path) -> None:
    out = tmp_path / "passwords.csv"
    bring_in(session, roster(candidate(1, name="=cmd")), contributors(staff()), credentials=out)
    assert out.stat().st_mode & 0o777 == 0o600
    rows = list(csv.reader(out.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == ["username", "password"]
    assert [row[0] for row in rows[1:]] == ["u1", "inv1"]
    for username, password in rows[1:]:
        assert verify(person(session, username).password_hash, password)


def test_given_passwords_are_taken_and_do_not_need_a_file(session: Session) -> None:
    report = bring_in(session, roster(candidate(1, password="given password")), credentials=None)
    assert report.passwords_made == 0
    assert verify(person(session, "u1").password_hash, "given password")


def test_a_given_password_again_changes_nothing_and_another_ends_the_sessions(session: Session) -> None:
    bring_in(session, roster(candidate(1, password="given password")))
    before = everything(session)
    assert bring_in(session, roster(candidate(1, password="given password"))).people == Count(0, 0, 1)
    assert everything(session) == before
    assert bring_in(session, roster(candidate(1, password="other password"))).people == Count(0, 1, 0)
    assert person(session, "u1").epoch == 1
    assert session.scalars(select(EndedSession.user_id)).all() == [person(session, "u1").id]
    assert verify(person(session, "u1").password_hash, "other password")


@pytest.mark.thorough
def test_a_password_counts_in_whichever_line_it_stands(session: Session) -> None:
    lines = candidate(1), candidate(1, test="Botany", password="given password"), candidate(2)
    people = contributors(staff("u2", name="Person 2", password="of the staff"), columns=(*STAFF_COLUMNS, "password"))
    assert bring_in(session, roster(*lines), people, credentials=None).passwords_made == 0
    assert verify(person(session, "u1").password_hash, "given password")
    assert verify(person(session, "u2").password_hash, "of the staff")


def test_a_password_that_changes_during_an_import_stops_it(session: Session, hall: Hall) -> None:
    """Else somebody would be handed a password that is not theirs."""
    user_id = hall.person("Person 1", username="u1", email="u1@example.org").id

    def set_password(_session: Session, _transaction: object, connection: Connection) -> None:
        if WRITE in connection.get_execution_options():
            connection.execute(update(User).where(User.id == user_id).values(password_hash="another"))

    event.listen(session, "after_begin", set_password)
    with pytest.raises(ImportRefused, match="a password was changed"):
        bring_in(session, roster(candidate(1)))
    event.remove(session, "after_begin", set_password)
    assert session.scalars(select(Candidacy.id)).all() == []


@pytest.mark.one_database
def test_without_a_file_for_passwords_nothing_is_imported(session: Session) -> None:
    with pytest.raises(ImportRefused, match="1 people have no password yet"):
        bring_in(session, roster(candidate(1), candidate(2, password="given password")), credentials=None)
    assert everything(session) == []


@pytest.mark.one_database
def test_an_existing_file_is_not_overwritten(session: Session, tmp_path: Path) -> None:
    out = tmp_path / "passwords.csv"
    out.write_text("yesterday's")
    with pytest.raises(ImportRefused, match="exists already"):
        bring_in(session, roster(candidate(1)), credentials=out)
    assert out.read_text() == "yesterday's"
    assert everything(session) == []


@pytest.mark.one_database
def test_a_link_that_leads_nowhere_is_not_followed(session: Session, tmp_path: Path) -> None:
    out = tmp_path / "passwords.csv"
    out.symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(ImportRefused, match="exists already"):
        bring_in(session, roster(candidate(1)), credentials=out)
    assert not (tmp_path / "elsewhere.csv").exists()


@pytest.mark.one_database
def test_a_file_that_cannot_be_made_stops_the_import(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="No such file"):
        bring_in(session, roster(candidate(1)), credentials=tmp_path / "no folder" / "passwords.csv")
    assert everything(session) == []


@pytest.mark.one_database
def test_a_full_disk_stops_the_import(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    out = tmp_path / "passwords.csv"
    with pytest.raises(ImportRefused, match="No space left"):
        bring_in(session, roster(candidate(1)), credentials=out)
    assert not out.exists()
    assert everything(session) == []


@pytest.mark.one_database
def test_a_kill_during_the_hashing_leaves_no_file(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would keep the next import from using the name."""
    out, hashing = tmp_path / "passwords.csv", PasswordHasher.hash

    def with_no_file(hasher: PasswordHasher, password: str) -> str:
        assert not out.exists()
        return hashing(hasher, password)

    monkeypatch.setattr(PasswordHasher, "hash", with_no_file)
    assert bring_in(session, roster(candidate(1)), credentials=out).passwords_made == 1
    assert out.exists()


def test_a_database_that_refuses_leaves_no_file(session: Session, tmp_path: Path) -> None:
    refuse_inserts(session, "candidacy")
    out = tmp_path / "passwords.csv"
    with pytest.raises(Exception, match="refused"):
        bring_in(session, roster(candidate(1)), credentials=out)
    assert not out.exists()
    assert everything(session) == []


def test_somebody_known_without_a_password_gets_one(session: Session, hall: Hall) -> None:
    hall.person("Person 1", username="u1", email="u1@example.org")
    assert bring_in(session, roster(candidate(1))).passwords_made == 1
    assert person(session, "u1").password_hash is not None
