"""R16: receipts where the installation has them on, and none of it, nowhere, where it has not."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf, fields_of, open_dialog, post
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Delivery, Role, Test, User


@pytest.fixture
def receipts(app: Flask) -> None:
    object.__setattr__(app.config["SETTINGS"], "receipts", True)


class Rooms:
    """A test with two rooms and a message to all in it."""

    def __init__(self, app: Flask, hall: Hall) -> None:
        self.app, self.session, self.hall = app, hall.session, hall
        self.test = hall.test()
        seats = (("Aula", "2A", "Bo <b>Berg</b>"), ("Aula", "10A", "Åsa"), ("Attic", "", "Cyrus"), ("", "1", "Di"))
        self.people = [
            hall.candidacy(self.test, hall.person(name), room=room, seat=seat, number=f"N{place}").user_id
            for place, (room, seat, name) in enumerate(seats)
        ]
        self.chief = signed_in(app, hall.contributor(self.test, role=Role.CHIEF_INVIGILATOR))
        self.in_aula = signed_in(app, hall.contributor(self.test, room="Aula"))
        self.send("Please stay <i>seated</i>")

    def send(self, subject: str, **filter: object) -> int:
        sent = post(self.chief, open_dialog(self.chief, scope="filtered", **filter), subject=subject)
        return int(sent.headers["Location"].rpartition("/")[2])

    def candidate(self, place: int) -> FlaskClient:
        return signed_in(self.app, self.session.get_one(User, self.people[place]))

    def shows(self, place: int, *numbers: object) -> TestResponse:
        """What a page posts whose text is on the screen."""
        browser = self.candidate(place)
        data = {"message": list(numbers) or ["1"]}
        return browser.post("/inbox/shown", data=data, headers={**HTMX, "X-CSRFToken": csrf(browser)})

    def shown(self, place: int, number: int = 1) -> bool:
        self.session.rollback()
        return self.session.get_one(Delivery, (self.people[place], number)).shown_at is not None


@pytest.fixture
def rooms(app: Flask, hall: Hall) -> Rooms:
    return Rooms(app, hall)


def counts(client: FlaskClient, number: int = 1) -> tuple[int, int, int]:
    """(seen, closed, people) as the page of a message tells it, and the same as its refreshed part."""
    pages = [client.get(f"/messages/{number}").text, client.get(f"/messages/{number}/receipts").text]
    found = [re.search(r'data-seen="(\d+)" data-closed="(\d+)" data-persons="(\d+)"', page) for page in pages]
    assert found[0]
    assert found[1]
    assert found[0].groups() == found[1].groups()
    return tuple(map(int, found[0].groups()))  # type: ignore[return-value]


def unseen(page: str) -> list[str]:
    """The people whom a page names, with their places."""
    parts = re.findall(r'<li data-unseen="\d+">(.*?)</li>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", part).split()) for part in parts]


@pytest.mark.one_database
def test_off_nothing_is_stored_nothing_is_there(rooms: Rooms) -> None:
    """The default: no address, no script, no word, and `shown_at` stays empty, whatever candidates do."""
    one = rooms.candidate(0)
    assert rooms.shows(0).status_code == 404
    for path in ("/", "/inbox", f"/tests/{rooms.test.id}"):
        page = one.get(path).text
        assert "receipts" not in page
        assert "Senders can see" not in page
    one.post("/inbox/close", data={"message": "1", "csrf_token": csrf(one)}, headers={"Accept": "text/html"})
    assert not rooms.shown(0)
    assert "Seen by" not in rooms.chief.get("/messages/1").text
    for path in ("/messages/1/receipts", "/messages/1/walk-list"):
        assert rooms.chief.get(path).status_code == 404


def test_a_message_is_seen_once_and_its_reader_knows_that_it_is_told(receipts: None, rooms: Rooms) -> None:
    """The first of several tabs and devices counts. Nobody can tell it for others, nor of others' messages."""
    page = rooms.candidate(0).get("/").text
    assert 'data-receipts="/inbox/shown"' in page
    assert "js/receipts.js" in page
    assert page.count("Senders can see whether a message has been on your screen.") == 2
    second = rooms.send("To the attic", room="Attic")
    assert rooms.shows(0, 1, second, 999, 10**14).status_code == 204
    assert rooms.shown(0)
    first = rooms.session.get_one(Delivery, (rooms.people[0], 1)).shown_at
    assert not rooms.shown(2, second)
    assert rooms.shows(0).status_code == 204
    rooms.session.rollback()
    assert rooms.session.get_one(Delivery, (rooms.people[0], 1)).shown_at == first
    for bad in ("x", "", "-1", "10000000000000000"):
        assert rooms.shows(0, bad).status_code == 400
    assert counts(rooms.chief) == (1, 0, 4)
    assert counts(rooms.chief, second) == (0, 0, 1)


