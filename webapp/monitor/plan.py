"""The room plan: candidates in a grid of seats, as far as the names of the seats say where they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import BigInteger, Row, Select, case, func, select, type_coerce
from sqlalchemy.orm import Session

from webapp.db.types import MINUTE, microseconds
from webapp.models import Candidacy, User
from webapp.models.status import NOW, State, last_heard, last_sign, state
from webapp.monitor.filters import Filter
from webapp.monitor.listing import Listing
from webapp.monitor.query import View, conditions, select_candidacies
from webapp.text.normalization import natural_sort_key

LETTER_FIRST = re.compile(r"(?P<letters>[A-Za-z]{1,2})[ ./-]?(?P<number>[0-9]{1,4})")
NUMBER_FIRST = re.compile(r"(?P<number>[0-9]{1,4})[ ./-]?(?P<letters>[A-Za-z]{1,2})")
WIDEST_GAP = 3
"""Rows or places without a seat that are kept as they are. More of them become one."""
MOST_EMPTY = 20
"""Cells for each seat. A grid with more is no picture of a room."""

MOST_SEATS = 1500
"""More candidates than that are shown room by room."""

_state = state(NOW)
_since = case({State.OFFLINE.value: last_heard(), State.IDLE.value: last_sign()}, value=_state)
SHOWN: tuple[Any, ...] = (
    Candidacy.id, Candidacy.test_id, Candidacy.number, User.name, Candidacy.seat, Candidacy.room, Candidacy.building,
    Candidacy.flagged, _state.label("state"), ((NOW - type_coerce(_since, BigInteger)) // MINUTE).label("minutes"),
)  # fmt: skip
"""What a seat shows of a candidacy."""

Seated = TypeVar("Seated")


class Place(NamedTuple):
    """Where a seat is: `A12` in row A as 12th, `12A` in row 12 as the first."""

    letter: int
    """A is 1, Z is 26, AA is 27."""
    number: int
    is_letter_first: bool


def find_place(seat: str) -> Place | None:
    """What the name of a seat says of its place; None if it says nothing that a grid could show."""
    for form, is_letter_first in ((LETTER_FIRST, True), (NUMBER_FIRST, False)):
        if match := form.fullmatch(seat):
            return Place(_letter_number(match["letters"]), int(match["number"]), is_letter_first)
    return None


def _letter_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _letters(number: int) -> str:
    first, last = divmod(number - 1, 26)
    return (chr(ord("A") + first - 1) if first else "") + chr(ord("A") + last)


@dataclass(frozen=True)
class Grid(Generic[Seated]):
    """Seats in rows. A row or column without a label is an aisle."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Sequence[Seated]]]]
    """(label, cells); a cell has all who have this seat: two tests may share a room."""


def arrange(seats: Iterable[tuple[str, Seated]]) -> tuple[Grid[Seated] | None, list[Seated]]:
    """A grid of those whose seats have a place, and the others in their order.

    What comes first in most of the seats' names counts the rows.
    """
    found = [(find_place(seat), occupant) for seat, occupant in seats]
    forms = Counter(place.is_letter_first for place, _ in found if place)
    rows_have_letters = forms[True] >= forms[False]
    placed: dict[tuple[int | None, int | None], list[Seated]] = {}
    for place, occupant in found:
        if place:
            line = (place.letter, place.number) if rows_have_letters else (place.number, place.letter)
            placed.setdefault(line, []).append(occupant)
    rows, columns = _lines(row for row, _ in placed), _lines(column for _, column in placed)
    if not placed or len(rows) * len(columns) > MOST_EMPTY * len(placed):
        return None, [occupant for _, occupant in found]
    row_label, column_label = (_letters, str) if rows_have_letters else (str, _letters)
    grid = Grid(
        [column_label(column) if column else "" for column in columns],
        [(row_label(row) if row else "", [placed.get((row, column), []) for column in columns]) for row in rows],
    )
    return grid, [occupant for place, occupant in found if place is None]


