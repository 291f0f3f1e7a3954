"""`import-roster` and `create-user` as an operator meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.planning.papers import candidate, roster
from webapp.accounts.passwords import verify
from webapp.models import User

pytestmark = pytest.mark.one_database


def run(app: Flask, *arguments: object, typed: str | bytes = "") -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=[str(one) for one in arguments], input=typed)
    return result.exit_code, result.output


def test_an_import_is_reported_in_plain_words(app: Flask, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(roster(candidate(1)))
    code, said = run(app, "import-roster", path, "--credentials", tmp_path / "out.csv")
    assert code == 0
    assert "Candidacies: 1 new, 0 changed, 0 unchanged" in said
    assert "1 passwords were made" in said
    code, said = run(app, "import-roster", path)
    assert (code, "Candidacies: 0 new, 0 changed, 1 unchanged" in said) == (0, True)


def test_bad_lines_are_exit_1_and_named(app: Flask, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(roster(candidate(1, name=""), candidate(2, extra_minutes="x")))
    code, said = run(app, "import-roster", path)
    assert code == 1
    assert "roster.csv, line 2, name: is empty" in said
    assert "roster.csv, line 3, extra_minutes: " in said
    assert "2 lines have to be corrected. Nothing was imported." in said


def test_a_missing_credentials_option_is_exit_1(app: Flask, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(roster(candidate(1)))
    code, said = run(app, "import-roster", path)
    assert code == 1
    assert "--credentials" in said
    assert session.scalars(select(User)).all() == []


def test_a_dry_run_says_that_nothing_was_written(app: Flask, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(roster(candidate(1)))
    code, said = run(app, "import-roster", path, "--dry-run")
    assert code == 0
    assert said.startswith("Checked only")
    assert session.scalars(select(User)).all() == []


def test_a_file_that_is_not_there_is_exit_1(app: Flask, session: Session, tmp_path: Path) -> None:
    code, said = run(app, "import-roster", tmp_path / "none.csv")
    assert code == 1
    assert "cannot be read" in said


def test_create_user(app: Flask, session: Session) -> None:
    code, _ = run(
        app, "create-user", "Boss", "--name", "The Boss", "--admin", "--password-stdin", typed="long enough\n"
    )
    assert code == 0
    user = session.scalars(select(User)).one()
    assert (user.username, user.sign_in_name, user.name, user.is_admin) == ("Boss", "boss", "The Boss", True)
    assert verify(user.password_hash, "long enough")


@pytest.mark.parametrize(
    ("username", "name", "password", "reason"),
    [
        ("BOSS", "Boss", "long enough", "is taken"),
        ("", "Boss", "long enough", "username is empty"),
        ("b", " ", "long enough", "name is empty"),
        ("b", "Boss", "", "must have 8"),
        ("b", "Boss", "1234567", "must have 8"),
        ("b", "Boss", "x" * 2000, "must have 8"),
        ("b", "Boss", b"\xff" * 10, "not UTF-8"),
        ("b" * 151, "Boss", "long enough", "at most 150"),
        ("b\tc", "Boss", "long enough", "control character"),
    ],
)
def test_an_account_that_cannot_be_is_one_clear_line(
    app: Flask, session: Session, username: str, name: str, password: str | bytes, reason: str
) -> None:
    run(app, "create-user", "boss", "--name", "Boss", "--password-stdin", typed="long enough")
    code, said = run(app, "create-user", username, "--name", name, "--password-stdin", typed=password)
    assert code == 1
    assert said.count("\n") == 1
    assert reason in said
    assert len(session.scalars(select(User)).all()) == 1
