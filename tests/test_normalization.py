"""When texts are the same thing, and when a search finds one in the other; SQL and Python agree."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Text, bindparam, select
from sqlalchemy.orm import Session

from webapp.db.sql import casefold_contains, postgresql_fold
from webapp.text.normalization import fold_for_search, is_blank, normalize, strip_invisible

VISIBLE_FORMATS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Arabic and Kaithi number signs: of the category of invisible signs, and seen."""
TEXTS = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"])
    | st.sampled_from(" \u00a0\u2007\u3000\u200b\u200c\u200d\u00ad\u2060\ufe0f\u0301\u0130\u0131'\u2019-\u2010eEßﬁ")
)
LATIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F, blacklist_categories=["Cc"]))
ONE_THING = [
    ("Hall 2", ["Hall  2", "Hall\u00a02", " Hall 2 ", "Hall\u202f2", "Hall\u3000 2", "Hall\t2", "Hall\u28002"]),
    ("Hall 2", ["Hall\u3000\ufe0f2", "Hall\u2800\u200d2"]),
    ("Hall 2", ["Ha\u00adll 2", "\u200eHall 2\u200f", "Hall 2\ufeff", "Hall\u200b 2", "H\u200dall 2", "Hall 2\ufe0f"]),
    ("Sjöberg", ["Sjo\u0308berg", "Sjo\u034f\u0308berg", "Sjö\u200cberg"]),
    ("می\u200cخواهم", ["می\u200c\u200cخواهم", "\u200cمی\u200cخواهم\u200c"]),
    ("क्\u200dष", ["क्\u200d\u2060ष"]),
    ("👩\u200d👧 ❤\ufe0f", ["👩\u200d👧  ❤\ufe0f", "👩\u200d\u200d👧 ❤\ufe0f\ufe0f"]),
    ("葛\U000e0100城", ["葛\U000e0100\u200b城"]),
]  # fmt: skip
SEVERAL_THINGS = ["Hall 2", "hall 2", "Hàll 2", "Hall2", "Hall-2", "Hall‐2", "O'Neil", "O’Neil", "İsmail", "ismail"]
FINDS = [
    ("Sjoberg", "Sjöberg"), ("SJÖBERG", "Sjo\u0308berg"), ("Asa", "Åsa"), ("åsa", "A\u030asa"), ("ismail", "İsmail"),
    ("ISMAIL", "ısmail"), ("ı", "I"), ("o'neil", "O’Neil"), ("o’neil", "O`Neil"), ("anna-lena", "Anna\u2010Lena"),
    ("anna–lena", "Anna\u2011Lena"), ("odegard", "Ødegård"), ("strasse", "Straße"), ("STRAẞE", "strasse"), ("fi", "ﬁn"),
    ("1", "①"), ("abc", "ＡＢＣ"), ("σίσυφος", "ΣΊΣΥΦΟΣ"), ("hall 2", "Hall\u00a0\u00a02"), ("lodz", "Łódź"),
    ("میخواهم", "می\u200cخواهم"), ("한글", "한글"), ("æ", "AE"), ("e", "é\u0323"),
]  # fmt: skip
FINDS_NOT = [("ガ", "カ"), ("कि", "कु"), ("\u0301", "é"), ("-", "a b")]


@pytest.mark.parametrize(("text", "others"), ONE_THING, ids=range(len(ONE_THING)))
def test_what_looks_the_same_is_the_same(text: str, others: list[str]) -> None:
    assert normalize(text) == text
    assert [normalize(other) for other in others] == [text] * len(others)


def test_case_accents_and_signs_that_are_seen_count() -> None:
    assert [normalize(text) for text in SEVERAL_THINGS] == SEVERAL_THINGS


def test_no_sign_without_a_look_of_its_own_is_left() -> None:
    formats = [chr(sign) for sign in range(0x13430) if unicodedata.category(chr(sign)) == "Cf"]
    assert [sign for sign in formats if normalize(f"a{sign}b") != "ab"] == list(VISIBLE_FORMATS)
    spaces = [chr(sign) for sign in range(0x10000) if unicodedata.category(chr(sign)) in {"Zs", "Zl", "Zp"}]
    assert {normalize(f"a{space}{space}b") for space in spaces} == {"a b"}


@pytest.mark.parametrize(("phrase", "text"), FINDS)
def test_a_search_finds(phrase: str, text: str) -> None:
    assert fold_for_search(phrase) in fold_for_search(text)


@pytest.mark.parametrize(("phrase", "text"), FINDS_NOT, ids=range(len(FINDS_NOT)))
def test_a_search_does_not_find(phrase: str, text: str) -> None:
    assert fold_for_search(phrase) not in fold_for_search(text)


@given(TEXTS)
@settings(max_examples=150)
def test_both_leave_alone_what_they_have_made(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)
    assert fold_for_search(fold_for_search(text)) == fold_for_search(text) == fold_for_search(normalize(text))
    assert fold_for_search(unicodedata.normalize("NFD", text)) == fold_for_search(text)
    assert bool(fold_for_search(text)) == bool(normalize(text))
    assert "\x1f" not in fold_for_search(f"{text}\x1fb")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u200b",
        "\u2060\u00ad",
        "\u3164",
        "\u2800 \u00a0\n",
        "\ufe0f\u200d",
        "\U000e0041",
        "\u2800\ufe0f",
        "\u3000\u200d\u2066",
    ],
)
def test_what_cannot_be_seen_is_blank(text: str) -> None:
    assert is_blank(text)
    assert normalize(text) == ""


@pytest.mark.parametrize("text", [".", "👍", "\u0301", "ا", "\u200b0"])
def test_what_can_be_seen_is_not_blank(text: str) -> None:
    assert not is_blank(text)
    assert normalize(text) != ""


def test_a_password_is_trimmed_of_what_cannot_be_seen_at_its_ends() -> None:
    assert strip_invisible("\ufeff two  words\u200b\u00a0\n") == "two  words"


def test_a_search_of_the_log_finds_the_same_on_both_databases(session: Session) -> None:
    for phrase, text in FINDS:
        assert session.scalar(select(casefold_contains(text, phrase))), (phrase, text)
    for phrase, text in FINDS_NOT:
        assert not session.scalar(select(casefold_contains(text, phrase))), (phrase, text)


@pytest.mark.only_on("postgresql")
def test_postgresql_takes_the_same_steps(session: Session) -> None:
    folded = select(postgresql_fold(bindparam("given", type_=Text)))

    @given(LATIN)
    @settings(max_examples=80, deadline=None)
    def agree(text: str) -> None:
        if fold_for_search(text) != normalize(text):  # else it may be what is left of a text without letters
            assert session.scalar(folded, {"given": text}) == fold_for_search(text)

    agree()
