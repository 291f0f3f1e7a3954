"""R17, the room plan: where the names of seats put people, and what the page shows of them."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from itertools import chain

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog, post
from tests.monitor.test_page import got
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Test
from webapp.models.status import State
from webapp.monitor import plan
from webapp.monitor.plan import MOST_EMPTY, Grid, Place, arrange, find_place

LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabz", min_size=1, max_size=2)
NUMBERS = st.integers(0, 9999)
SEATS = st.one_of(
    st.builds("{}{}".format, LETTERS, NUMBERS),
    st.builds("{}{}".format, st.integers(1, 40), st.sampled_from("ABCDEFGHIJKLM")),
    st.builds("{}{}{}".format, NUMBERS, st.sampled_from("- ./"), LETTERS),
    st.text(max_size=6),
)


@pytest.mark.parametrize(
    ("seat", "place"),
    [
        ("A1", Place(1, 1, is_letter_first=True)),
        ("24F", Place(6, 24, is_letter_first=False)),
        ("c-07", Place(3, 7, is_letter_first=True)),
        ("12 AA", Place(27, 12, is_letter_first=False)),
        *((other, None) for other in ("", "17", "A", "ABC1", "A1B", "Ö1", "A10000", "٣A", "A1 ", "A--1", "A1\n")),
    ],
)
def test_what_a_name_says_of_the_place(seat: str, place: Place | None) -> None:
    assert find_place(seat) == place


def drawn(grid: Grid[str] | None) -> list[str]:
    """The grid as lines of text."""
    assert grid is not None
    head = " ".join(["  ", *(f"{label or '.':>3}" for label in grid.columns)])
    lines = [
        " ".join([f"{label or '.':>2}", *(f"{'+'.join(cell) or '.':>3}" for cell in cells)])
        for label, cells in grid.rows
    ]
    return [head, *lines]


def test_aisles_are_kept_and_a_long_way_is_shortened() -> None:
    seats = ["2A", "1A", "1B", "2D", "1D", "4A", "4D", "12A"]
    grid, others = arrange([(seat, seat) for seat in [*seats, "door", ""]])
    assert others == ["door", ""]
    assert drawn(grid) == [
        "     A   B   .   D",
        " 1  1A  1B   .  1D",
        " 2  2A   .   .  2D",
        " .   .   .   .   .",
        " 4  4A   .   .  4D",
        " .   .   .   .   .",
        "12 12A   .   .   .",
    ]


def test_letters_count_the_rows_where_they_come_first() -> None:
    assert drawn(arrange([(seat, seat) for seat in ("B2", "A1", "A10", "A9")])[0]) == [
        "     1   2   .   9  10",
        " A  A1   .   .  A9 A10",
        " B   .  B2   .   .   .",
    ]


def test_two_who_have_the_same_seat_stand_in_one_cell() -> None:
    """Two tests in one room."""
    grid, _ = arrange([("1A", "one"), ("1A", "other"), ("1B", "third")])
    assert grid is not None
    assert grid.rows == [("1", [["one", "other"], ["third"]])]


def test_far_flung_seats_are_no_room() -> None:
    seats = [f"{10 * number}{letter}" for number, letter in enumerate("ACEGIKMOQSUWY", 1)]
    spread = [*seats, *(f"{10 * number}{letter}A" for number, letter in enumerate("ACEGIKMOQSUWY", 14))]
    assert arrange([(seat, seat) for seat in spread]) == (None, spread)


@given(st.lists(SEATS, max_size=60))
def test_everybody_is_there_once_and_in_order(seats: list[str]) -> None:
    """Whatever the seats are called."""
    grid, others = arrange(list(zip(seats, range(len(seats)), strict=True)))
    rows = grid.rows if grid else []
    cells = list(chain.from_iterable(cells for _, cells in rows))
    assert sorted([*chain.from_iterable(cells), *others]) == list(range(len(seats)))
    assert others == sorted(others)
    assert len(cells) <= MOST_EMPTY * len(seats)
    if grid is None:
        return
    places = [[find_place(seats[one]) for one in cell] for cell in cells]
    assert all(len({place and place[:2] for place in cell}) <= 1 for cell in places)
    width = len(grid.columns)
    assert {len(cells) for _, cells in rows} == {width}
    lines = [places[start : start + width] for start in range(0, len(places), width)]
    for across in (lines, list(map(list, zip(*lines, strict=True)))):
        tops = [next((place for cell in line for place in cell), None) for line in across]
        kept = [place for place in tops if place]
        assert any({place[axis] for place in kept} and is_rising([place[axis] for place in kept]) for axis in (0, 1))


def is_rising(numbers: list[int]) -> bool:
    """Each is larger than the one before."""
    return numbers == sorted(set(numbers))


@pytest.fixture
def room(hall: Hall) -> Test:
    """Sal A with an aisle, and somebody whose seat says nothing."""
    test = hall.test()
    for seat, name in (("1A", "Ada"), ("1C", "Bo"), ("2A", "Cecilia"), ("by the door", "Dag")):
        hall.candidacy(test, hall.person(name), room="Sal A", seat=seat, building="North")
    return test


def seats_in(page: str) -> list[str]:
    """The rows of the first room's grid: a letter for each candidate, `o` for another's seat, `.` for none."""
    found = re.findall(r"<tr id=\"row-1-\d+\"><th scope=\"row\">(.*?)</th>(.*?)</tr>", page, re.DOTALL)
    cells = {label: re.findall(r"<td>(.*?)</td>", cells, re.DOTALL) for label, cells in found}
    return [f"{label}: {' '.join(_letter(cell) for cell in row)}" for label, row in cells.items()]


def _letter(cell: str) -> str:
    name = re.search(r'class="seat-who"><bdi translate="no">(\w)', cell)
    return name[1] if name else "o" if "seat-other" in cell else "."


@pytest.mark.one_database
def test_the_plan_has_the_people_of_the_list(app: Flask, hall: Hall, room: Test) -> None:
    """R17, R18: the same parameters; the others' seats stay, without a name, so that the room looks the same."""
    client = signed_in(app, hall.contributor(room))
    page = got(client, "/monitor/plan")
    assert seats_in(page) == ["1: A . B", "2: C . ."]
    assert re.search(r"Without a place in the plan.*Dag", page, re.DOTALL)
    found = got(client, "/monitor/plan?q=bo")
    assert seats_in(found) == ["1: o . B", "2: o . ."]
    assert 'data-count="1"' in found
    assert "Ada" not in found
    assert len(set(re.findall(r'data-candidacy="(\d+)"', page))) == 4


