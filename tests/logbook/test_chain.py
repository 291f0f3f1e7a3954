"""R14: no two different entries have one form, and no hash is made of a value of another type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.logbook.append import Fields, Subject, WrongType, entry_form, entry_hash, subject_form

NUMBERS = st.integers(-3, 3) | st.integers()
TEXTS = st.text(st.sampled_from('a",[]\\\n\x00\ud83d\ude00\U0001f6001'), max_size=4)
ANYTHING = NUMBERS | TEXTS | st.none() | st.booleans() | st.floats() | st.binary(max_size=2)
FIELDS = st.builds(Fields, NUMBERS, NUMBERS, NUMBERS | st.none(), TEXTS, TEXTS, TEXTS, TEXTS)
SUBJECTS = st.lists(st.builds(Subject, NUMBERS, NUMBERS, NUMBERS, TEXTS, TEXTS, TEXTS, TEXTS), max_size=3)
RIGHT = Subject(1, 2, 3, "A1", "Ada", "Algebra", "Hall 1")


def whole_form(previous_hash: str, fields: Fields, subjects: list[Subject]) -> bytes | None:
    """None where there is none."""
    try:
        return b"".join([entry_form(previous_hash, fields), *map(subject_form, subjects)])
    except WrongType:
        return None


@given(TEXTS, FIELDS, SUBJECTS)
@settings(max_examples=60)
def test_an_entry_can_be_read_back_from_its_form(previous_hash: str, fields: Fields, subjects: list[Subject]) -> None:
    """So two entries that differ have two forms."""
    form = whole_form(previous_hash, fields, subjects)
    if form is None:
        with pytest.raises(UnicodeEncodeError):
            "".join([previous_hash, *fields[3:], *(text for row in subjects for text in row[3:])]).encode()
        return
    first, *others = map(json.loads, form.decode("ascii").removesuffix("\n").split("\n"))
    assert first == ["examhall-log-1", previous_hash, *fields]
    assert [tuple(other) for other in others] == subjects


@given(st.integers(0, 6), ANYTHING)
@settings(max_examples=60)
def test_no_hash_is_made_of_another_type(place: int, value: Any) -> None:
    values: list[Any] = list(RIGHT)
    values[place] = value
    wanted = int if place < 3 else str
    if type(value) is wanted and not any("\ud800" <= sign <= "\udfff" for sign in str(value)):
        assert subject_form(Subject(*values))
    else:
        with pytest.raises(WrongType):
            subject_form(Subject(*values))


def test_two_subjects_and_one_that_is_written_like_them_differ() -> None:
    """Text in a number's place would carry the whole line of another subject."""
    line = subject_form(RIGHT).decode().removesuffix("\n")
    merged: Any = line.removeprefix("[").partition(",")[0] + line[2:] + "\n[2"
    with pytest.raises(WrongType, match="whole number"):
        subject_form(RIGHT._replace(candidacy_id=merged))


@pytest.mark.parametrize(
    "change", [{"number": "1"}, {"at": 1.5}, {"actor_id": True}, {"detail": None}, {"action": b"x"}]
)
def test_an_entry_of_another_type_has_no_hash(change: dict[str, Any]) -> None:
    with pytest.raises(WrongType):
        entry_hash("", Fields(1, 0, None, "", "", "x", "{}")._replace(**change), [])
