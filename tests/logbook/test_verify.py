"""R14: a check finds the first entry that was changed, removed, reordered or put in, by whoever owns the database."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.logbook.entries import tamper, write
from webapp.logbook.verify import export, verify, verify_export
from webapp.models import Candidacy, Test

SUBJECT = "(entry_id, candidacy_id, user_id, test_id, number, name, test_title, room)"
TAMPERED = {
    "text changed": (2, "changed", ["UPDATE log_entry SET detail = '{\"subject\":\"Ho\"}' WHERE id = 2"]),
    "time changed": (3, "changed", ["UPDATE log_entry SET at = at + 1 WHERE id = 3"]),
    "actor changed": (2, "changed", ["UPDATE log_entry SET actor_id = 8 WHERE id IN (2, 4)"]),
    "actor removed": (2, "changed", ["UPDATE log_entry SET actor_id = NULL WHERE id = 2"]),
    "own hash changed": (4, "changed", ["UPDATE log_entry SET hash = 'ff' WHERE id = 4"]),
    "previous hash changed": (3, "does not carry", ["UPDATE log_entry SET previous_hash = '' WHERE id = 3"]),
    "entry removed": (2, "missing", ["DELETE FROM log_entry WHERE id = 2"]),
    "first entry removed": (
        1, "missing", ["DELETE FROM log_subject WHERE entry_id = 1", "DELETE FROM log_entry WHERE id = 1"],
    ),
    "entry removed, its subjects left": (1, "missing", ["DELETE FROM log_entry WHERE id = 1"]),
    "entry removed and the gap closed": (
        2, "does not carry", ["DELETE FROM log_entry WHERE id = 2", "UPDATE log_entry SET id = 2 WHERE id = 3"],
    ),
    "two entries exchanged": (
        2, "does not carry",
        [
            "UPDATE log_entry SET id = 99 WHERE id = 2",
            "UPDATE log_entry SET id = 2 WHERE id = 3",
            "UPDATE log_entry SET id = 3 WHERE id = 99",
        ],
    ),
    "entry put in": (
        5, "does not carry",
        ["INSERT INTO log_entry SELECT 5, at, actor_id, actor_name, actor_role, action, detail,"
         " previous_hash, hash FROM log_entry WHERE id = 4"],
    ),
    "entry put in before the first": (
        0, "out of order",
        ["INSERT INTO log_entry SELECT 0, at, actor_id, actor_name, actor_role, action, detail,"
         " previous_hash, hash FROM log_entry WHERE id = 1"],
    ),
    "subject changed": (1, "changed", ["UPDATE log_subject SET room = 'Room 9' WHERE entry_id = 1"]),
    "subject removed": (
        1, "changed", ["DELETE FROM log_subject WHERE candidacy_id = (SELECT max(candidacy_id) FROM log_subject)"],
    ),
    "subject added": (3, "changed", [f"INSERT INTO log_subject {SUBJECT} VALUES (3, 99, 1, 1, '', '', '', '')"]),
    "subject of nothing": (
        9, "only subjects", [f"INSERT INTO log_subject {SUBJECT} VALUES (9, 1, 1, 1, '', '', '', '')"],
    ),
    "subject moved to another entry": (1, "changed", ["UPDATE log_subject SET entry_id = 2"]),
    "tail cut off": (4, "missing", ["DELETE FROM log_entry WHERE id = 4"]),
    "head set back": (4, "put in", ["UPDATE log_head SET number = 3"]),
    "head's hash changed": (4, "hash that the head has", ["UPDATE log_head SET hash = 'ff'"]),
    "head removed": (5, "without its head", ["DELETE FROM log_head"]),
}  # fmt: skip


WRONG_TYPES = {
    "text in a number's place": (1, "whole number", "UPDATE log_subject SET user_id = 'x' WHERE entry_id = 1"),
    "two subjects in one": (
        1, "whole number",
        "UPDATE log_subject SET test_id = test_id || ',\"\",\"\",\"\",\"\"]' || char(10) || '[1' WHERE entry_id = 1",
    ),
    "time with a fraction": (2, "whole number", "UPDATE log_entry SET at = at + 0.4 WHERE id = 2"),
    "time in words": (2, "whole number", "UPDATE log_entry SET at = 'noon' WHERE id = 2"),
    "bytes in a text's place": (2, "text", "UPDATE log_entry SET detail = CAST(detail AS BLOB) WHERE id = 2"),
    "bytes that are no text": (2, "Unicode", "UPDATE log_entry SET detail = CAST(x'ff' AS TEXT) WHERE id = 2"),
    "number in words": (4, "has no number", "UPDATE log_entry SET id = 'four' WHERE id = 4"),
    "subject of no number": (1, "changed", "UPDATE log_subject SET entry_id = 'x'"),
    "head in words": (None, "head", "UPDATE log_head SET number = 'x'"),
    "head's hash no text": (4, "hash that the head has", "UPDATE log_head SET hash = CAST(x'ff' AS TEXT)"),
}  # fmt: skip


@pytest.fixture
def four(session: Session, hall: Hall) -> Session:
    """Four entries; the first has three subjects, in two tests."""
    algebra, latin = hall.test("Algebra"), hall.test("Latin")
    hall.candidacies(algebra, 2)
    hall.candidacies(latin, 1)
    write(session, select(Candidacy.id))
    write(session, detail={"subject": "Zeit läuft", "body": "a\nb"})
    write(session, action="sign_in.failed")
    write(session)
    return session


def test_an_untouched_log_is_sound(four: Session) -> None:
    verdict = verify(four)
    assert (verdict.sound, verdict.entries, len(verdict.last_hash)) == (True, 4, 64)


def test_an_empty_log_is_sound(session: Session) -> None:
    assert (verify(session).sound, verify(session).entries) == (True, 0)


@pytest.mark.thorough
@pytest.mark.parametrize("deed", TAMPERED)
def test_finds_the_first_bad_entry(four: Session, deed: str) -> None:
    number, reason, statements = TAMPERED[deed]
    tamper(four, *statements)
    verdict = verify(four)
    assert verdict.number == number
    assert verdict.reason is not None
    assert reason in verdict.reason
    assert verdict.entries == (4 if number is None else min(4, max(0, number - 1)))


@pytest.mark.thorough
@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("deed", WRONG_TYPES)
def test_a_value_of_another_type_is_found(four: Session, deed: str) -> None:
    """R14: SQLite stores any; the table refuses it, and where it was made to take it, the check says so."""
    number, reason, statement = WRONG_TYPES[deed]
    if "x'ff'" not in statement:  # bytes can be called text
        with pytest.raises(sqlite3.IntegrityError, match="_types"):
            tamper(four, statement)
    tamper(four, "PRAGMA ignore_check_constraints = ON", statement)
    verdict = verify(four)
    assert (verdict.number, reason in str(verdict.reason)) == (number, True), verdict
    if number is not None:
        assert verify_export(list(export(four))).number == number


def test_the_log_stays_sound_whatever_later_happens_to_people_and_tests(four: Session) -> None:
    """R14: names as they were are the log's own."""
    for test in four.scalars(select(Test)).all():
        with_title = f"UPDATE test SET title = 'Renamed {test.id}' WHERE id = {test.id}"
        tamper(four, with_title)
    assert verify(four).sound


