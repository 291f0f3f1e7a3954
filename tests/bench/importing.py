"""How long the import of a roster takes, beside the same rows written without any check."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from flask_migrate import downgrade, upgrade
from sqlalchemy import func, insert, select

from tests.databases import SECRET_KEY, Database, application_on
from tests.server import ROOT
from webapp.accounts.passwords import AT_ONCE, generate_password, hash_generated
from webapp.db.transactions import writing
from webapp.extensions import db
from webapp.models import (
    Candidacy,
    Contribution,
    Question,
    Test,
    User,
)
from webapp.planning.importing import import_roster

DATA = ROOT / "tests" / "data"
TABLES = (User, Test, Question, Candidacy, Contribution)
SOME_HASH = "$argon2id$v=19$m=1024,t=1,p=1$" + "x" * 65
"""As long as a real one."""

Row = dict[str, str]


@dataclass(frozen=True)
class Papers:
    """A roster and the contributors of its tests, as files."""

    lines: int
    roster: bytes
    contributors: bytes


def measure_import(folder: Path, url: str, large: int = 20_000, rounds: int = 3) -> dict[str, float]:
    """Seconds that imports take on the database at `url`, which is emptied again and again.

    Each roster (the real-sized one, median of `rounds`, and one of `large` lines, once) is imported into empty tables
    and then again with nothing changed: within this process and, the real-sized one, by `flask --app wsgi
    import-roster` as an operator does, with the start of Python. Beside them, in the same run, the floor: the same
    number of rows parsed and inserted without a check; and the hashing of as many passwords. `folder` is for files.

    Raises `RuntimeError` if an import and the floor have not written the same number of rows.
    """
    database = Database("sqlite" if url.startswith("sqlite") else "postgresql", url, folder)
    figures: dict[str, list[float]] = {}
    with application_on(database) as app, app.app_context():
        for papers, times in ((real(), rounds), (repeated(large), 1)):
            for _ in range(times):
                for what, seconds in measure(folder, papers).items():
                    figures.setdefault(f"{papers.lines:,} lines: {what}", []).append(seconds)
        papers = real()
        empty()
        for what in ("new", "unchanged"):
            name = f"{papers.lines:,} lines: flask import-roster, {what}"
            figures[name] = [timed(lambda: run_command(folder, url, papers))]
        (folder / "credentials.csv").unlink()
    return {what: median(seconds) for what, seconds in figures.items()}


def measure(folder: Path, papers: Papers) -> dict[str, float]:
    """One round within an application's context: the floor, the passwords, an import, and the same import again."""
    figures = {}
    empty()
    figures["floor, plain inserts"] = timed(lambda: write_without_checks(papers))
    expected = count_rows()
    figures["passwords alone"] = timed(lambda: hash_as_many(expected["user_account"]))
    empty()
    figures["import, new"] = timed(lambda: run_import(folder, papers))
    figures["import, unchanged"] = timed(lambda: run_import(folder, papers))
    (folder / "credentials.csv").unlink()
    if count_rows() != expected:
        raise RuntimeError(f"the import has written {count_rows()}, the floor {expected}")
    return figures


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def real() -> Papers:
    """The roster of three tests that stands in tests/data."""
    roster = (DATA / "roster.csv").read_bytes()
    return Papers(len(_rows(roster)), roster, (DATA / "contributors.csv").read_bytes())


