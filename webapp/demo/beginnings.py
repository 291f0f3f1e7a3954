"""What candidates of the demo had done before it was started, so that the monitor has something to show at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from webapp.demo.script import Seat


class Beginning(Enum):
    """How far somebody had come."""

    SUBMITTED = auto()
    BLANK = auto()
    PAUSED = auto()
    WITHDRAWN = auto()
    AWAY = auto()
    """Was writing, and the connection is gone."""
    ABSENT = auto()


EVERY = ((61, 5, Beginning.SUBMITTED), (61, 29, Beginning.AWAY), (97, 44, Beginning.ABSENT), (211, 31, Beginning.BLANK),
         (149, 70, Beginning.WITHDRAWN), (223, 77, Beginning.PAUSED))  # fmt: skip
"""Of so many in Mathematical Analysis, the one at this place."""
ANSWERS = (
    "The partial derivatives are fₓ = 3x² − 3y² and f_y = −6xy + 2. Both vanish where x = y = ±1/√3.\n"
    "The Hessian's determinant is −36x² − 36y² < 0 there, so both are saddle points.",
    "If f is continuous on [a, b] and F(x) = ∫ₐˣ f(t) dt, then F′ = f.\nHere F′(x) = 2x · sin(x⁴), by the chain rule.",
)


def beginning_of(seat: Seat) -> Beginning | None:
    """The beginning of this candidate; None for those who come only now."""
    if seat.test != "analysis" or (seat.room == "Sal A115" and seat.group == "Group 07"):
        return None
    place = int(seat.number[1:])
    return next((kind for every, at, kind in EVERY if place % every == at), None)


@dataclass(frozen=True)
class Story:
    """The moments of a beginning, as a candidacy stores them."""

    columns: dict[str, object]
    answers: tuple[str, ...]
    last_seen: datetime | None
    saved_at: datetime | None


def story(beginning: Beginning, place: int, now: datetime) -> Story:
    """The moments before `now`; `place` varies them."""
    came = now - timedelta(minutes=38, seconds=place % 200)
    saved = now - timedelta(minutes=6 + place % 9, seconds=place % 50)
    after = saved + timedelta(seconds=50)
    sat = {"entered_at": came, "started_at": came + timedelta(seconds=70), "attendance": "present"}
    wrote = {**sat, "saved_at": saved, "id_checked": True}
    match beginning:
        case Beginning.SUBMITTED:
            return Story({**wrote, "submitted_at": after}, ANSWERS, after, saved)
        case Beginning.BLANK:
            return Story({**sat, "submitted_at": after, "blank": True}, (), after, None)
        case Beginning.PAUSED:
            paused = {"paused_at": after, "incident_minutes": 5, "flagged": True}
            return Story({**wrote, **paused}, ANSWERS[:1], after, saved)
        case Beginning.AWAY:
            return Story({**wrote, "back_at": saved if place % 2 == 0 else None}, ANSWERS[:1], after, saved)
        case Beginning.WITHDRAWN:
            return Story({**sat, "withdrawn_at": after, "flagged": True}, (), after, None)
        case Beginning.ABSENT:
            return Story({"attendance": "absent"}, (), None, None)
