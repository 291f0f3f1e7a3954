"""The sample hall as data: `hall.toml` holds tests, staff and earlier messages, `hall.csv` the candidates."""

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
STORY: dict[str, Any] = tomllib.loads((FOLDER / "hall.toml").read_text(encoding="utf-8"))
PASSWORD: str = STORY["password"]
ACCOUNTS: dict[str, str] = STORY["accounts"]
"""Username → description of the accounts that `make demo` prints."""


@dataclass(frozen=True)
class Seat:
    """A line of `hall.csv`: one person in one test."""

    test: str
    number: str
    username: str
    name: str
    group: str
    room: str
    building: str
    seat: str
    question_set: str
    extra_minutes: int

    @property
    def is_of_the_77(self) -> bool:
        """Whether the README sends its reader to this candidate."""
        return (self.room, self.group) == ("Sal A115", "Group 07")


@cache
def seats() -> tuple[Seat, ...]:
    """All candidacies of the demo: 1,640 of 1,600 people, 77 of them in room Sal A115 and Group 07."""
    with (FOLDER / "hall.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(
            Seat(**{**line, "extra_minutes": int(line["extra_minutes"])})  # type: ignore[arg-type]
            for line in csv.DictReader(lines)
        )


def progress_of(seat: Seat) -> dict[str, Any] | None:
    """What this candidate did before the demo was started; None for those who come only now."""
    if seat.test != "analysis" or seat.is_of_the_77:
        return None
    number = int(seat.number[1:])
    return next((one for one in STORY["progress"]["candidates"] if number % one["every"] == one["remainder"]), None)
