"""The sample hall as data: `hall.toml` holds tests, staff and earlier messages, `hall.csv` the candidates."""

import csv
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
STORY: dict[str, Any] = tomllib.loads((FOLDER / "hall.toml").read_text(encoding="utf-8"))
PASSWORD: str = STORY["password"]
ACCOUNTS: dict[str, str] = STORY["accounts"]
"""Username → description of the accounts that `make demo` prints."""
Seat = dict[str, str]
"""A line of `hall.csv`: one person in one test, and what they did before the demo was started."""


@cache
def seats() -> list[Seat]:
    """All candidacies of the demo: 1,640 of 1,600 people, 77 of them in room Sal A115 and Group 07."""
    return list(csv.DictReader((FOLDER / "hall.csv").read_text(encoding="utf-8").splitlines()))


def is_of_the_77(seat: Seat) -> bool:
    """Whether the README sends its reader to this candidate."""
    return (seat["room"], seat["group_name"]) == ("Sal A115", "Group 07")
