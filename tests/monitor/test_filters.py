"""From the parameters of an address to a filter and back (R6, R18)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.hall import Hall
from webapp.access import Right, access_scope
from webapp.clock import utcnow
from webapp.exceptions import BadParameter
from webapp.models import Role, Test
from webapp.monitor.filters import (
    CHOICES,
    FILTER_NAMES,
    PRESENTATION_NAMES,
    Choice,
    Filter,
    parse_filter,
)
from webapp.monitor.query import check_values
from webapp.monitor.times import BEGINNING, END, ROLLING, TIMES, bounds
from webapp.monitor.words import filter_in_words

pytestmark = pytest.mark.one_database

FIXED_VALUES = {name: list(choice.values) for name, choice in CHOICES.items() if choice.values}
OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)  # a Wednesday


def parsed(*pairs: tuple[str, str]) -> Filter:
    return parse_filter(MultiDict(pairs), OSLO)


def test_nothing_set_filters_nothing() -> None:
    assert not parsed()
    assert parsed().pairs() == []


@pytest.mark.parametrize("name", ["q", *TIMES])
def test_blank_fields_of_a_form_are_not_set(name: str) -> None:
    assert not parsed((name, "  "))


@pytest.mark.parametrize("name", PRESENTATION_NAMES)
def test_how_the_list_is_shown_does_not_filter(name: str) -> None:
    assert not parsed((name, "all" if name == "view" else "name"))


def test_a_saved_view_is_no_filter_of_a_message() -> None:
    """R6: dropped, its filter would be missing and the audience wider."""
    with pytest.raises(BadParameter):
        parsed(("view", "7"))


@pytest.mark.parametrize("name", ["rooms", "Room", "scope", "candidate", "seen", "seen_withing", "", "x\ud800"])
def test_an_unknown_name_is_refused(name: str) -> None:
    """R6: dropped, it would widen the audience."""
    with pytest.raises(BadParameter) as refused:
        parsed((name, "x"))
    refused.value.name.encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in FIXED_VALUES for value in ("", "nonsense", "ONLINE", "online ")),
        *(("test", value) for value in ("", "0", "-1", "1.0", "x", "٣", "1 ", "9" * 19)),
        *((name, value) for name in ("room", "group") for value in ("a\0b", "a\nb", "\ud800", "x" * 101)),
        *(("q", value) for value in ("a\0", "\ud800", "\x1f", "a\x1fb", "x" * 201)),
        *(
            ("seen_within", value)
            for value in ("0m", "15", "15s", "-5m", "next", "next-", "last-5m", "99999d", "Today", "٥m")
        ),
        *(
            ("seen_after", value)
            for value in ("today", "2026-02-30T10:00", "2026-1-1T1:00", "0001-01-01T00:00",
                          "9999-12-31T23:59",
                      "2026-11-25", "2026-11-25T09:30:00", "2026-11-25T09:30Z")
        ),
        *((name, value) for name in ROLLING for value in ("today", "5", "0m", "-5m", "5s", "next-", "99999d", "٥m")),
    ],
)  # fmt: skip
def test_an_unknown_value_is_refused(name: str, value: str) -> None:
    """R6, and what is repeated in the refusal can be encoded and is short."""
    with pytest.raises(BadParameter) as refused:
        parsed((name, value))
    assert refused.value.name == name
    assert len(str(refused.value.value).encode()) <= 400


def test_one_known_value_does_not_let_an_unknown_one_through() -> None:
    """R6."""
    with pytest.raises(BadParameter):
        parsed(("progress", "paused"), ("progress", "nonsense"))


def test_two_phrases_are_refused() -> None:
    with pytest.raises(BadParameter):
        parsed(("q", "anna"), ("q", "berit"))


def test_a_phrase_and_a_room_are_what_they_look_like() -> None:
    """Spaces of any kind are one, invisible signs are none; case counts, and nothing is cut."""
    assert parsed(("q", "  Anna \u00a0Mar\u00adia\u200b ")).q == "Anna Maria"
    assert parsed(("q", "\u200b ")).q == ""
    rooms = (("room", name) for name in ("Hall  2", "Hall\u00a02", "Hall \u2028\u20292\x85", "\u2060Hall 2 ", "hall 2"))
    assert parsed(*rooms).values("room") == ("Hall 2", "hall 2")
    with pytest.raises(BadParameter):
        parsed(("room", "\u200b"))
    assert len(parsed(("q", "x" * 200)).q) == 200


def test_numbers_of_values_are_bounded() -> None:
    with pytest.raises(BadParameter):
        parsed(*(("room", f"Room {n}") for n in range(501)))
    with pytest.raises(BadParameter):
        parsed(*(("seen_within", f"{n}m") for n in range(1, 12)))


EVERY_NAME = [
    ("q", "Årsta_%"),
    ("test", "7"), ("test", "12"),
    ("state", "idle"), ("state", "not_arrived"),
    ("progress", "blank"), ("progress", "inactive"),
    ("status", "offline"),
    ("warning", "was_offline"), ("warning", "idle"),
    ("room", "Sal B"), ("room", ""), ("group", "Group & 1=2"),
    ("flag", "yes"), ("attendance", "unset"), ("extra", "no"),
    *((name, "2026-11-25T10:00" if not name.endswith("within") else "next-2h") for name in TIMES.keys() - ROLLING),
    *((name, "15m") for name in ROLLING),
]  # fmt: skip


def test_pairs_make_the_same_filter_again() -> None:
    """R18: the address holds the whole filter."""
    once = parsed(*EVERY_NAME)
    again = parsed(*once.pairs())
    assert {name for name, _ in EVERY_NAME} == set(FILTER_NAMES)
    assert set(once.pairs()) == set(EVERY_NAME)
    assert again == once
    assert again.pairs() == once.pairs()


def test_a_rolling_span_has_one_form() -> None:
    """R18: `next-15m` says the same as `15m`, since an own end is looked for ahead only."""
    assert parsed(("ends_within", "next-15m"), ("ends_within", " 15m ")).pairs() == [("ends_within", "15m")]


def test_pairs_have_one_order_whatever_was_typed_first() -> None:
    assert parsed(*reversed(EVERY_NAME + EVERY_NAME[1:])).pairs() == parsed(*EVERY_NAME).pairs()


def test_narrowing_never_widens() -> None:
    """R4: a link per room reaches a part of the audience."""
    both = parsed(("room", "A"), ("room", "B"), ("status", "online"))
    assert both.narrowed("room", "B").pairs() == [("status", "online"), ("room", "B")]
    assert both.narrowed("test", "3").pairs()[0] == ("test", "3")
    for name, value in (("room", "C"), ("q", "x")):
        with pytest.raises(ValueError):
            both.narrowed(name, value)


def test_a_chip_takes_away_one_condition() -> None:
    all_of_it = parsed(*EVERY_NAME)
    for pair in EVERY_NAME:
        assert set(all_of_it.without(*pair).pairs()) == set(EVERY_NAME) - {pair}


@pytest.mark.parametrize(
    ("name", "value", "since", "until"),
    [
        ("seen_within", "today", "2026-11-24T23:00", "2026-11-25T23:00"),
        ("seen_within", "week", "2026-11-22T23:00", "2026-11-29T23:00"),
        ("seen_within", "15m", "2026-11-25T09:15", "2026-11-25T09:30:00.000001"),
        ("seen_within", "2h", "2026-11-25T07:30", "2026-11-25T09:30:00.000001"),
        ("seen_within", "3d", "2026-11-22T09:30", "2026-11-25T09:30:00.000001"),
        ("seen_within", "next-15m", "2026-11-25T09:30", "2026-11-25T09:45"),
        ("seen_within", "next-3d", "2026-11-25T09:30", "2026-11-28T09:30"),
        ("seen_after", "2026-11-25T10:00", "2026-11-25T09:00", None),
        ("seen_before", "2026-11-25T10:00", None, "2026-11-25T09:00"),
        # the hour that the clock change in October repeats belongs to both ends
        ("seen_after", "2026-10-25T02:30", "2026-10-25T00:30", None),
        ("seen_before", "2026-10-25T02:30", None, "2026-10-25T01:30"),
    ],
)
def test_times_in_the_zone_of_the_installation(name: str, value: str, since: str | None, until: str | None) -> None:
    """Trap 24."""
    first = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else BEGINNING
    last = datetime.fromisoformat(until).replace(tzinfo=UTC) if until else END
    assert bounds(name, value, NOW, OSLO) == (first, last)


def test_a_day_with_a_clock_change_has_25_hours() -> None:
    """Trap 24."""
    since, until = bounds("seen_within", "today", datetime(2026, 10, 25, 12, tzinfo=UTC), OSLO)
    assert (until - since).total_seconds() == 25 * 3600


@pytest.fixture
def one_room(hall: Hall) -> tuple[Hall, object]:
    test, other = hall.test("Algebra"), hall.test("Biology")
    hall.candidacy(test, room="Aula Magna", group_name="G1")
    hall.candidacy(test, room="Aula magna", group_name="G2")
    hall.candidacy(other, room="Gym", group_name="G3")
    return hall, hall.contributor(test, role=Role.INVIGILATOR, room="Aula magna")


@pytest.mark.thorough
@pytest.mark.parametrize("pair", [("room", "Aula Magna"), ("room", "Gym"), ("room", "aula magna"),
                                  ("group", "G1"),
                                  ("group", "G3"), ("test", "2"), ("test", "999")])  # fmt: skip
def test_values_out_of_reach_are_refused(
    one_room: tuple[Hall, object], session: Session, pair: tuple[str, str]
) -> None:
    """R6: another room (by case only, too), another test."""
    _, limited = one_room
    within = access_scope(session, limited, Right.WATCH, utcnow())  # type: ignore[arg-type]
    with pytest.raises(BadParameter):
        check_values(session, within, parsed(pair))


@pytest.mark.parametrize("pair", [("room", "Aula magna"), ("room", ""), ("group", "G2"), ("group", ""), ("test", "1")])
def test_values_within_reach_are_known(one_room: tuple[Hall, object], session: Session, pair: tuple[str, str]) -> None:
    _, limited = one_room
    within = access_scope(session, limited, Right.WATCH, utcnow())  # type: ignore[arg-type]
    check_values(session, within, parsed(pair))
    check_values(session, within, parsed())


def test_an_administrator_knows_every_test_that_there_is(one_room: tuple[Hall, object], session: Session) -> None:
    within = access_scope(session, one_room[0].person(is_admin=True), Right.WATCH, utcnow())
    check_values(session, within, parsed(("test", "2"), ("room", "Gym")))
    with pytest.raises(BadParameter):
        check_values(session, within, parsed(("test", "3")))


def test_a_filter_in_words(hall: Hall, session: Session) -> None:
    """For the chips of the dialog and for the log: one phrase per condition."""
    test = hall.test("Algebra")
    words = filter_in_words(
        session,
        parsed(("q", "anna"), ("test", str(test.id)), ("room", ""), ("room", "Gym"),
               ("warning", "timed_out"),
               ("seen_within", "15m"), ("test_start_within", "next-1h"),
               ("saved_before", "2026-11-25T10:00"), ("extra", "yes"), ("ends_within", "next-30m"),
               ("unseen", "1m"), ("unsaved", "2h"), ("unsaved", "3d")),
    )  # fmt: skip
    assert words == [
        "Search: “anna”", "Test: Algebra", "Warnings: Timed out", "Room: No room or Gym", "Extra time: Has extra time",
        "Last seen: the last 15 minutes", "Saved: before 25 Nov 2026 10:00", "Test start: the next hour",
        "Own end within: 30 minutes", "Not seen for: 1 minute", "Not saved for: 2 hours or 3 days",
    ]  # fmt: skip


def test_tests_of_one_title_are_told_apart_by_date(hall: Hall, session: Session) -> None:
    first = hall.test("Algebra", starts_at=datetime(2026, 11, 24, 8, tzinfo=UTC))
    second = hall.test("Algebra", starts_at=datetime(2026, 11, 25, 8, tzinfo=UTC))
    words = filter_in_words(session, parsed(("test", str(first.id)), ("test", str(second.id))))
    assert words == ["Test: Algebra (24 Nov 2026) or Algebra (25 Nov 2026)"]


def test_every_fixed_value_has_words(session: Session) -> None:
    every = [(name, value) for name, values in FIXED_VALUES.items() for value in values]
    assert len(filter_in_words(session, parsed(*every))) == len(FIXED_VALUES)


def test_r6_a_column_of_another_table_makes_no_filter() -> None:
    """Its values would be offered from tests that a person does not see."""
    with pytest.raises(ValueError, match="one of Candidacy"):
        Choice("title", CHOICES["room"].label, 9, text_column=Test.title)
