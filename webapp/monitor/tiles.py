"""The states of a list: tiles above it, with a count and a link each, and groups of rows (R17, R27)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask_babel import gettext
from sqlalchemy import Row

from webapp.models.status import NEEDS_ATTENTION, State
from webapp.monitor.filters import CHOICES, Filter
from webapp.monitor.listing import Listing

TONES = {State.OFFLINE: "bad", State.TIME_UP: "bad", State.IDLE: "warn"}
"""Of what somebody should look at, if there is any."""
ATTENTION = "attention"


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
    """The tiles over a list. `address_of` gives the address of the same view with another filter.

    In order of need, so that small windows show first what matters; always all, so that none moves when one empties.
    """
    filter, states = listing.view.filter, listing.states
    wanted, rest = filter.values("state"), listing.view.filter.without("state")
    total = None if states is None else sum(states.values())
    tiles = [Tile("", gettext("All"), total, address_of(rest), not wanted, "")]
    for state in State:
        count = None if states is None else states[state]
        words = str(CHOICES["state"].values[state])
        address = address_of(rest.narrowed("state", state))
        tone = "none" if count == 0 else TONES.get(state, "") if count else ""
        tiles.append(Tile(state, words, count, address, state in wanted, tone))
    return tiles


@dataclass(frozen=True)
class Group:
    """What rows in order of need are headed by."""

    key: str
    words: str
    count: int
    """On all pages of the list."""


def groups_of(listing: Listing) -> Iterator[tuple[Group, list[Row[Any]]]]:
    """The rows of a page in order of need, by group. Whoever needs attention is one group."""
    states, wanted = listing.states or {}, listing.view.filter.values("state")
    for key, rows in groupby(listing.rows, lambda row: _group_of(State(row.state))):
        members = NEEDS_ATTENTION if key == ATTENTION else (State(key),)
        words = gettext("Needs attention") if key == ATTENTION else str(CHOICES["state"].values[key])
        count = sum(states[state] for state in members if not wanted or state in wanted)
        yield Group(key, words, count), list(rows)


def _group_of(state: State) -> str:
    return ATTENTION if state in NEEDS_ATTENTION else state
