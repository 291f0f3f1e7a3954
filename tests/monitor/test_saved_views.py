"""A filter with order and columns under a name: to open, rename, delete, share, and begin with (R6, R18, R20)."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from tests.monitor.test_addresses import query_told
from tests.monitor.test_page import count_of, got
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Role, SavedView, Test

pytestmark = pytest.mark.one_database

ROOM = "room=Room+1&sort=-name&column=name&column=seat"


def press(client: FlaskClient, address: str, headers: dict[str, str] | None = None, **fields: str) -> TestResponse:
    return client.post(address, data={"csrf_token": csrf(client), **fields}, headers=headers)


class Office:
    """A test with two rooms, its planner, an invigilator, and somebody of another test."""

    def __init__(self, app: Flask, hall: Hall) -> None:
        self.hall, self.test, self.other = hall, hall.test("Algebra"), hall.test("Law")
        hall.candidacies(self.test, 3)
        hall.candidacies(self.test, 2, room="Room 2")
        hall.candidacies(self.other, 1, room="Room 3")
        self.planner = signed_in(app, hall.contributor(self.test, role=Role.PLANNER))
        self.invigilator = signed_in(app, hall.contributor(self.test))
        self.stranger = signed_in(app, hall.contributor(self.other, role=Role.PLANNER))
        self.admin = signed_in(app, hall.person(is_admin=True))

    def saved(self, client: FlaskClient, name: str = "My room", query: str = ROOM) -> int:
        """Save a view; returns its id."""
        answer = press(client, "/monitor/views", name=name, query=query)
        assert answer.status_code == 303, answer.text
        self.hall.session.rollback()
        return self.hall.session.scalars(select(func.max(SavedView.id))).one() or 0

    def names(self, client: FlaskClient) -> list[str]:
        """The views that somebody sees."""
        page = got(client, "/monitor/views")
        return [unescape(name) for name in re.findall(r'<a href="/monitor\?view=\d+"><bdi>(.*?)</bdi>', page)]


@pytest.fixture
def office(app: Flask, hall: Hall) -> Office:
    return Office(app, hall)


def test_a_view_opens_what_was_saved(office: Office) -> None:
    """R18: filter, order and columns, whatever the person's own settings are."""
    view = office.saved(office.invigilator)
    press(office.invigilator, "/monitor/settings", sort="room", column="room")
    answer = office.invigilator.get(f"/monitor?view={view}")
    assert (answer.status_code, answer.location) == (302, f"/monitor?{ROOM}")
    page = got(office.invigilator, answer.location)
    assert (query_told(page), count_of(page)) == (ROOM, 3)
    fragment = office.invigilator.get(f"/monitor?view={view}", headers=HTMX, follow_redirects=True)
    assert query_told(fragment.text) == ROOM
    assert office.names(office.invigilator) == ["My room"]
    assert office.names(office.planner) == []


def test_a_view_of_the_default_order_keeps_it(office: Office) -> None:
    view = office.saved(office.invigilator, query="flag=no&page=3")
    press(office.invigilator, "/monitor/settings", sort="-room")
    opened = office.invigilator.get(f"/monitor?view={view}", follow_redirects=True)
    assert "sort=-room" not in opened.text.split("data-query", 2)[2][:400]


def test_the_menu_saves_and_says_so(office: Office) -> None:
    menu = office.invigilator.get(f"/monitor/views?{ROOM}", headers=HTMX).text
    assert "<html" not in menu
    assert f'name="query" value="{ROOM.replace("&", "&amp;")}"' in menu
    saved = press(office.invigilator, "/monitor/views", HTMX, name="  Rechter\u00a0Gang ", query=ROOM)
    assert saved.status_code == 201
    assert "Saved." in saved.text
    assert "Rechter Gang" in saved.text


def test_a_name_that_is_none_is_refused_with_its_text(office: Office) -> None:
    for name in ("", "   ", "\u200b", "x" * 61, "a\nb", "a\0b"):
        for headers in ({}, HTMX) if name == "x" * 61 else (HTMX,):
            answer = press(office.invigilator, "/monitor/views", headers, name=name, query=ROOM)
            assert answer.status_code == 422, name
            assert "A name has 1 to 60 characters" in answer.text, name
            assert 'name="query" value="room=Room+1' in answer.text, name
    assert office.names(office.invigilator) == []