def test_each_room_has_a_grid(app: Flask, hall: Hall, room: Test) -> None:
    """Rooms whose names differ in case are two, and two tests share one."""
    hall.candidacy(room, hall.person("Eva"), room="sal a", seat="1A")
    other = hall.test("Law")
    hall.candidacy(other, hall.person("Finn"), room="Sal A", seat="1A", building="North")
    page = got(signed_in(app, hall.contributor(room, other)), "/monitor/plan")
    assert re.findall(r'<h2 id="plan-room-\d"><bdi translate="no">(.*?)</bdi>', page) == ["Sal A", "sal a"]
    cell = page.split('<th scope="row">1</th><td>')[1].split("</td>")[0]
    assert [name in cell for name in ("Ada", "Finn", "Eva", "Bo")] == [True, True, False, False]


@pytest.mark.one_database
def test_a_seat_says_its_state(app: Flask, hall: Hall, room: Test) -> None:
    """In words, not by its colour alone; with the minutes where they matter; R27."""
    offline = hall.candidacy(room, hall.person("Gun"), room="Sal A", seat="3A", flagged=True)
    hall.seen(offline.user_id, timedelta(minutes=12))
    others = [(hall.candidacy(room, room="Sal A", seat=seat), words)
              for seat, words in (("4A", "Offline 1 min"), ("5A", "Offline 3 h"))]  # fmt: skip
    for (other, _), since in zip(others, (timedelta(seconds=80), timedelta(hours=3)), strict=True):
        hall.seen(other.user_id, since)
    page = got(signed_in(app, hall.contributor(room)), "/monitor/plan")
    seat = page.split(f'id="c{offline.id}"')[1].split("</div>")[0]
    assert "Offline 12 min" in seat
    for other, words in others:
        assert f">{words}<" in page.split(f'id="c{other.id}"')[1].split("</div>")[0]
    assert "Flagged" in seat
    assert f'href="/monitor/candidates/{offline.id}"' in seat
    for state in State:
        assert f'class="seat-key seat-{state}"' in page