@pytest.mark.one_database
def test_who_opens_the_message_center_has_seen_all_of_it(receipts: None, rooms: Rooms) -> None:
    """The page of its own, which needs no JavaScript. A fragment may be for a tab that nobody looks at."""
    second = rooms.send("Once more")
    candidate = rooms.candidate(0)
    for path, headers in (("/inbox", HTMX), ("/inbox/new", HTMX), ("/", {}), (f"/tests/{rooms.test.id}", {})):
        assert candidate.get(path, headers=headers).status_code == 200
        assert not rooms.shown(0), path
    candidate.get("/inbox")
    assert rooms.shown(0)
    assert rooms.shown(0, second)
    assert not rooms.shown(1)


def test_closing_is_told_apart_from_seeing(receipts: None, rooms: Rooms) -> None:
    """Without JavaScript the text stands above the button; all at once may be closed unseen."""
    second = rooms.send("Once more")

    def closes(place: int, numbers: list[int], **headers: str) -> None:
        browser = rooms.candidate(place)
        browser.post("/inbox/close", data={"message": numbers, "csrf_token": csrf(browser)}, headers=headers)

    closes(0, [1], Accept="text/html")
    closes(1, [1, second], Accept="text/html")
    closes(2, [1], **HTMX)
    assert [rooms.shown(place) for place in range(4)] == [True, False, False, False]
    assert counts(rooms.chief) == (1, 3, 4)


@pytest.mark.one_database
def test_names_stand_by_room_and_seat_within_reach_only(receipts: None, rooms: Rooms) -> None:
    """R6: another room's people are neither named nor counted. Texts are escaped."""
    rooms.shows(3)
    with writing(rooms.session):
        over = update(Candidacy).where(Candidacy.user_id == rooms.people[2]).values(submitted_at=utcnow())
        rooms.session.execute(over)
    named = unseen(rooms.chief.get("/messages/1").text)
    assert named == [
        "Attic · Cyrus has submitted or was withdrawn", "Aula 2A · Bo &lt;b&gt;Berg&lt;/b&gt;", "Aula 10A · Åsa",
    ]  # fmt: skip
    assert counts(rooms.in_aula) == (0, 0, 2)
    assert len(unseen(rooms.in_aula.get("/messages/1").text)) == 2
    walk = rooms.chief.get("/messages/1/walk-list").text
    assert re.findall(r"data-tick=.*?<b class=\"walk-seat\" translate=\"no\">([^<]*)", walk) == ["–", "2A", "10A"]
    assert "Bo &lt;b&gt;Berg" in walk
    assert "Please stay &lt;i&gt;seated&lt;/i&gt;" in walk
    assert ">Di<" not in walk
    mine = rooms.in_aula.get("/messages/1/walk-list").text
    assert "Åsa" in mine
    assert "Cyrus" not in mine
    for place in (0, 1):
        rooms.shows(place)
    assert counts(rooms.in_aula) == (2, 0, 2)
    assert "Everybody within your reach" in rooms.in_aula.get("/messages/1/walk-list").text


@pytest.mark.one_database
def test_who_gets_no_receipts(app: Flask, hall: Hall, receipts: None, rooms: Rooms) -> None:
    """Candidates, strangers, staff of another room, and everybody for what is no message or is pruned."""
    elsewhere = signed_in(app, hall.contributor(rooms.test, room="Cellar"))
    stranger = signed_in(app, hall.contributor(hall.test("Law"), role=Role.PLANNER))
    admin = signed_in(app, hall.person(is_admin=True))
    for path in ("/messages/1/receipts", "/messages/1/walk-list"):
        for client in (elsewhere, stranger, rooms.candidate(0)):
            assert client.get(path).status_code == 404
        assert admin.get(path).status_code == 200
        assert "Message them again" not in admin.get(path).text
        for number in ("2", "0", "99999999999999999999999"):
            assert rooms.chief.get(path.replace("1", number, 1)).status_code == 404
    with writing(rooms.session):
        rooms.session.execute(update(Test).where(Test.id == rooms.test.id).values(closed_at=utcnow()))
    assert rooms.chief.get("/messages/1/walk-list").status_code == 404
    assert "Seen by" not in rooms.chief.get("/messages/1").text


