"""The refresh every five seconds: nothing for an unchanged list, the whole fragment for a changed one (R19)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.monitor.test_page import count_of, got, statements
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, User
from webapp.monitor.columns import COLUMN_BY_KEY
from webapp.monitor.listing import made_once

pytestmark = pytest.mark.one_database

HTMX = {"HX-Request": "true"}
NOON = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)
ALL_COLUMNS = "?" + urlencode([("column", key) for key in COLUMN_BY_KEY])


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(NOON, tick=False) as held:
        yield held


class Poll:
    """A page with one candidate, and its refresh."""

    def __init__(self, app: Flask, hall: Hall) -> None:
        self.app, self.hall, self.session = app, hall, hall.session
        self.test = hall.test()
        self.candidacy: Candidacy = hall.candidacy(self.test, saved_at=NOON)
        hall.seen(self.candidacy.user_id)
        self.client: FlaskClient = signed_in(app, hall.contributor(self.test))
        self.tag = self.of(got(self.client, "/monitor"))

    @staticmethod
    def of(page: str) -> str:
        found = re.findall(r'hx-ptag="([0-9a-f]+)"', page)
        assert len(found) == 1
        return found[0]

    def status(self, query: str = "") -> int:
        answer = self.client.get("/monitor" + query, headers={**HTMX, "HX-PTag": self.tag})
        assert answer.headers["HX-PTag"]
        assert (answer.status_code == 304) == (answer.data == b"")
        return answer.status_code

    def change(self, **fields: object) -> None:
        with writing(self.session):
            one = self.session.get_one(Candidacy, self.candidacy.id)
            for name, value in fields.items():
                setattr(one, name, value)


@pytest.fixture
def poll(clock: time_machine.Coordinates, app: Flask, hall: Hall) -> Poll:
    return Poll(app, hall)


def test_an_unchanged_list_is_not_sent_again(poll: Poll) -> None:
    """R19: who matches, in which order, what is shown of them, their last messages, who asks for help; no rendering."""
    assert poll.status() == 304
    with statements(poll.app) as made:
        poll.status()
    on_candidates = [one for one in made if "candidacy" in one]
    assert len(on_candidates) == 4


def test_a_tag_of_the_fragment_is_that_of_the_page(poll: Poll) -> None:
    assert poll.client.get("/monitor", headers=HTMX).headers["HX-PTag"] == poll.tag


def test_seconds_within_a_minute_change_nothing(poll: Poll, clock: time_machine.Coordinates) -> None:
    clock.shift(timedelta(seconds=40))
    assert poll.status() == 304
    clock.shift(timedelta(seconds=20))
    assert poll.status() == 200


def test_after_half_a_day_a_moment_of_yesterday_has_its_date(
    clock: time_machine.Coordinates, app: Flask, hall: Hall
) -> None:
    """Not at midnight, but with the hour in which twelve have passed."""
    clock.move_to(NOON + timedelta(hours=12, minutes=59))
    poll = Poll(app, hall)
    page = got(poll.client, "/monitor?column=saved")
    assert ">12:00</time>" in page
    poll.tag = poll.of(page)
    assert poll.status("?column=saved") == 304
    clock.shift(timedelta(minutes=1))
    assert poll.status("?column=saved") == 200
    assert re.search(r">24 Nov <[^>]*>12:00<[^>]*></time>", got(poll.client, "/monitor?column=saved"))


def test_why_the_list_is_empty_is_told_anew(app: Flask, hall: Hall) -> None:
    test = hall.test()
    client = signed_in(app, hall.person(is_admin=True))
    page = got(client, "/monitor")
    assert "There are no candidates here yet" in page
    with writing(hall.session):
        hall.session.merge(test).closed_at = utcnow()
    answer = client.get("/monitor", headers={**HTMX, "HX-PTag": Poll.of(page)})
    assert "None of your tests is open now" in answer.text
    assert 'href="/monitor/filters/test"' in answer.text, "and a way on"


def test_being_seen_again_changes_nothing(poll: Poll, clock: time_machine.Coordinates) -> None:
    clock.shift(timedelta(seconds=30))
    poll.hall.seen(poll.candidacy.user_id)
    assert poll.status() == 304


@pytest.mark.thorough
def test_each_change_is_sent_to_whom_its_column_is_shown(poll: Poll) -> None:
    """One after the other; each is taken back before the next."""
    changes: list[dict[str, object]] = [
        {"saved_at": NOON + timedelta(minutes=1)}, {"paused_at": NOON}, {"flagged": True}, {"room": "Elsewhere"},
        {"back_at": NOON}, {"seat": "1A"}, {"extra_minutes": 5}, {"attendance": "absent"}, {"id_checked": True},
        {"group_name": "G"}, {"submitted_at": NOON}, {"withdrawn_at": NOON},
    ]  # fmt: skip
    for fields in changes:
        poll.tag = poll.client.get("/monitor" + ALL_COLUMNS, headers=HTMX).headers["HX-PTag"]
        assert poll.status(ALL_COLUMNS) == 304
        before = {name: getattr(poll.session.get_one(Candidacy, poll.candidacy.id), name) for name in fields}
        poll.change(**fields)
        assert poll.status(ALL_COLUMNS) == 200, fields
        poll.change(**before)


def test_what_is_not_shown_is_no_news(poll: Poll) -> None:
    poll.change(group_name="G", building="North", question_set="B")
    assert poll.status() == 304


def test_what_the_menu_of_a_row_goes_by_is_sent(poll: Poll) -> None:
    """Though no column shows it: the menu offers only what would change something."""
    poll.change(id_checked=True)
    assert poll.status() == 200
    poll.change(id_checked=False)
    assert poll.status() == 304
    poll.change(attendance="absent")
    assert poll.status() == 200


def test_a_new_name_a_new_candidate_and_being_away_are_sent(poll: Poll, session: Session) -> None:
    with writing(session):
        session.get_one(User, poll.candidacy.user_id).name = "Renamed"
    assert poll.status() == 200
    poll.tag = poll.of(got(poll.client, "/monitor"))
    poll.hall.candidacies(poll.test, 1)
    assert poll.status() == 200
    poll.tag = poll.of(got(poll.client, "/monitor"))
    poll.hall.seen(poll.candidacy.user_id, timedelta(seconds=76))
    assert poll.status() == 200


@pytest.mark.thorough
def test_what_a_filter_finds_moves_on_with_the_clock(poll: Poll, clock: time_machine.Coordinates) -> None:
    counts = {"saved_within=1h": (1, 0), "seen_within=1h": (1, 0), "unsaved=1h": (0, 1), "unseen=1h": (0, 1),
              "ends_within=1h": (0, 1), "state=offline": (0, 1), "warning=offline": (0, 1)}  # fmt: skip

    def found() -> list[int]:
        return [count_of(got(poll.client, f"/monitor?{query}", **HTMX)) for query in counts]

    now = found()
    clock.shift(timedelta(minutes=70))
    assert dict(zip(counts, zip(now, found(), strict=True), strict=True)) == counts


def test_the_statements_of_a_list_are_made_once(poll: Poll, app: Flask) -> None:
    """For all who see the same: making them takes longer than running them."""
    poll.status()
    before = made_once.cache_info().misses
    poll.client = signed_in(app, poll.hall.contributor(poll.test))
    poll.change(saved_at=NOON + timedelta(minutes=1))
    assert poll.status() == 200
    assert made_once.cache_info().misses == before
    assert poll.status("?q=nobody+else+asks+for+this") == 200
    assert made_once.cache_info().misses > before


def test_another_view_has_another_tag(poll: Poll) -> None:
    for query in ("?sort=-name", "?room=Room+1", "?column=name"):
        assert poll.status(query) == 200, query


def test_another_person_has_another_tag(poll: Poll, app: Flask) -> None:
    """Nobody is told "unchanged" of a page that another person saw."""
    poll.client = signed_in(app, poll.hall.contributor(poll.test))
    assert poll.status() == 200


def test_what_asks_for_the_list_stands_outside_of_it(poll: Poll) -> None:
    """Nothing that is swapped in can take it away."""
    page = got(poll.client, "/monitor")
    assert "hx-ptag" in page
    assert "hx-ptag" not in got(poll.client, "/monitor", **HTMX)


def test_a_refresh_after_signing_out_is_a_401(poll: Poll, client: FlaskClient) -> None:
    assert client.get("/monitor", headers={**HTMX, "HX-PTag": poll.tag}).status_code == 401


def test_a_refresh_of_a_test_that_was_closed_is_a_403(poll: Poll) -> None:
    with writing(poll.session):
        poll.session.merge(poll.test).closed_at = NOON
    answer = poll.client.get("/monitor", headers={**HTMX, "HX-PTag": poll.tag})
    assert answer.status_code == 403
    assert "<html" not in answer.text
    assert "You have no test open now" in answer.text