def test_a_name_is_taken_once_per_person(office: Office) -> None:
    """Also with other capitals, and when renaming; nothing typed is lost."""
    office.saved(office.invigilator, "My room")
    second = office.saved(office.invigilator, "Other")
    for address in ("/monitor/views", f"/monitor/views/{second}/rename"):
        answer = press(office.invigilator, address, name="MY ROOM", query=ROOM)
        assert answer.status_code == 422
        assert "You already have a view with this name" in answer.text
        assert 'value="MY ROOM"' in answer.text
    assert press(office.invigilator, f"/monitor/views/{second}/rename", name="other").status_code == 303
    office.saved(office.planner, "My room")
    assert office.names(office.invigilator) == ["My room", "other"]


def test_the_longest_name_and_any_script(office: Office) -> None:
    for name in ("x" * 60, "<b>الغرفة</b> & 李 🙂"):
        office.saved(office.invigilator, name)
    assert "<b>" not in got(office.invigilator, "/monitor/views").split("</head>")[1].replace("<bdi>", "")
    assert office.names(office.invigilator) == ["<b>الغرفة</b> & 李 🙂", "x" * 60]


def test_fifty_views_and_no_more(office: Office, session: Session) -> None:
    view = office.saved(office.invigilator, "View 0")
    owner = session.get_one(SavedView, view).user_id
    with writing(session):
        session.add_all([SavedView(user_id=owner, name=f"View {n}", query="") for n in range(1, 50)])
    answer = press(office.invigilator, "/monitor/views", name="One more", query=ROOM)
    assert (answer.status_code, 'value="One more"' in answer.text) == (422, True)
    press(office.invigilator, f"/monitor/views/{view}/delete")
    assert office.saved(office.invigilator, "One more")


def test_a_query_that_the_list_refuses_is_not_saved(office: Office) -> None:
    for query in ("nonsense=1", "room=Nowhere", "test=999", "view=1", "sort=x", "q=%00", "scope=all"):
        assert press(office.invigilator, "/monitor/views", HTMX, name="V", query=query).status_code == 400, query
        assert office.invigilator.get(f"/monitor/views?{query}", headers=HTMX).status_code == 400, query
    assert office.names(office.invigilator) == []


def test_the_monitor_begins_with_the_default_view(office: Office) -> None:
    """And every address but the plain one shows what it says; the whole list has one of its own."""
    view = office.saved(office.invigilator)
    press(office.invigilator, f"/monitor/views/{view}/default", default="yes")
    assert office.invigilator.get("/monitor").location == f"/monitor?{ROOM}"
    whole = got(office.invigilator, "/monitor?view=all")
    assert (count_of(whole), query_told(whole)) == (5, "view=all")
    assert count_of(got(office.invigilator, "/monitor?room=Room+2")) == 2
    assert 'href="/monitor?view=all"' in got(office.invigilator, "/monitor?flag=no")
    plain = office.invigilator.get("/monitor", headers=HTMX)
    assert (plain.status_code, query_told(plain.text)) == (200, "view=all")
    assert office.invigilator.get("/monitor.csv?view=all").status_code == 200
    press(office.invigilator, f"/monitor/views/{view}/default", default="no")
    assert query_told(got(office.invigilator, "/monitor")) == ""


def test_a_deleted_default_view_leaves_the_plain_list(office: Office) -> None:
    view = office.saved(office.planner)
    press(office.planner, f"/monitor/views/{view}/share", test=str(office.test.id))
    for client in (office.planner, office.invigilator):
        press(client, f"/monitor/views/{view}/default", default="yes")
        assert client.get("/monitor").status_code == 302
    press(office.planner, f"/monitor/views/{view}/delete")
    assert query_told(got(office.planner, "/monitor")) == ""
    assert count_of(got(office.invigilator, "/monitor")) == 5


def test_planners_share_a_view_with_the_staff_of_one_test(office: Office) -> None:
    view = office.saved(office.planner)
    assert office.invigilator.get(f"/monitor?view={view}").status_code == 404
    assert press(office.planner, f"/monitor/views/{view}/share", test=str(office.test.id)).status_code == 303
    for client in (office.invigilator, office.admin):
        assert office.names(client) == ["My room"]
        assert client.get(f"/monitor?view={view}").status_code == 302
    assert office.names(office.stranger) == []
    assert office.stranger.get(f"/monitor?view={view}").status_code == 404
    assert press(office.stranger, f"/monitor/views/{view}/default", default="yes").status_code == 404
    press(office.planner, f"/monitor/views/{view}/share", test="")
    assert office.names(office.invigilator) == []