def _lines(used: Iterable[int | None]) -> list[int | None]:
    """The rows or columns in order, with None where the room has an aisle."""
    numbers = sorted(number for number in set(used) if number is not None)
    lines: list[int | None] = list(numbers[:1])
    for number, following in pairwise(numbers):
        missing = following - number - 1
        lines += [None] * (missing if missing <= WIDEST_GAP else 1)
        lines.append(following)
    return lines


class Seat(NamedTuple):
    """A seat, and who has it; nobody whom the filter matches, where `row` is None."""

    name: str
    row: Row[Any] | None


@dataclass(frozen=True)
class Room:
    """A room with those who match the filter."""

    name: str
    building: str
    grid: Grid[Seat] | None
    others: Sequence[Row[Any]]
    """Whose seat has no place in the grid."""
    count: int


@dataclass(frozen=True)
class Plan:
    """The rooms of a list."""

    rooms: Sequence[Room] = ()
    parts: Sequence[tuple[Filter, str, int]] = ()
    """(filter, room, candidacies): what to look at instead, where more match than a plan shows."""

    @property
    def shown(self) -> list[object]:
        """All that the page shows of it, for its tag."""
        return [(room.name, room.building, room.grid, room.others) for room in self.rooms] or [*self.parts]


def load_plan(session: Session, listing: Listing) -> Plan:
    """The rooms of those whom a list has, with the seats of the others there (R17)."""
    view = listing.view
    if listing.count > MOST_SEATS:
        return Plan(parts=[] if listing.is_capped else _parts(session, view))
    matches = _query(*SHOWN).join(Candidacy.user).where(*conditions(view.scope, view.filter, view.now))
    connection = session.connection()
    rows = {row.id: row for row in connection.execute(matches, {"now": microseconds(view.now)})}
    by_room: dict[tuple[str, ...], list[Row[Any]]] = {}
    for seat in _all_seats(session, view, rows.values()):
        by_room.setdefault((natural_sort_key(seat.room), seat.room, seat.building), []).append(seat)
    return Plan(rooms=[_room(seats, rows) for _, seats in sorted(by_room.items())])


def _query(*columns: Any) -> Select[Any]:
    return select(*columns).join(Candidacy.test).order_by(Candidacy.sort_number, Candidacy.id)


def _all_seats(session: Session, view: View, rows: Collection[Row[Any]]) -> Collection[Row[Any]]:
    """The candidacies that match, with those in the same rooms that do not: a room looks the same in every filter."""
    tests = view.filter.values("test")
    whole = Filter({"test": tests} if tests else {}, zone=view.filter.zone)
    if view.filter.conditions.keys() <= {"test", "room"}:
        return rows
    rooms = {(row.room, row.building) for row in rows}
    is_there = Candidacy.room.in_({room for room, _ in rooms}), *conditions(view.scope, whole, view.now)
    query = _query(Candidacy.id, Candidacy.seat, Candidacy.room, Candidacy.building).where(*is_there)
    found = session.connection().execute(query.limit(MOST_SEATS * 2 + 1), {"now": microseconds(view.now)}).all()
    seats = [row for row in found if (row.room, row.building) in rooms]
    return rows if len(found) > MOST_SEATS * 2 else seats


def _room(seats: Sequence[Row[Any]], rows: Mapping[int, Row[Any]]) -> Room:
    grid, others = arrange((seat.seat, Seat(seat.seat, rows.get(seat.id))) for seat in seats)
    without_place = [seat.row for seat in others if seat.row is not None]
    return Room(seats[0].room, seats[0].building, grid, without_place, sum(seat.id in rows for seat in seats))


def _parts(session: Session, view: View) -> list[tuple[Filter, str, int]]:
    matches = select_candidacies(view.scope, view.filter, view.now)
    counted = matches.with_only_columns(Candidacy.room, func.count(), maintain_column_froms=True)
    rooms = session.execute(counted.group_by(Candidacy.room)).all()
    return [
        (view.filter.narrowed("room", room), room, count)
        for room, count in sorted(rooms, key=lambda row: natural_sort_key(row[0]))
    ]
