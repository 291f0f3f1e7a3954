"""The tiles above the list: all, and each state with its count and a link that lists it (R17, R27)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext

from webapp.models.status import State
from webapp.monitor.filters import CHOICES, Filter
from webapp.monitor.query import Listing

ORDER = (
    State.NOT_ARRIVED, State.WAITING, State.WRITING, State.PAUSED, State.OFFLINE, State.IDLE, State.TIME_UP,
    State.SUBMITTED, State.WITHDRAWN,
)  # fmt: skip
"""As an exam goes, with what needs attention before the end."""
RARE = frozenset({State.PAUSED, State.WITHDRAWN})
"""Shown while there are any, or while the list is of them."""
TONES = {State.OFFLINE: "bad", State.TIME_UP: "bad", State.IDLE: "warn"}
"""Of what somebody should look at, if there is any."""


@dataclass(frozen=True)
class Tile:
    """All, or one state."""

    key: str
    """The state; blank for all."""
    words: str
    count: int | None
    """None where so many are not counted."""
    address: str
    is_current: bool
    tone: str


def tiles_of(listing: Listing, address_of: Callable[[Filter], str]) -> list[Tile]:
    """The tiles over a list. `address_of` gives the address of the same view with another filter."""
    filter, states = listing.view.filter, listing.states
    wanted, rest = filter.values("state"), listing.view.filter.without("state")
    total = None if states is None else sum(states.values())
    tiles = [Tile("", gettext("All"), total, address_of(rest), not wanted, "")]
    for state in ORDER:
        count = None if states is None else states[state]
        if state in RARE and not count and state not in wanted:
            continue
        words = str(CHOICES["state"].values[state])
        address = address_of(rest.narrowed("state", state))
        tiles.append(Tile(state, words, count, address, state in wanted, TONES.get(state, "") if count else ""))
    return tiles