def test_a_shared_view_is_changed_by_its_owner_only(office: Office, session: Session) -> None:
    view = office.saved(office.planner)
    press(office.planner, f"/monitor/views/{view}/share", test=str(office.test.id))
    for client in (office.invigilator, office.admin, office.stranger):
        for act, fields in (("rename", {"name": "Mine"}), ("delete", {}), ("share", {"test": ""})):
            assert press(client, f"/monitor/views/{view}/{act}", **fields).status_code == 404
    session.rollback()
    kept = session.get_one(SavedView, view)
    assert (kept.name, kept.test_id) == ("My room", office.test.id)
    page = got(office.invigilator, "/monitor/views")
    assert f"/monitor/views/{view}/rename" not in page
    assert f"/monitor/views/{view}/default" in page


def test_r6_only_planners_share_and_only_in_their_tests(office: Office) -> None:
    own, planned = office.saved(office.invigilator), office.saved(office.planner)
    assert press(office.invigilator, f"/monitor/views/{own}/share", test=str(office.test.id)).status_code == 403
    assert press(office.planner, f"/monitor/views/{planned}/share", test=str(office.other.id)).status_code == 404
    assert press(office.planner, f"/monitor/views/{planned}/share", test="999").status_code == 404
    admins = office.saved(office.admin)
    assert press(office.admin, f"/monitor/views/{admins}/share", test=str(office.test.id)).status_code == 403
    assert office.names(office.stranger) == []


def test_a_view_whose_room_is_gone_says_so_kindly(office: Office, session: Session) -> None:
    """With a way to the whole list, also where the monitor begins with it."""
    view = office.saved(office.invigilator)
    press(office.invigilator, f"/monitor/views/{view}/default", default="yes")
    with writing(session):
        for one in session.scalars(select(Candidacy)):
            one.room = "Aula"
    for address in ("/monitor", f"/monitor?view={view}"):
        answer = office.invigilator.get(address)
        assert answer.status_code == 400, address
        assert "The view “My room” cannot be shown now" in unescape(answer.text)
        assert "It filters by “Room 1” (Room)" in unescape(answer.text)
        assert 'href="/monitor?view=all"' in answer.text
    assert count_of(got(office.invigilator, "/monitor?view=all")) == 5


def test_a_shared_view_of_a_test_that_is_over_for_them_is_none_of_theirs(office: Office, session: Session) -> None:
    view = office.saved(office.planner)
    press(office.planner, f"/monitor/views/{view}/share", test=str(office.test.id))
    assert office.invigilator.get(f"/monitor?view={view}").status_code == 302
    with writing(session):
        session.get_one(Test, office.test.id).closed_at = utcnow()
    assert office.invigilator.get(f"/monitor?view={view}").status_code == 403


def test_a_view_that_is_no_number_is_refused(office: Office) -> None:
    office.saved(office.invigilator)
    for value in ("0", "x", "1.5", "-1", "9" * 12, "٣", "", "1&view=2", "1&flag=yes", "1&page=2"):
        assert office.invigilator.get(f"/monitor?view={value}", headers=HTMX).status_code == 400, value
    assert office.invigilator.get("/monitor?view=999").status_code == 404


def test_r6_a_view_is_no_filter_elsewhere(office: Office) -> None:
    view = office.saved(office.invigilator)
    for address in ("/monitor.csv?", "/monitor/print?", "/messages/new?scope=filtered&"):
        assert office.invigilator.get(f"{address}view={view}").status_code == 400, address


def test_a_default_is_yes_or_no_and_a_test_to_share_in_a_number(office: Office) -> None:
    view = office.saved(office.planner)
    for fields in ({"default": "maybe"}, {}):
        assert press(office.planner, f"/monitor/views/{view}/default", **fields).status_code == 400, fields
    for test in ("x", "-1", "0", "9" * 30, "٣"):
        assert press(office.planner, f"/monitor/views/{view}/share", test=test).status_code == 400, test