def exported(session: Session) -> list[dict[str, dict[str, object]]]:
    return [json.loads(line) for line in export(session)]


def test_an_export_verifies_by_itself(four: Session) -> None:
    verdict = verify_export(export(four))
    assert (verdict.sound, verdict.entries, verdict.last_hash) == (True, 4, verify(four).last_hash)


EXPORT_TAMPERED = {
    "text changed": (2, lambda rows: rows[4]["entry"].update(detail="{}")),
    "subject changed": (1, lambda rows: rows[1]["subject"].update(name="x")),
    "subject left out": (1, lambda rows: rows.pop(2)),
    "subject of another entry": (1, lambda rows: rows[1]["subject"].update(entry=2)),
    "entry left out": (2, lambda rows: rows.pop(4)),
    "entries exchanged": (2, lambda rows: rows.insert(4, rows.pop(5))),
    "tail left out": (4, lambda rows: rows.pop(6)),
    "head left out": (5, lambda rows: rows.pop()),
    "head changed": (4, lambda rows: rows[7]["head"].update(hash="")),
    "written on": (5, lambda rows: rows.append(rows[4])),
    "number is text": (3, lambda rows: rows[5]["entry"].update(number="3")),
    "time beyond all": (3, lambda rows: rows[5]["entry"].update(at=10**30)),
    "field missing": (3, lambda rows: rows[5]["entry"].pop("action")),
    "other kind": (3, lambda rows: rows.insert(5, {"note": {}})),
}


@pytest.mark.thorough
@pytest.mark.parametrize("deed", EXPORT_TAMPERED)
@pytest.mark.only_on("sqlite")
def test_finds_the_first_bad_entry_of_an_export(four: Session, deed: str) -> None:
    number, change = EXPORT_TAMPERED[deed]
    rows = exported(four)
    change(rows)
    verdict = verify_export(json.dumps(row) for row in rows)
    assert verdict.reason is not None
    assert verdict.number == number


@pytest.mark.parametrize("line", ["", "not json", "[]", "{}", '{"entry": 5}', '{"entry": {}}', "[" * 100_000])
def test_what_is_no_export_is_no_sound_log(line: str) -> None:
    assert not verify_export([line]).sound


def test_the_command_says_how_many_and_where(app: Flask, session: Session, tmp_path: Path) -> None:
    """`flask log verify [FILE]` and `flask log export`: one line, exit 0 or 1."""
    write(session)
    write(session)
    run = app.test_cli_runner().invoke
    fine = run(args=["log", "verify"])
    assert (fine.exit_code, fine.output.count("\n")) == (0, 1)
    assert "2 entries checked" in fine.output
    file = tmp_path / "log.jsonl"
    file.write_text(run(args=["log", "export"]).output)
    assert run(args=["log", "verify", str(file)]).exit_code == 0
    file.write_text(file.read_text().replace("Hi", "Ho", 1))
    bad = run(args=["log", "verify", str(file)])
    assert (bad.exit_code, "Entry 1: was changed" in bad.output) == (1, True)
    tamper(session, "UPDATE log_entry SET actor_name = '' WHERE id = 2")
    worse = run(args=["log", "verify"])
    assert (worse.exit_code, "Entry 2: was changed" in worse.output) == (1, True)