def test_r5_a_person_with_two_candidacies_is_one(app: Flask, hall: Hall, receipts: None) -> None:
    """Named where they are to be found: at the test that goes on."""
    first, second = hall.test("Algebra"), hall.test("Law")
    person = hall.person("Åsa")
    hall.candidacy(first, person, room="Aula", submitted_at=utcnow() - timedelta(minutes=9))
    hall.candidacy(second, person, room="Lab", seat="7")
    other = hall.candidacy(first, hall.person("Bo"))
    chief = signed_in(app, hall.contributor(first, second, role=Role.CHIEF_INVIGILATOR))
    assert post(chief, open_dialog(chief, scope="filtered")).status_code == 201
    assert counts(chief) == (0, 0, 2)
    assert unseen(chief.get("/messages/1").text) == ["Lab 7 · Åsa", "Room 1 · Bo"]
    assert "Law" in chief.get("/messages/1/walk-list").text
    assert other


@pytest.mark.one_database
def test_r3_message_them_again(receipts: None, rooms: Rooms) -> None:
    """Those who have not seen it when the form is opened, picked: who sees it meanwhile gets it too."""
    rooms.shows(0)
    address = html.unescape(re.findall(r'href="([^"]*unseen=1[^"]*)"', rooms.chief.get("/messages/1").text)[0])
    sheet = rooms.chief.get(address)
    assert "To those who had not seen" in sheet.text
    form = fields_of(sheet)
    assert len(form.getlist("candidate")) == 3
    rooms.shows(1)
    assert post(rooms.chief, form, subject="").status_code == 422
    assert "Send to 3 people" in post(rooms.chief, form, subject="").text
    assert post(rooms.chief, form, subject="Again").status_code == 201
    rooms.session.rollback()
    got = rooms.session.scalars(select(Delivery.user_id).where(Delivery.message_id == 2))
    assert set(got) == set(rooms.people[1:])
    of_mine = rooms.in_aula.get(address)
    assert "Everybody has seen it by now" in of_mine.text
    assert of_mine.status_code == 422
    for bad in ("/messages/new?again=1&unseen=2", "/messages/new?unseen=1", "/messages/new?candidate=1&unseen=1"):
        assert rooms.chief.get(bad).status_code == 400
    assert rooms.chief.get("/messages/new?again=9&unseen=1").status_code == 404
    corrects = {"corrects": 1, "again": 1, "unseen": 1, "candidate": []}  # R6: it names nobody, and means not everybody
    assert post(rooms.chief, form, subject="For all", idempotency_key="another", **corrects).status_code == 400
    object.__setattr__(rooms.app.config["SETTINGS"], "receipts", False)
    assert rooms.chief.get(address).status_code == 400


@pytest.mark.one_database
def test_what_was_corrected_or_withdrawn(receipts: None, rooms: Rooms) -> None:
    """A correction closes what it corrects, and a withdrawal what it takes back: that says nothing of their readers."""
    form = fields_of(rooms.chief.get("/messages/new?corrects=1"))
    assert post(rooms.chief, form, subject="Rather so").status_code == 201
    page = rooms.chief.get("/messages/1").text
    assert "Seen by 0 of 4" in page
    assert "Closed by" not in page
    assert "Closed by 0" in rooms.chief.get("/messages/2").text
    withdrawn = rooms.chief.post("/messages/2/withdraw", data={"csrf_token": csrf(rooms.chief)})
    assert withdrawn.status_code == 303
    page = rooms.chief.get("/messages/2").text
    assert "Seen by 0 of 4" in page
    assert "Closed by" not in page
    assert "Walk list" not in page


@pytest.mark.one_database
def test_many_are_named_on_the_walk_list_alone(app: Flask, hall: Hall, receipts: None) -> None:
    test = hall.test()
    hall.candidacies(test, 61)
    chief = signed_in(app, hall.contributor(test))
    post(chief, open_dialog(chief, scope="filtered"))
    page = chief.get("/messages/1").text
    assert len(unseen(page)) == 60
    assert "The walk list has the others too." in page
    assert chief.get("/messages/1/walk-list").text.count("data-tick=") == 61
