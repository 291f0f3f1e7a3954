"""Nobody is offered what would be refused: sending, where there is no role in the test, or the test is closed."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.hall import Hall, signed_in
from tests.monitor.test_page import got, rows_of
from webapp.clock import utcnow
from webapp.models import Role

pytestmark = pytest.mark.one_database

TO_ALL = "data-compose-all"
ACTION_BAR = "data-action-bar"
HTMX = {"HX-Request": "true"}


def may_be_written_to(page: str, candidacy_id: int) -> bool:
    """Whether the menu of a candidate's row offers to send a message: all rows share it, and the row says what fits."""
    row = re.search(rf'<tr data-candidacy="{candidacy_id}".*?</tr>', page, re.DOTALL)
    assert row is not None
    return 'popovertarget="row-menu"' in row[0] and 'data-may="manage"' not in row[0]


def test_an_administrator_without_a_role_watches_only(app: Flask, hall: Hall) -> None:
    candidacy = hall.candidacy(hall.test())
    client = signed_in(app, hall.person(is_admin=True))
    for page in (got(client, "/monitor"), got(client, "/monitor", **HTMX)):
        assert rows_of(page) == [candidacy.id]
        assert not may_be_written_to(page, candidacy.id)
        for offer in (TO_ALL, "/messages/new?", ACTION_BAR, 'name="candidate"', "data-select-page"):
            assert offer not in page, offer
        assert "/monitor.csv" in page


def test_an_administrator_is_offered_what_their_role_in_a_test_carries(app: Flask, hall: Hall) -> None:
    own, other = hall.test("Own"), hall.test("Other")
    mine, theirs = hall.candidacy(own).id, hall.candidacy(other).id
    client = signed_in(app, hall.contributor(own, user=hall.person(is_admin=True)))
    page = got(client, "/monitor")
    assert set(rows_of(page)) == {mine, theirs}
    assert may_be_written_to(page, mine)
    assert not may_be_written_to(page, theirs)
    assert f'name="candidate" value="{theirs}"' not in page
    assert TO_ALL in page
    assert TO_ALL not in got(client, f"/monitor?test={other.id}")


def test_a_planner_is_not_offered_to_write_to_a_closed_test(app: Flask, hall: Hall) -> None:
    running, closed = hall.test("Running"), hall.test("Closed", closed_at=utcnow())
    now, past = hall.candidacy(running).id, hall.candidacy(closed).id
    client = signed_in(app, hall.contributor(running, closed, role=Role.PLANNER))
    page = got(client, f"/monitor?test={running.id}&test={closed.id}")
    assert may_be_written_to(page, now)
    assert not may_be_written_to(page, past)
    assert TO_ALL not in got(client, f"/monitor?test={closed.id}")


def test_staff_limited_to_a_room_read_it_above_the_list(app: Flask, hall: Hall) -> None:
    """Administrators see all rooms, also with a role in one of them."""
    test = hall.test()
    hall.candidacy(test, room="Aula")
    for room, is_admin, shown in (("Aula", False, True), (None, False, False), ("Aula", True, False)):
        page = got(signed_in(app, hall.contributor(test, room=room, user=hall.person(is_admin=is_admin))), "/monitor")
        said = 'You see and reach only your room: <bdi translate="no">Aula</bdi>' in page
        assert said is shown, (room, is_admin)