def test_r6_the_plan_shows_nobody_beyond_ones_room(app: Flask, hall: Hall, room: Test) -> None:
    hall.candidacy(room, hall.person("Hedda"), room="Sal B", seat="1A")
    client = signed_in(app, hall.contributor(room, room="Sal B"))
    page = got(client, "/monitor/plan")
    assert "Hedda" in page
    assert "Sal A" not in page
    assert client.get("/monitor/plan?room=Sal+A").status_code == 400
    assert client.get("/monitor/plan?rooms=x").status_code == 400
    assert signed_in(app, hall.person()).get("/monitor/plan").status_code == 403


@pytest.mark.one_database
def test_an_unchanged_plan_is_not_sent_again(app: Flask, hall: Hall, room: Test) -> None:
    """R19; a note and a message, which the plan does not show, change nothing. A flag does."""
    client = signed_in(app, hall.contributor(room))
    headers = {"HX-Request": "true"}
    with time_machine.travel(utcnow(), tick=False):
        first = client.get("/monitor/plan", headers=headers)
        assert "<html" not in first.text
        again = {**headers, "HX-PTag": first.headers["HX-PTag"]}
        assert (client.get("/monitor/plan", headers=again).status_code, first.status_code) == (304, 200)
        with writing(hall.session):
            hall.session.execute(update(Candidacy).values(note="Asked for water"))
        assert client.get("/monitor/plan", headers=again).status_code == 304
        candidacy_id = hall.session.scalars(select(Candidacy.id)).first()
        assert post(client, open_dialog(client, candidate=candidacy_id)).status_code == 201
        assert client.get("/monitor/plan", headers=again).status_code == 304
        with writing(hall.session):
            hall.session.execute(update(Candidacy).values(flagged=True))
        assert client.get("/monitor/plan", headers=again).status_code == 200


@pytest.mark.one_database
def test_too_many_are_shown_room_by_room(app: Flask, hall: Hall, room: Test, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MOST_SEATS", 4)
    client = signed_in(app, hall.contributor(room))
    assert len(re.findall("data-candidacy", got(client, "/monitor/plan"))) == 4
    hall.candidacy(room, room="Sal 10", seat="1A")
    hall.candidacy(room, room="Sal 9", seat="1A")
    page = got(client, "/monitor/plan?flag=no")
    assert "data-candidacy" not in page
    links = re.findall(r'<li><a href="(.*?)"><bdi translate="no">(.*?)</bdi></a> <span class="hint">(\d)</span>', page)
    assert [(name, count) for _, name, count in links] == [("Sal 9", "1"), ("Sal 10", "1"), ("Sal A", "4")]
    assert html.unescape(links[2][0]) == "/monitor/plan?room=Sal+A&flag=no"
    assert seats_in(got(client, html.unescape(links[2][0]))) == ["1: A . B", "2: C . ."]


@pytest.mark.one_database
def test_list_and_plan_lead_to_each_other_with_the_filter(app: Flask, hall: Hall, room: Test) -> None:
    """R18."""
    client = signed_in(app, hall.contributor(room))
    query = "?q=a&amp;room=Sal+A"
    for here, there in (("/monitor", "/monitor/plan"), ("/monitor/plan", "/monitor")):
        page = got(client, here + html.unescape(query))
        assert f'href="{there}{query}"' in page