def repeated(lines: int) -> Papers:
    """A roster of so many lines: the real one over and over, with other tests, people and numbers each time.

    Its contributors are those of the tests, and of the rooms, that it has.
    """
    people, staff = _rows(real().roster), _rows(real().contributors)
    roster = []
    for place in range(lines):
        turn, original = place // len(people), people[place % len(people)]
        roster.append(
            {
                **original,
                "test": _title(original, turn),
                "candidate_id": f"{original['candidate_id']}-{turn}",
                "username": f"{original['username']}-{turn}",
                "email": f"{turn}-{original['email']}",
            }
        )
    places = {(row["test"], room) for row in roster for room in ("", row["room"])}
    turns = range(1 + lines // len(people))
    contributors = [{**row, "test": _title(row, turn)} for turn in turns for row in staff]
    return Papers(lines, _file(roster), _file([row for row in contributors if (row["test"], row["room"]) in places]))


def _title(row: Row, turn: int) -> str:
    return f"{row['test']}, {turn}"


def _rows(data: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def _file(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def empty() -> None:
    """Take all tables away and make them anew."""
    db.session.remove()
    downgrade(revision="base")
    upgrade()


def count_rows() -> dict[str, int]:
    """Table → rows."""
    return {one.__tablename__: db.session.execute(select(func.count()).select_from(one)).scalar_one() for one in TABLES}


def write(folder: Path, papers: Papers) -> tuple[Path, Path]:
    """The files of the roster and its contributors."""
    roster, contributors = folder / "roster.csv", folder / "contributors.csv"
    roster.write_bytes(papers.roster)
    contributors.write_bytes(papers.contributors)
    return roster, contributors


def run_import(folder: Path, papers: Papers) -> None:
    """The use case itself. Passwords go to a file, as an operator has it."""
    import_roster(
        db.session(),
        *write(folder, papers),
        zone=ZoneInfo("Europe/Stockholm"),
        credentials=folder / "credentials.csv",
    )


def run_command(folder: Path, url: str, papers: Papers) -> None:
    """The operator's command. Raises `RuntimeError` with what it says if it fails."""
    roster, contributors = write(folder, papers)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "import-roster", str(roster)]
    options = ["--contributors", str(contributors), "--credentials", str(folder / "credentials.csv")]
    environ = {**os.environ, "EXAMHALL_SECRET_KEY": SECRET_KEY, "EXAMHALL_DATABASE_URL": url}
    ended = subprocess.run([*command, *options], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(ended.stdout + ended.stderr)


def hash_as_many(passwords: int) -> None:
    """Make and hash so many passwords, on all cores as the import does."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(lambda _: hash_generated(generate_password()), range(passwords)):
            pass


def write_without_checks(papers: Papers) -> None:
    """The floor: both files read by `csv`, their rows numbered here and inserted; one hash for all."""
    sitting, working = _rows(papers.roster), _rows(papers.contributors)
    people = _numbered(row["username"] for row in [*sitting, *working])
    names = {row["username"]: row for row in [*working, *sitting]}
    tests = _numbered(row["test"] for row in sitting)
    starts = {row["test"]: row for row in sitting}
    session = db.session()
    with writing(session):
        session.execute(insert(User.__table__), [_person(number, names[one]) for one, number in people.items()])
        session.execute(insert(Test.__table__), [_test(number, starts[one]) for one, number in tests.items()])
        questions = [{"test_id": number, "position": 1, "prompt": ""} for number in tests.values()]
        session.execute(insert(Question.__table__), questions)
        places = [{"user_id": people[row["username"]], "test_id": tests[row["test"]]} for row in sitting]
        entries = [place | _entry(row) for place, row in zip(places, sitting, strict=True)]
        session.execute(insert(Candidacy.__table__), entries)
        contributions = [
            {
                "user_id": people[row["username"]],
                "test_id": tests[row["test"]],
                "role": row["role"],
                "room": row["room"] or None,
            }
            for row in working
        ]
        session.execute(insert(Contribution.__table__), contributions)


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names), 1)}


def _person(number: int, row: Row) -> dict[str, object]:
    return {
        "id": number,
        "username": row["username"],
        "sign_in_name": row["username"],
        "name": row["name"],
        "email": row.get("email", ""),
        "password_hash": SOME_HASH,
    }


def _test(number: int, row: Row) -> dict[str, object]:
    starts_at, ends_at = (datetime.fromisoformat(row[name]).replace(tzinfo=UTC) for name in ("test_start", "test_end"))
    return {
        "id": number,
        "title": row["test"],
        "start_date": starts_at.date(),
        "starts_at": starts_at,
        "ends_at": ends_at,
    }


def _entry(row: Row) -> dict[str, object]:
    return {
        "number": row["candidate_id"],
        "group_name": row["group"],
        "room": row["room"],
        "building": row["building"],
        "seat": row["seat"],
        "question_set": row["question_set"],
        "extra_minutes": int(row["extra_minutes"] or 0),
        "sort_name": row["name"],
        "search_text": " ".join(row.values()),
    }
