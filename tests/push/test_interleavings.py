"""Interleavings of send, correct, withdraw, connect, drop, close, sweep and restart against a model.

They hold R1, R2, R8, R9, R13 and R30.

Hypothesis chooses what happens and who goes on at each stop of each request (`interleaving.py`). SQLite is one process
that dies and starts again; on PostgreSQL there are two, with a network between them that loses and delays.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.databases import Database, application_on
from tests.push.model import MANY, MOST_AT_ONCE, Interleavings
from tests.push.people import World, world_on
from webapp.extensions import db
from webapp.logbook.verify import verify

STEPS = 60

ACTIONS = {
    Interleavings.send: 5,
    Interleavings.post_the_same_form_again: 1,
    Interleavings.correct: 2,
    Interleavings.withdraw: 2,
    Interleavings.connect: 6,
    Interleavings.read: 3,
    Interleavings.drop: 2,
    Interleavings.close_a_notice: 4,
    Interleavings.go_on: 7,
    Interleavings.sweep: 6,
    Interleavings.the_network_carries_or_loses: 3,
    Interleavings.die_and_start_again: 1,
}
"""What happens, and how often beside the others."""
BEGINNING = {
    Interleavings.send, Interleavings.post_the_same_form_again, Interleavings.correct, Interleavings.withdraw,
    Interleavings.connect, Interleavings.close_a_notice, Interleavings.sweep,
}  # fmt: skip
a_step = st.tuples(
    st.sampled_from([action for action, weight in ACTIONS.items() for _ in range(weight)]),
    st.integers(0, 1),
    st.integers(0, 11),
    st.sampled_from((MANY, MANY, 1, 2, 3, 4, 5)),
)


@pytest.fixture
def world(database: Database) -> World:
    return world_on(database)


@pytest.mark.thorough
@pytest.mark.one_database("postgresql")
@pytest.mark.hypothesis
def test_r8_r9_whatever_comes_between_each_tab_shows_what_is_open(world: World) -> None:
    @settings(print_blob=True, suppress_health_check=list(HealthCheck))
    @given(script=st.lists(a_step, min_size=STEPS // 2, max_size=STEPS), arrives=st.booleans())
    def follow(script: list[tuple[Any, int, int, int]], arrives: bool) -> None:
        with closing(Interleavings(world)) as running:
            for action, where, which, steps in script:
                if action not in BEGINNING or len(running.operations) < MOST_AT_ONCE:
                    action(running, where, which, steps)
            running.settle(arrives)

    follow()
    with application_on(world.database) as app, app.app_context():
        assert verify(db.session()).sound
        db.session.rollback()


def test_r9_a_tab_whose_line_was_cut_while_a_notice_was_closed_elsewhere(world: World) -> None:
    """The event `closed` was told and is not told again: what a stream begins with has to say it."""
    with closing(Interleavings(world)) as running:
        running.tabs = here, there = running.tabs[:2]
        for _ in running.tabs:
            running.connect(0, 0, MANY)
        running.send(0, 0, MANY)
        running.read()
        here.drop()
        number = min(here.page.screen)
        running.closings["ada", number] = False
        there.page.close(number)
        running.settle(arrives=True)  # by now every process has told it
        here.page.screen.add(number)  # the line was cut: the page has heard nothing
        here.page.closed.clear()
        running.connect(0, 0, MANY)
        running.settle(arrives=True)
