"""The real roster, imported by the command, and one sending to as many persons as may get one (R4, R5)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, fields_of, open_dialog, post
from tests.messaging.written import counts
from webapp.models import Role, Test

ROSTER = Path(__file__).parent.parent / "data" / "roster.csv"


def roster_of(persons: int, path: Path) -> Path:
    """The beginning of the real roster, as far as it has so many persons; people in two tests count once."""
    with ROSTER.open(encoding="utf-8", newline="") as source:
        header, *lines = csv.reader(source)
    person = header.index("username")
    taken: list[list[str]] = []
    seen: set[str] = set()
    for line in lines:
        if len(seen | {line[person]}) > persons:
            break
        seen.add(line[person])
        taken.append(line)
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([header, *taken])
    return path


def import_it(app: Flask, roster: Path, credentials: Path) -> None:
    run = app.test_cli_runner().invoke(args=["import-roster", str(roster), "--credentials", str(credentials)])
    assert run.exit_code == 0, run.output


@pytest.mark.thorough
@pytest.mark.one_database("postgresql")
def test_r4_1500_imported_persons_get_it_and_1501_do_not(
    app: Flask, hall: Hall, session: Session, tmp_path: Path
) -> None:
    import_it(app, roster_of(1500, tmp_path / "1500.csv"), tmp_path / "first.csv")
    session.rollback()
    tests = session.scalars(select(Test)).all()
    browser = signed_in(app, hall.contributor(*tests, role=Role.PLANNER))
    assert post(browser, open_dialog(browser, scope="filtered")).status_code == 201
    messages, deliveries, entries, subjects = counts(session)
    assert (messages, deliveries, entries) == (1, 1500, 1)
    assert subjects > 1500  # people in two tests: one copy, both candidacies in the log

    import_it(app, roster_of(1501, tmp_path / "1501.csv"), tmp_path / "second.csv")
    form = fields_of(browser.get("/messages/new?scope=filtered", headers=HTMX))
    refused = post(browser, form)
    assert refused.status_code == 422
    assert "1,501" in refused.text
    assert counts(session) == (1, 1500, 1, subjects)
