"""R14: an export that was changed in any way is not sound, and no file makes the check fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.logbook.append import Fields, Subject, entry_hash
from webapp.logbook.verify import verify_export

BYTE_ORDER_MARK = "\ufeff"


def log() -> list[str]:
    """Three entries, two of them with subjects, as `log export` writes them."""
    lines, last = [], ""
    for number, count in ((1, 2), (2, 0), (3, 1)):
        fields = Fields(number, 10 + number, 7, "Vera", "planner", "message.sent", '{"subject":"Hi"}')
        subjects = [Subject(n, n, 5, f"A{n}", "Ada", "Algebra", "Hall 1") for n in range(1, count + 1)]
        entry = {**fields._asdict(), "previous_hash": last, "hash": entry_hash(last, fields, subjects)}
        last = entry["hash"]
        lines += [{"entry": entry}, *({"subject": {"entry": number, **one._asdict()}} for one in subjects)]
    lines.append({"head": {"number": 3, "hash": last}})
    return [json.dumps(line, separators=(",", ":")) for line in lines]


LINES = log()
VALUES = (
    st.none() | st.booleans() | st.integers(0, 9) | st.floats() | st.text(max_size=3) | st.lists(st.none(), max_size=1)
)


@st.composite
def with_other_lines(draw: st.DrawFn) -> list[str]:
    """A line dropped, doubled, exchanged with another, put in or cut."""
    lines = list(LINES)
    place, other = draw(st.tuples(*[st.integers(0, len(LINES) - 1)] * 2))
    match draw(st.sampled_from(["drop", "double", "exchange", "put in", "cut"])):
        case "drop":
            del lines[place]
        case "double":
            lines.insert(other, lines[place])
        case "exchange":
            lines[place], lines[other] = lines[other], lines[place]
        case "put in":
            lines.insert(other + 1, draw(st.text(max_size=5) | st.sampled_from(["", "{}", "[[["])))
        case "cut":
            lines[place] = lines[place][: draw(st.integers(0, len(lines[place]) - 1))]
    return lines


@st.composite
def with_other_values(draw: st.DrawFn) -> list[str]:
    """A key dropped, added, there twice, with another value, or all of them under another kind."""
    lines, place = list(LINES), draw(st.integers(0, len(LINES) - 1))
    ((kind, values),) = json.loads(lines[place]).items()
    key, value, more = draw(st.sampled_from(sorted(values))), draw(VALUES), ""
    match draw(st.sampled_from(["drop", "add", "twice", "value", "kind"])):
        case "drop":
            del values[key]
        case "add":
            values[draw(st.text(max_size=3))] = value
        case "twice":
            more = f", {json.dumps({key: value}).strip('{}')}"
        case "value":
            values[key] = value
        case "kind":
            kind = draw(st.sampled_from(["entry", "subject", "head", "note"]))
    lines[place] = json.dumps({kind: values}).removesuffix("}}") + more + "}}"
    return lines


def meaning(lines: list[str]) -> Any:
    """What the lines say, with types and every key."""
    try:
        return repr([json.loads(line, object_pairs_hook=list) for line in lines])
    except ValueError:
        return None


@pytest.mark.thorough
@given(with_other_lines() | with_other_values())
@settings(max_examples=150)
def test_an_export_that_was_changed_is_never_sound(lines: list[str]) -> None:
    verdict = verify_export(lines)
    assert verdict.sound == (meaning(lines) == meaning(LINES))
    assert verdict.entries <= 3


@pytest.mark.thorough
@given(st.lists(st.text() | st.sampled_from(LINES), max_size=6))
@settings(max_examples=40)
def test_any_lines_get_a_verdict(lines: list[str]) -> None:
    assert not verify_export(lines).sound


@pytest.mark.parametrize(
    "line",
    ["", " ", "x", "{}", LINES[0], LINES[1], LINES[-1]],
    ids=["empty", "blank", "x", "{}", "entry", "subject", "head"],
)
def test_nothing_may_follow_the_head(line: str) -> None:
    for more in ([line], ["", line]):
        verdict = verify_export([*LINES, *more])
        assert (verdict.sound, verdict.number) == (False, 4)
        assert "follows the head" in str(verdict.reason)


def test_a_key_that_is_there_twice_is_a_finding() -> None:
    """The first of the two would be what people read, and the second what is checked."""
    lines = list(LINES)
    lines[1] = lines[1].replace('"name":"Ada"', '"name":"Eve","name":"Ada"')
    assert (verify_export(lines).sound, verify_export(lines).number) == (False, 1)


@pytest.mark.parametrize("number", [True, 1.0, "1", None])
def test_a_subject_names_its_entry_by_a_whole_number(number: Any) -> None:
    lines = list(LINES)
    subject = json.loads(lines[1])["subject"]
    lines[1] = json.dumps({"subject": {**subject, "entry": number}})
    assert (verify_export(lines).sound, verify_export(lines).number) == (False, 1)


def test_two_subjects_that_are_written_as_one_are_a_finding() -> None:
    """Text in a number's place: it would have the lines of both."""
    lines = list(LINES)
    first = json.loads(lines[1])["subject"]
    second = json.loads(lines.pop(2))["subject"]
    texts = json.dumps([first[name] for name in ("number", "name", "test_title", "room")], separators=(",", ":"))
    second["candidacy_id"] = f"1,1,5,{texts[1:]}\n[2"
    lines[1] = json.dumps({"subject": second})
    verdict = verify_export(lines)
    assert (verdict.number, "whole number" in str(verdict.reason)) == (1, True)


def test_a_byte_order_mark_is_read(app: Flask, tmp_path: Path) -> None:
    """Editors and spreadsheets write one."""
    file = tmp_path / "log.jsonl"
    for text, code in (("\n".join([*LINES, ""]), 0), ("\n".join([*LINES, "", LINES[0]]), 1)):
        for mark in ("", BYTE_ORDER_MARK):
            file.write_text(mark + text, encoding="utf-8")
            assert app.test_cli_runner().invoke(args=["log", "verify", str(file)]).exit_code == code
    file.write_bytes("\n".join(LINES).encode("utf-16"))
    run = app.test_cli_runner().invoke(args=["log", "verify", str(file)])
    assert (run.exit_code, "Entry 1: is missing" in run.output) == (1, True)
