"""The measurement of imports compares like with like."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.bench.importing import Papers, count_rows, measure, real, repeated, run_command, write_without_checks
from tests.databases import Database
from webapp.models import Candidacy, User

pytestmark = pytest.mark.nightly
LINES = 1950
"""A little more than the real roster has, so that some lines are of the second turn."""


def test_a_round_measures_floor_and_import_of_the_same_rows(app: Flask, session: Session, tmp_path: Path) -> None:
    """All that is in the files, by both ways."""
    figures = measure(tmp_path, repeated(60))
    assert set(figures) == {"floor, plain inserts", "passwords alone", "import, new", "import, unchanged"}
    assert all(seconds > 0 for seconds in figures.values())
    assert count_rows()["candidacy"] == 60


def test_a_floor_that_writes_other_rows_is_no_floor(app: Flask, session: Session, tmp_path: Path) -> None:
    """The import knows a person by the name in either case; the floor takes them for two."""
    papers = repeated(1)
    header, line = papers.roster.splitlines(keepends=True)
    again = line.replace(b"Calculus II", b"Calculus III").replace(b"c102485-0", b"C102485-0")
    with pytest.raises(RuntimeError, match=r"the import has written .*, the floor "):
        measure(tmp_path, Papers(2, header + line + again, papers.contributors))


def test_the_command_imports_it(app: Flask, session: Session, database: Database, tmp_path: Path) -> None:
    """As an operator calls it, and a refusal is not taken for an import."""
    run_command(tmp_path, database.url, repeated(10))
    assert count_rows()["candidacy"] == 10
    assert (tmp_path / "credentials.csv").exists()
    with pytest.raises(RuntimeError, match="already"):
        run_command(tmp_path, database.url, repeated(11))


@pytest.mark.only_on("sqlite")
def test_a_repeated_roster_is_as_many_candidacies_of_other_people(app: Flask, session: Session) -> None:
    """Each turn has its own tests, people and numbers; a person who sits two tests of the roster sits two of theirs."""
    write_without_checks(repeated(LINES))
    numbers = session.scalars(select(Candidacy.number)).all()
    assert len(set(numbers)) == len(numbers) == LINES
    people = session.scalars(select(User.username).where(User.id.in_(select(Candidacy.user_id)))).all()
    assert real().lines < len(numbers)
    assert {name.rsplit("-", 1)[1] for name in people} == {"0", "1"}
