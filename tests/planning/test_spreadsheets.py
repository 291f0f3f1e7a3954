"""Files that a spreadsheet has touched: read as they are meant, or refused with line and column."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.nightly import named
from tests.planning.papers import COLUMNS, bring_in, candidate, contributors, problems, roster, staff
from tests.planning.test_importing import candidacy, person

DAMAGED = [
    "1.23E+11", "1,23E+11", "1.23457e+15", "-2E+3", "#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!",
    "#BEZUG!", "#SAKNAS!", "#NV", "#####", '="00123"', '= "A"', "Ing\ufffdborg", "#I/T", "#Н/Д", "#GETTING_DATA",
    "Err:502", "=A1", "=TEXT($B$2;0)",
]  # fmt: skip
KEPT = ["1.23", "1E11", "3E-12", "C#", "#1", "#12", "A+B", "=x", "#hall", "N/A", "E+11"]
TWO = [candidate(1, name="Åsa, the first", room='Hall "1"', group="a;b c"), candidate(2)]


SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
FIRST_LINES = ["", "sep={by}\r\n", '"sep={by}"\n', "SEP={by}\n", "sep={by}{by}{by}\r\n", '"sep={by}"{by}{by}\n']
SEPARATED = {
    f"{name} {number} {mark}": (by, first, "\ufeff" if mark == "marked" else "")
    for (name, by), (number, first), mark in product(SEPARATORS.items(), enumerate(FIRST_LINES), ("plain", "marked"))
}
BY_DAY = {*(f"semicolon {number} marked" for number in range(6)), "comma 0 plain", "tab 0 plain", "comma 1 plain"}


def separated(data: bytes, by: str) -> bytes:
    """A file of papers with another separator."""
    return data.replace(b'","', f'"{by}"'.encode()).replace(b",", by.encode(), len(COLUMNS) - 1)


@pytest.mark.thorough
@pytest.mark.only_on("sqlite")
def test_what_a_spreadsheet_has_damaged_is_refused(session: Session) -> None:
    for column, value in product(["candidate_id", "name", "username", "room", "password", "test"], DAMAGED):
        found = problems(session, roster(candidate(1), candidate(2, **{"test": "Botany", column: value})))
        assert any(problem.startswith(f"roster.csv, line 3, {column}: ") for problem in found), (column, value)


@pytest.mark.only_on("sqlite")
def test_in_the_file_of_the_staff_too(session: Session) -> None:
    (problem,) = problems(session, roster(candidate(1)), contributors(staff(name="#N/A")))
    assert problem.startswith("staff.csv, line 2, name: “#N/A” is an error of a spreadsheet; give the column")


@pytest.mark.only_on("sqlite")
def test_what_only_looks_like_it_comes_in(session: Session) -> None:
    bring_in(session, roster(*(candidate(n, candidate_id=value) for n, value in enumerate(KEPT))))
    assert [candidacy(session, value).number for value in KEPT] == KEPT


@pytest.mark.thorough
@pytest.mark.parametrize(("by", "first", "mark"), named(SEPARATED, BY_DAY))
@pytest.mark.only_on("sqlite")
def test_each_separator_is_read(session: Session, by: str, first: str, mark: str) -> None:
    before = f"{mark}{first.format(by=by)}".encode()
    bring_in(session, before + separated(roster(*TWO), by), before + separated(contributors(staff()), by))
    one = candidacy(session, "C1")
    assert (person(session, "u1").name, one.room, one.group_name) == ("Åsa, the first", 'Hall "1"', "a;b c")
    assert person(session, "inv1").name == "Inge"


@pytest.mark.only_on("sqlite")
def test_lines_that_end_as_on_an_old_macintosh_are_read(session: Session) -> None:
    bring_in(session, (b"sep=,\n" + roster(*TWO)).replace(b"\r\n", b"\n").replace(b"\n", b"\r"))
    assert candidacy(session, "C2").room == "Hall 1"


@pytest.mark.only_on("sqlite")
def test_lines_are_counted_with_the_one_that_names_the_separator(session: Session) -> None:
    (problem,) = problems(session, b"sep=,\r\n" + roster(candidate(1), candidate(2, name="")))
    assert problem == "roster.csv, line 4, name: is empty"


@pytest.mark.parametrize("by", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.only_on("sqlite")
def test_empty_columns_and_lines_at_the_end_are_ignored(session: Session, by: str) -> None:
    wider = b"\r\n".join(line + by.encode() * 3 for line in separated(roster(*TWO), by).splitlines())
    blank = (by * 16 + "\r\n").encode()
    bring_in(session, wider + b"\r\n" + blank * 3 + b" " + blank + b"\r\n")
    assert candidacy(session, "C2").room == "Hall 1"
    (problem,) = problems(session, wider + b"\r\n" + by.join("x" * 16).encode())
    assert "has 16 fields; the header has 14" in problem


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32"])
@pytest.mark.only_on("sqlite")
def test_unicode_text_of_a_spreadsheet_is_named(session: Session, encoding: str) -> None:
    (problem,) = problems(session, separated(roster(*TWO), "\t").decode().encode(encoding))
    assert problem.startswith("roster.csv, line 1: the header is not UTF-8")
    assert "save the file as “CSV UTF-8”" in problem
    assert ("UTF-16" in problem) == (encoding in {"utf-16", "utf-32"}), "where the file says so"


@pytest.mark.only_on("sqlite")
def test_what_cannot_be_seen_is_no_name(session: Session) -> None:
    unseen = ["\u200b", "\u00ad\u2060", "\u3164", "\u2800", "\ufeff \u200e"]
    for column, value in product(["candidate_id", "name", "username", "test"], unseen):
        found = problems(session, roster(candidate(1), candidate(2, **{column: value})))
        assert f"roster.csv, line 3, {column}: has invisible characters only" in found, ascii(value)


@pytest.mark.only_on("sqlite")
def test_a_character_that_is_refused_is_named_with_its_place(session: Session) -> None:
    (problem,) = problems(session, roster(candidate(1, name="Anna\x07")))
    assert problem.endswith("holds a control character or a line break (character 5 is U+0007)")
    (problem,) = problems(session, roster(candidate(1, name="Ing\ufffdborg")))
    assert "name: has lost a letter (character 4 is U+FFFD)" in problem


def test_the_file_of_the_passwords_opens_in_a_spreadsheet(session: Session, tmp_path: Path) -> None:
    """With a byte order mark, so that Å is one, and without a formula."""
    out = tmp_path / "passwords.csv"
    bring_in(session, roster(candidate(1, username="åsa"), candidate(2, username="@bo")), credentials=out)
    assert out.read_bytes().startswith(b"\xef\xbb\xbfusername,password\n")
    assert [line.split(",")[0] for line in out.read_text(encoding="utf-8-sig").splitlines()[1:]] == ["åsa", "'@bo"]
