"""Every bad line is named with its number, column and reason; with one bad line nothing is imported."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.planning.papers import COLUMNS, candidate, contributors, problems, roster, staff
from webapp.models import Candidacy, Contribution, Question, Test, User

pytestmark = pytest.mark.one_database

GOOD = candidate(1)
ONE_FIELD = [
    ("test", "", "is empty"),
    ("test", "x" * 201, "has 201 characters; at most 200 fit"),
    ("test_start", "24.11.2026 08:00", "is not a local time"),
    ("test_start", "2026-02-30T08:00", "is not a local time"),
    ("test_start", "2026-11-24T08:00Z", "is not a local time"),
    ("test_start", "2026-11-24T08:00+01:00", "is not a local time"),
    ("test_start", "0001-01-01T00:00", "is not a local time"),
    ("test_start", "9999-12-31T23:59", "is not a local time"),
    ("test_start", "", "is not a local time"),
    ("test_end", "2026-11-24T08:00", "is not after the start"),
    ("test_end", "2026-11-24T07:00", "is not after the start"),
    ("candidate_id", "", "is empty"),
    ("candidate_id", "1" * 51, "has 51 characters"),
    ("name", "", "is empty"),
    ("name", "  ", "is empty"),
    ("name", "A\tB", "control character"),
    ("name", "A\nB", "control character"),
    ("name", "A\0B", "control character"),
    ("name", "A\x1fB", "control character"),
    ("name", "A\u2028B", "control character"),
    ("name", "x" * 201, "has 201 characters"),
    ("username", "", "is empty"),
    ("username", "x" * 151, "has 151 characters"),
    ("username", "\ufdfa" * 140, "is longer than 150"),
    ("email", "x" * 255, "has 255 characters"),
    ("password", "short", "must have 8 to 1024 characters"),
    ("password", "x" * 1025, "must have 8 to 1024 characters"),
    ("password", "passw\0rd1", "control character"),
    ("room", "x" * 101, "has 101 characters"),
    ("group", "x" * 101, "has 101 characters"),
    ("seat", "x" * 51, "has 51 characters"),
    ("extra_minutes", "-5", "is not a whole number"),
    ("extra_minutes", "1.5", "is not a whole number"),
    ("extra_minutes", "1441", "is not a whole number"),
    ("extra_minutes", "٣", "is not a whole number"),
    ("extra_minutes", "x", "is not a whole number"),
]


@pytest.fixture(autouse=True)
def _nothing_is_imported(session: Session) -> object:
    yield
    session.rollback()
    for model in (User, Test, Question, Candidacy, Contribution):
        assert session.scalar(select(func.count()).select_from(model).where(model.id < 10_000)) == 0


def test_a_bad_field_is_named(session: Session) -> None:
    for column, value, reason in ONE_FIELD:
        (said,) = problems(session, roster(GOOD, candidate(2, **{"test": "Botany", column: value})))
        assert said.startswith(f"roster.csv, line 3, {column}: "), (column, value[:50])
        assert reason in said, (column, value[:50])


def test_all_bad_lines_are_named_in_both_files(session: Session) -> None:
    said = problems(
        session,
        roster(candidate(1, extra_minutes="x", name=""), GOOD | {"candidate_id": "C9"}, candidate(3, email="x" * 300)),
        contributors(staff(role="boss"), staff("inv2", room="Hall 2"), staff("inv3", test="Unknown")),
    )
    assert [one.split(": ")[0] for one in said] == [
        "roster.csv, line 2, extra_minutes",
        "roster.csv, line 2, name",
        "roster.csv, line 3, name",
        "roster.csv, line 3, username",
        "roster.csv, line 4, email",
        "staff.csv, line 2, role",
        "staff.csv, line 3, room",
        "staff.csv, line 4, test",
    ]


def test_bytes_that_are_no_utf_8_are_named(session: Session) -> None:
    line = candidate(2, test="Lägesprov", name="Källström", username="källström")
    found = problems(session, roster(GOOD, line).decode().encode("latin-1"))
    reason = "is not UTF-8 text; save the file as “CSV UTF-8”"
    assert found == [f"roster.csv, line 3, {column}: {reason}" for column in ("name", "test", "username")]


@pytest.mark.parametrize("data", ["utf-16", "utf-32"])
def test_another_encoding_is_named(session: Session, data: str) -> None:
    (said,) = problems(session, roster(GOOD).decode().encode(data))
    assert said.startswith("roster.csv, line 1: the header is not UTF-8")


def test_an_encoded_lone_surrogate_is_no_text(session: Session) -> None:
    (said,) = problems(session, roster(candidate(1, name="X")).replace(b'"X"', b'"\xed\xa0\x80"'))
    assert "line 2, name: is not UTF-8" in said


def test_missing_unknown_and_double_columns_are_all_named(session: Session) -> None:
    header = ",".join(COLUMNS).replace("test_end", "end").replace("seat", "room")
    said = problems(session, header.encode() + b"\n")
    assert said == [
        "roster.csv, line 1, room: this column is there twice",
        "roster.csv, line 1, seat: this column is missing",
        "roster.csv, line 1, test_end: this column is missing",
        "roster.csv, line 1, “end”: this column is not known",
    ]


def test_each_missing_column_is_named(session: Session) -> None:
    for missing in COLUMNS:
        header = ",".join(name for name in COLUMNS if name != missing).encode()
        assert problems(session, header) == [f"roster.csv, line 1, {missing}: this column is missing"]


def test_columns_without_a_separator_are_named(session: Session) -> None:
    (said,) = problems(session, "|".join(COLUMNS).encode() + b"\n")
    assert "line 1: the columns are not separated by commas, semicolons or tabs" in said


def test_an_empty_file_is_refused(session: Session) -> None:
    for data in (b"", b"\n", b"\xef\xbb\xbf"):
        assert problems(session, data) == ["roster.csv, line 1: the file is empty"], data


def test_ragged_and_broken_lines_are_named(session: Session) -> None:
    data = roster(GOOD) + b"a,b\r\n" + b",".join([b"x"] * 15) + b'\r\n"a"b,c\r\n' + b'"never closed,x\r\n'
    said = problems(session, data)
    assert [one.split(": ")[0] for one in said] == [f"roster.csv, line {n}" for n in (3, 4, 5, 6)]
    assert "has 2 fields; the header has 14" in said[0]
    assert "has 15 fields" in said[1]


def test_lines_are_counted_as_an_editor_does(session: Session) -> None:
    said = problems(session, roster(candidate(1, name="A\r\nB"), candidate(2, name="")))
    assert [one.split(":")[0] for one in said] == ["roster.csv, line 2, name", "roster.csv, line 4, name"]


def test_a_candidate_id_twice_in_a_test(session: Session) -> None:
    (said,) = problems(session, roster(GOOD, candidate(2, candidate_id="C1")))
    assert said == "roster.csv, line 3, candidate_id: “C1” is already in line 2, in the same test"


def test_a_person_twice_in_a_test(session: Session) -> None:
    again = GOOD | {"candidate_id": "C2", "username": "U1"}
    (said,) = problems(session, roster(GOOD, again))
    assert said.startswith("roster.csv, line 3, username: “u1” already sits this test in line 2")


def test_a_test_has_one_start_and_one_end(session: Session) -> None:
    other = candidate(2, test_start="2026-11-24T09:00", test_end="2026-11-24T13:00")
    said = problems(session, roster(GOOD, other))
    assert [one.split(":")[0] for one in said] == ["roster.csv, line 3, test_end", "roster.csv, line 3, test_start"]


def test_a_username_has_one_name_address_and_password(session: Session) -> None:
    first = candidate(1, password="the password")
    other = first | {"test": "Botany", "name": "Else", "email": "else@example.org", "password": "another one"}
    said = problems(session, roster(first, other), contributors(staff("u1", name="Third")))
    assert [one.split(":")[0] for one in said] == [
        "roster.csv, line 3, email",
        "roster.csv, line 3, name",
        "roster.csv, line 3, password",
        "staff.csv, line 2, name",
    ]


def test_an_hour_that_the_clocks_skip_does_not_exist(session: Session) -> None:
    """Trap 24: in Stockholm, 02:30 on 28 March 2027 is not there."""
    (said,) = problems(session, roster(candidate(1, test_start="2027-03-28T02:30", test_end="2027-03-28T06:00")))
    assert "does not exist in Europe/Stockholm" in said


@pytest.mark.thorough
def test_bad_contributors_are_named(session: Session) -> None:
    for line, reason in (
        (staff(role="boss"), "line 2, role: “boss” is not a role; use one of invigilator, chief_invigilator, planner"),
        (staff(role="Invigilator"), "line 2, role: “Invigilator” is not a role; use one of"),
        (staff(role=""), "line 2, role: is empty"),
        (staff(username=""), "line 2, username: is empty"),
        (staff(room="hall 1"), "line 2, room: no candidate of this test sits in “hall 1”"),
        (staff(test="Zoology"), "line 2, test: “Zoology” is neither in the roster nor stored"),
    ):
        (said,) = problems(session, roster(GOOD), contributors(line))
        assert reason in said


def test_a_contributor_twice_in_a_test(session: Session) -> None:
    (said,) = problems(session, roster(GOOD), contributors(staff(), staff()))
    assert "line 3, username: “inv1” already works in this test in line 2" in said


def test_a_title_on_two_days_needs_the_day(session: Session) -> None:
    second = candidate(1, test_start="2026-11-25T08:00", test_end="2026-11-25T12:00")
    (said,) = problems(session, roster(GOOD, second), contributors(staff()))
    assert "means several tests (2026-11-24, 2026-11-25)" in said


def test_a_bad_line_does_not_make_its_test_unknown(session: Session) -> None:
    """Only what is really wrong is named."""
    (said,) = problems(session, roster(candidate(1, test_end="x")), contributors(staff(room="Hall 1")))
    assert "test_end" in said
