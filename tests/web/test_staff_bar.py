"""The bar above the pages of staff: whose tests, which room, and when it ends."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.hall import Hall, signed_in
from webapp.clock import utcnow
from webapp.models import Role
from webapp.web.staff_bar import initials
from webapp.web.templating import installation_zone

pytestmark = pytest.mark.one_database


def said(client: FlaskClient, address: str) -> dict[str, str]:
    """What each part of the bar says."""
    page = client.get(address)
    assert page.status_code == 200
    bar = page.text[page.text.index('<header class="site-header">') : page.text.index("</header>")]
    parts = re.findall(r"data-bar-(title|now|end|left)[^>]*>(.*?)<", bar, re.DOTALL)
    room = re.search(r"data-bar-scope( hidden)?><bdi[^>]*>(.*?)</bdi>", bar)
    assert room
    menu = re.findall(r'href="(/monitor\?test=\d+)"', bar)
    return {name: unescape(text) for name, text in parts} | {"room": room[2], "menu": " ".join(menu)}


def test_the_only_test_its_end_and_the_persons_room(app: Flask, hall: Hall) -> None:
    test = hall.test("Algebra & more", ends_at=utcnow() + timedelta(hours=4, minutes=48, seconds=30))
    hall.candidacy(test, room="Aula")
    client = signed_in(app, hall.contributor(test, room="Aula"))
    with app.app_context():
        zone = installation_zone()
    for address in ("/monitor", "/log"):
        bar = said(client, address)
        assert (bar["title"], bar["room"]) == ("Algebra & more", "Aula")
        assert bar["end"] == f"ends {test.ends_at.astimezone(zone):%H:%M}"
        assert bar["left"] == "4 h 49 min left"
        assert re.fullmatch(r"\d\d:\d\d", bar["now"])
        assert bar["menu"] == f"/monitor?test={test.id}"


def test_of_several_the_next_end_and_by_the_filter_the_one_that_it_names(app: Flask, hall: Hall) -> None:
    """A test that is closed is in no menu, but a planner's page about it has its name."""
    now = utcnow()
    late, soon = (
        hall.test("Late", ends_at=now + timedelta(hours=3)),
        hall.test("Soon", ends_at=now + timedelta(minutes=9)),
    )
    over = hall.test("Over", ends_at=now - timedelta(minutes=1))
    closed, early = hall.test("Closed", closed_at=now), hall.test("Early", starts_at=now + timedelta(minutes=30))
    for test in (late, soon, over, closed, early):
        hall.candidacy(test)
    hall.candidacy(hall.test("Of others"))
    client = signed_in(app, hall.contributor(late, soon, over, closed, early, role=Role.PLANNER))
    bar = said(client, "/monitor")
    assert (bar["title"], bar["left"], bar["room"]) == ("All my tests", "9 min left", "")
    assert bar["end"].startswith("next end ")
    assert bar["menu"] == " ".join(f"/monitor?test={test.id}" for test in (over, soon, late, early))
    assert said(client, f"/monitor?test={late.id}")["title"] == "Late"
    assert said(client, f"/monitor?test={late.id}&test={soon.id}")["title"] == "2 tests"
    ended, begins = said(client, f"/monitor?test={over.id}"), said(client, f"/monitor?test={early.id}")
    assert (ended["end"].split()[0], ended["left"]) == ("ended", "")
    assert (begins["end"].split()[0], begins["left"]) == ("starts", "")
    about_closed = said(client, f"/monitor?test={closed.id}")
    assert (about_closed["title"], about_closed["menu"]) == ("Closed", bar["menu"])


def test_who_may_watch_everything_has_no_room(app: Flask, hall: Hall) -> None:
    """R14: an administrator sees all open tests, whatever room a role of theirs names."""
    mine, other = hall.test("Mine"), hall.test("Other")
    hall.candidacy(mine, room="Aula")
    hall.candidacy(other)
    admin = hall.contributor(mine, room="Aula", user=hall.person(is_admin=True))
    client = signed_in(app, admin)
    bar = said(client, "/monitor")
    assert (bar["title"], bar["room"]) == ("All my tests", "")
    assert said(client, f"/monitor?test={mine.id}")["room"] == ""
    assert bar["menu"].count("test=") == 2


def test_nothing_open(app: Flask, hall: Hall) -> None:
    test = hall.test(starts_at=utcnow() + timedelta(days=1))
    client = signed_in(app, hall.contributor(test))
    bar = said(client, "/log")
    assert (bar["title"], bar["end"], bar["left"], bar["menu"]) == ("No open test", "", "", "")


@pytest.mark.parametrize(
    ("name", "shown"), [("Anna Lundgren Wang", "AW"), ("ada", "A"), ("李健", "李"), ("", ""), ("Åsa Öberg", "ÅÖ")]
)
def test_initials(name: str, shown: str) -> None:
    assert initials(name) == shown
