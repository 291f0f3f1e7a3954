"""The list as CSV: all rows, the same filter and order, harmless in a spreadsheet (R17)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from itertools import product
from threading import get_ident
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import event

from tests.databases import Database, settings_for
from tests.hall import Hall, signed_in
from tests.monitor.test_page import got, rows_of
from webapp.clock import utcnow
from webapp.extensions import db
from webapp.models import Attendance, Role
from webapp.monitor.columns import COLUMNS
from webapp.web.csv_download import harmless

ALL = "&".join(f"column={column.key}" for column in COLUMNS)


def table(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.thorough
def test_all_pages_are_in_the_file(app: Flask, hall: Hall) -> None:
    test = hall.test()
    hall.candidacies(test, 1100)
    hall.candidacies(test, 20, room="Room 2")
    client = signed_in(app, hall.contributor(test))
    answer = client.get("/monitor.csv?page=3")
    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="candidates-{utcnow():%Y-%m-%d}.csv"'
    rows = table(answer.text)
    assert len(rows) == len({row["Candidate ID"] for row in rows}) == 1120
    assert len(table(got(client, "/monitor.csv?room=Room+2"))) == 20


def test_columns_and_order_are_those_of_the_page(app: Flask, hall: Hall) -> None:
    test = hall.test()
    people = [hall.candidacy(test, hall.person(name=name)) for name in ("Bo", "Al", "Cy")]
    client = signed_in(app, hall.contributor(test))
    query = "?sort=-name&column=number&column=progress&column=name"
    rows = table(got(client, "/monitor.csv" + query))
    assert list(rows[0]) == ["Candidate ID", "Progress", "Last seen", "Name"]
    numbers = {one.id: one.number for one in people}
    assert [row["Candidate ID"] for row in rows] == [numbers[one] for one in rows_of(got(client, "/monitor" + query))]


@pytest.mark.one_database
def test_every_column_has_its_text(app: Flask, hall: Hall) -> None:
    now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    test = hall.test("Algebra", starts_at=now, ends_at=now + timedelta(hours=3))
    one = hall.candidacy(
        test, hall.person(name="Ådne, \"Ø\""), number="007", started_at=now, saved_at=now + timedelta(minutes=50),
        submitted_at=now + timedelta(minutes=61), group_name="G", seat="1A", building="North", question_set="Q",
        extra_minutes=10, incident_minutes=5, id_checked=True, attendance=Attendance.PRESENT, back_at=now,
        blank=True, flagged=True, note="Arrived late",
    )  # fmt: skip
    hall.seen(one.user_id, timedelta(hours=2))
    (row,) = table(got(signed_in(app, hall.person(is_admin=True)), f"/monitor.csv?{ALL}"))
    assert row.pop("Last seen").endswith("+00:00")
    assert row.pop("Warnings") in {"", "Was offline"}
    assert row == {
        "State": "Submitted",
        "Submission": "Submitted; Was offline", "Name": 'Ådne, "Ø"', "Candidate ID": "007", "Connection": "Offline",
        "Progress": "Blank submission", "Saved": "2026-11-24T10:20+00:00", "Minutes spent": "61",
        "Time left": "", "Marks": "Flagged; Arrived late",
        "Room": "Room 1", "Seat": "1A", "Test": "Algebra", "Test start": "2026-11-24T09:30+00:00",
        "Test end": "2026-11-24T12:30+00:00", "Candidate started": "2026-11-24T09:30+00:00",
        "Candidate submitted": "2026-11-24T10:31+00:00", "Group": "G", "Extra time": "10", "Incident time": "5",
        "ID check": "Checked", "Attendance": "Present", "Building": "North", "Question set": "Q", "Planner": "",
    }  # fmt: skip


def test_times_are_local_with_their_offset(app: Flask, hall: Hall, database: Database) -> None:
    """Trap 24."""
    app.config["SETTINGS"] = settings_for(database, timezone=ZoneInfo("Europe/Oslo"))
    tests = [hall.test(starts_at=datetime(2026, month, 1, 9, tzinfo=UTC)) for month in (7, 12)]
    named = "".join(f"&test={test.id}" for test in tests if hall.candidacy(test))
    address = "/monitor.csv?column=test_start&sort=test_start" + named
    rows = table(got(signed_in(app, hall.person(is_admin=True)), address))
    assert [row["Test start"] for row in rows] == ["2026-07-01T11:00+02:00", "2026-12-01T10:00+01:00"]


def test_formulas_are_made_harmless() -> None:
    for start in ("=", "+", "-", "@", "\t", "\r", "\n", " =", "＝"):
        assert harmless(f"{start}1+1") == f"'{start}1+1"
        assert harmless(f"1{start}1") == f"1{start}1"


def test_a_formula_after_what_may_part_cells_is_made_harmless() -> None:
    """A spreadsheet whose cells are parted by semicolons or tabs sees one there."""
    for between, start in product([";", "; ", "\t", "\n", "\r\n", '; "', "x;;", "\n\n"], ["=", "+", "-", "@", "＝"]):
        parted, blanks = between.rstrip(' "'), between[len(between.rstrip(' "')) :]
        assert harmless(f"a{between}{start}1") == f"a{parted}'{blanks}{start}1"
        assert harmless(f"{start}1{between}{start}1") == f"'{start}1{parted}'{blanks}{start}1"


def test_an_ordinary_text_stays_as_it_is() -> None:
    for text in ("", "A115", "a; b", "a\n\nb", "one\ttwo", "1-2", "a=b", "me@example.org", "x; y=1", "a\r\n\r\nb",
                 "C++", 'Å, "Ø"'):  # fmt: skip
        assert harmless(text) == text


@pytest.mark.one_database
def test_a_formula_as_a_name(app: Flask, hall: Hall) -> None:
    test = hall.test()
    hall.candidacy(test, hall.person(name='=HYPERLINK("http://x")'), seat="-1")
    (row,) = table(got(signed_in(app, hall.contributor(test)), "/monitor.csv"))
    assert row["Name"].startswith("'=")
    assert row["Seat"] == "'-1"


def test_a_download_takes_one_connection(app: Flask, hall: Hall) -> None:
    """If each took two, as many at once as the pool has connections would each wait for a second one."""
    test = hall.test()
    hall.candidacy(test)
    client = signed_in(app, hall.contributor(test, role=Role.PLANNER))
    hall.session.rollback()
    held: set[object] = set()
    here = get_ident()  # the sweep and what is due take connections in threads of their own
    held: set[object] = set()
    most = []

    def checkout(_: object, record: object, __: object) -> None:
        if get_ident() == here:
            held.add(record)
            most.append(len(held))

    def checkin(_: object, record: object) -> None:
        held.discard(record)

    event.listen(db.engine, "checkout", checkout)
    event.listen(db.engine, "checkin", checkin)
    try:
        for address in ("/monitor.csv", "/monitor/print", "/log.csv", "/log/print"):
            assert client.get(address).status_code == 200
    finally:
        event.remove(db.engine, "checkout", checkout)
        event.remove(db.engine, "checkin", checkin)
    assert set(most) == {1}


def test_tests_without_a_planner_come_last_in_either_direction(app: Flask, hall: Hall) -> None:
    for name in ("", "Zoe", "adam"):
        test = hall.test(f"Test of {name}")
        hall.candidacy(test)
        if name:
            hall.contributor(test, role=Role.PLANNER, user=hall.person(name=name))
    client = signed_in(app, hall.person(is_admin=True))
    query = "/monitor.csv?column=number&column=planner&sort="
    assert [row["Planner"] for row in table(got(client, f"{query}planner"))] == ["adam", "Zoe", ""]
    assert [row["Planner"] for row in table(got(client, f"{query}-planner"))] == ["Zoe", "adam", ""]
