"""R27: each candidacy has one state; rows, filter, tiles and count say the same one (R17)."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from flask import Flask
from hypothesis import given
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.monitor import reference
from tests.monitor.sitting import EVERYTHING, Sitting
from tests.monitor.test_export import table
from tests.monitor.test_page import HTMX, count_of, got, rows_of
from tests.nightly import at_night
from tests.statements import statements
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Test
from webapp.models.status import NEEDS_ATTENTION, State, has_state, state
from webapp.monitor import listing
from webapp.monitor.columns import Presentation
from webapp.monitor.filters import Filter
from webapp.monitor.listing import load_listing
from webapp.monitor.query import View

SIZE = 30
SECONDS_AGO = (-60, 0, 1, 74, 75, 76, 599, 600, 601, 4000)
"""Before and after everything that a state turns on: 75 seconds unheard, ten minutes without a save, the own end."""
MOMENTS = ("entered_at", "started_at", "saved_at", "paused_at", "submitted_at", "withdrawn_at", "last_seen", "left_at")
AGO = st.sampled_from((None, *SECONDS_AGO))
RARELY = st.sampled_from((None, None, None, None, *SECONDS_AGO[:4]))
HAPPENED = st.fixed_dictionaries(
    {
        **dict.fromkeys(MOMENTS[:3] + MOMENTS[6:], AGO),
        **dict.fromkeys(MOMENTS[3:6], RARELY),
        "extra_minutes": st.sampled_from([0, 5]),
    }
)
ENDS_IN = st.sampled_from([-301, -300, -299, -1, 0, 1, 3600, 3601, 3602])


@pytest.mark.thorough
def test_each_candidacy_has_one_state_and_it_is_that_of_the_reference(hall: Hall, session: Session) -> None:
    """Whatever has happened: disjoint and total, in SQL as a value and as a condition."""
    now = utcnow()
    test_id = hall.test(starts_at=now - timedelta(hours=3)).id
    ids = [one.id for one in hall.candidacies(session.get_one(Test, test_id), SIZE)]
    met: set[str] = set()

    @given(st.lists(HAPPENED, min_size=SIZE, max_size=SIZE), ENDS_IN, st.sampled_from([False, False, True]))
    def holds(happened: list[dict[str, Any]], ends_in: int, closed: bool) -> None:
        with writing(session):
            ends_at = now + timedelta(seconds=ends_in)
            session.execute(update(Test).values(ends_at=ends_at, closed_at=now if closed else None))
            for candidacy_id, fields in zip(ids, happened, strict=True):
                moments = {name: ago if ago is None else now - timedelta(seconds=ago) for name, ago in fields.items()}
                moments["extra_minutes"] = fields["extra_minutes"]
                session.execute(update(Candidacy).where(Candidacy.id == candidacy_id).values(moments))
        session.expire_all()
        test = session.get_one(Test, test_id)
        expected = {one.id: reference.state(one, test, now) for one in session.scalars(select(Candidacy))}
        said = session.execute(select(Candidacy.id, state(now)).join(Candidacy.test)).all()
        assert dict(map(tuple, said)) == expected
        for each in State:
            matching = session.scalars(select(Candidacy.id).join(Candidacy.test).where(has_state(each, now)))
            assert set(matching) == {one for one, name in expected.items() if name == each}, each
        page = load_listing(session, View(EVERYTHING, Filter(), Presentation(), now))
        assert page.states == dict.fromkeys(State, 0) | Counter(map(State, expected.values()))
        session.rollback()
        met.update(expected.values())

    holds()
    assert len(met) > 5


@pytest.fixture
def states(sitting: Sitting) -> Sitting:
    """One of each."""
    now = sitting.now
    sitting.add("offline", seen=timedelta(minutes=12), saved_at=now)
    sitting.add("idle", saved_at=now - timedelta(minutes=28))
    sitting.add("paused", paused_at=now)
    sitting.add("writing", saved_at=now)
    sitting.add("waiting", started_at=None)
    sitting.add("submitted", submitted_at=now)
    sitting.add("not_arrived", entered_at=None, started_at=None)
    sitting.add("withdrawn", withdrawn_at=now)
    return sitting


def test_each_state_finds_its_own(states: Sitting) -> None:
    for name in (each for each in State if each is not State.TIME_UP):
        assert states.names(("state", name)) == {name}


def test_time_is_up_at_the_own_end(hall: Hall, session: Session) -> None:
    """With extra and incident time; whoever has not started is waiting or has not arrived."""
    now = utcnow()
    test = hall.test(starts_at=now - timedelta(hours=2), ends_at=now - timedelta(minutes=10))
    late = hall.candidacy(test, extra_minutes=5, incident_minutes=5)
    still = hall.candidacy(test, extra_minutes=5, incident_minutes=6, saved_at=now)
    hall.candidacy(test, started_at=None)
    hall.seen(still.user_id)
    rows = session.execute(select(Candidacy.id, state(now)).join(Candidacy.test))
    has = {row.id: row[1] for row in rows}
    assert Counter(has.values()) == {State.TIME_UP: 1, State.WRITING: 1, State.WAITING: 1}
    assert has[late.id] == State.TIME_UP


def tiles_of(page: str) -> dict[str, tuple[int | None, str]]:
    """Words → (count, address)."""
    found = re.findall(
        r'<a class="tile[^"]*" id="tile-\w+" href="([^"]*)"[^>]*><span[^>]*>([^<]*)</span>(.*?)</a>', page
    )
    counts = {words: re.search(r">([\d,]+)<", rest) for _, words, rest in found}
    return {
        words: (int(count[1].replace(",", "")) if (count := counts[words]) else None, address.replace("&amp;", "&"))
        for address, words, _ in found
    }


@pytest.mark.thorough
@pytest.mark.parametrize(
    "asked", ["?room=Room+1&state=idle&state=offline", *at_night("", "?q=person", "?state=paused&sort=-name")]
)
def test_r17_what_a_tile_says_is_what_its_link_lists(app: Flask, states: Sitting, asked: str) -> None:
    client = signed_in(app, states.hall.contributor(states.test))
    states.hall.candidacies(states.test, 3, room="Room 2")
    tiles = tiles_of(got(client, f"/monitor{asked}"))
    assert tiles_of(got(client, f"/monitor{asked}", **HTMX)) == tiles
    counts = [count for count, _ in tiles.values()]
    assert sum(count for count in counts[1:] if count is not None) == counts[0]
    for words, (count, address) in tiles.items():
        page = got(client, address, **HTMX)
        assert count_of(page) == len(rows_of(page)) == count, words
        assert len(table(got(client, address.replace("/monitor", "/monitor.csv")))) == count, words
        assert f'aria-current="true"><span class="tile-name">{words}<' in page, words


def test_r17_tiles_of_a_phrase_that_only_its_words_find(app: Flask, hall: Hall) -> None:
    """Whether the phrase or its words are looked for does not turn on the state."""
    test = hall.test()
    hall.candidacy(test, hall.person(name="Anna Berg"))
    hall.candidacy(test, hall.person(name="Anna Maria Berg"), submitted_at=utcnow())
    client = signed_in(app, hall.contributor(test))
    page = got(client, "/monitor?q=anna+berg&state=submitted")
    assert count_of(page) == 0
    assert tiles_of(page)["All"][0] == 1
    assert len(table(got(client, "/monitor.csv?q=anna+berg&state=submitted"))) == 0


def test_a_tile_for_each_state_red_and_amber_above_nought(app: Flask, hall: Hall) -> None:
    """In order of need, and all of them always: none moves when another one has nobody any more."""
    test = hall.test()
    client = signed_in(app, hall.contributor(test))
    hall.candidacy(test, started_at=None)
    page = got(client, "/monitor")
    assert list(tiles_of(page)) == [
        "All", "Offline", "Time is up", "Idle", "Paused", "Writing", "Waiting", "Submitted", "Not arrived", "Withdrawn"
    ]  # fmt: skip
    assert not re.search("tile-(bad|warn)", page)
    hall.candidacy(test)
    assert len(re.findall("tile-bad", got(client, "/monitor"))) == 1


def test_count_and_tiles_are_one_statement(app: Flask, hall: Hall) -> None:
    test = hall.test()
    hall.candidacies(test, 3)
    client = signed_in(app, hall.contributor(test))
    with statements(app) as made:
        got(client, "/monitor?state=offline", **HTMX)
    assert sum("count(" in one for one in made) == 1


def test_over_many_tests_tiles_have_no_numbers_where_so_many_are_not_counted(
    app: Flask, hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_COUNT", 6)
    tests = [hall.test(f"Test {number}") for number in range(5)]
    for test in tests:
        hall.candidacies(test, 2)
    submitted = hall.candidacies(tests[0], 2, submitted_at=utcnow())
    client = signed_in(app, hall.contributor(*tests))
    assert {count for count, _ in tiles_of(got(client, "/monitor")).values()} == {None}
    page = got(client, "/monitor?state=submitted")
    assert (count_of(page), set(rows_of(page))) == (2, {one.id for one in submitted})
    assert {count for count, _ in tiles_of(page).values()} == {None}
    assert 'data-count="6" data-capped' in got(client, "/monitor?state=offline")
    few = tiles_of(got(client, "/monitor?test=" + str(tests[0].id)))
    assert (few["All"][0], few["Submitted"][0]) == (4, 2)


def test_a_row_says_its_state_in_words(app: Flask, states: Sitting) -> None:
    """The minutes of who is offline or idle, the time of a submission and whether it is blank."""
    now = states.now
    states.add("blank", submitted_at=now, blank=True)
    states.add("left", saved_at=now - timedelta(hours=3), seen=timedelta(hours=2, minutes=5))
    client = signed_in(app, states.hall.contributor(states.test))
    page = got(client, "/monitor?column=state&sort=state")
    pills = re.findall(r'<span class="pill pill-(\w+)">(.*?)</span>', page)
    said = {(name, re.sub("<[^>]*>", "", words)) for name, words in pills}
    clock = f"{now:%H:%M}"
    assert said == {
        ("offline", "Offline 2 h"), ("offline", "Offline 12 min"), ("idle", "Idle 28 min"), ("paused", "Paused"),
        ("writing", "Writing"), ("waiting", "Waiting"), ("submitted", f"Submitted {clock}"),
        ("submitted", f"Submitted blank {clock}"), ("not_arrived", "Not arrived"), ("withdrawn", "Withdrawn"),
    }  # fmt: skip


def test_sorted_by_state_whoever_needs_somebody_comes_first(app: Flask, states: Sitting) -> None:
    """In order of need; offline and idle for the longest first, the others by name."""
    now = states.now
    states.add("offline for longer", seen=timedelta(minutes=40), saved_at=now)
    states.add("idle for longer", saved_at=now - timedelta(minutes=50))
    client = signed_in(app, states.hall.contributor(states.test))
    names = {number: name for name, number in states.ids.items()}
    order = [names[number] for number in rows_of(got(client, "/monitor?sort=state"))]
    assert order == [
        "offline for longer", "offline", "idle for longer", "idle", "paused", "writing", "waiting", "submitted",
        "not_arrived", "withdrawn",
    ]  # fmt: skip
    assert {State(name.partition(" ")[0]) for name in order[:4]} <= set(NEEDS_ATTENTION)
