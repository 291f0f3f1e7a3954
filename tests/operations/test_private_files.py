"""What SQLite writes is its owner's alone, whoever opens it first and whatever the process allows to others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.databases import Database, application_on
from webapp.db.startup_check import connection_failure
from webapp.extensions import db


@pytest.fixture
def generous() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}


def test_made_by_the_application(generous: None, tmp_path: Path) -> None:
    with application_on(Database("sqlite", f"sqlite:///{tmp_path}/new.db", tmp_path)) as app, app.app_context():
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            assert modes(tmp_path) == dict.fromkeys(modes(tmp_path), "0o600")
        assert "new.db" in modes(tmp_path)


def test_made_by_the_check_before_a_start(generous: None, tmp_path: Path) -> None:
    assert connection_failure(f"sqlite:///{tmp_path}/new.db") is None
    assert modes(tmp_path) == {"new.db": "0o600"}


def test_one_that_is_there_is_left_as_it_is(generous: None, tmp_path: Path) -> None:
    (tmp_path / "old.db").touch(mode=0o640)
    assert connection_failure(f"sqlite:///{tmp_path}/old.db") is None
    assert modes(tmp_path) == {"old.db": "0o640"}
