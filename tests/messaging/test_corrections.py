"""The same people again, and corrections (R30)."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf, fields_of, open_dialog, post
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.messaging.inbox import prune
from webapp.models import Delivery, LogEntry, Message, Role, User
from webapp.planning.closing import set_closed

TITLE = re.compile(r'id="compose-title"[^>]*>([^<]*)<')


def send(by: FlaskClient, **form: object) -> TestResponse:
    """Post a form that was not shown before, as HTMX does."""
    return by.post("/messages", data=form, headers={**HTMX, "X-CSRFToken": csrf(by)})


class Reached:
    """A chief's message to Ada in Room 1 and Bob in Room 2 of one test, and to Cleo in another one."""

    def __init__(self, app: Flask, hall: Hall) -> None:
        self.app, self.hall = app, hall
        self.algebra, self.law = hall.test("Algebra"), hall.test("Law")
        names = (("Ada", self.algebra, "Room 1"), ("Bob", self.algebra, "Room 2"), ("Cleo", self.law, "Room 1"))
        self.people = {name: hall.candidacy(test, hall.person(name), room=room) for name, test, room in names}
        self.chief = signed_in(app, hall.contributor(self.algebra, self.law, role=Role.CHIEF_INVIGILATOR))
        self.first = self.send(self.chief, subject="Break at 10", body="Ten minutes.")

    def send(self, by: FlaskClient, *names: str, **fields: str) -> int:
        """Send to these people, or to all; gives the number."""
        ids = [self.people[name].id for name in names or self.people]
        answer = post(by, open_dialog(by, candidate=ids), **fields)
        assert answer.status_code == 201, answer.text
        return int(answer.headers["Location"].rsplit("/", 1)[1])

    def correct(self, number: int, by: FlaskClient | None = None, *names: str, **fields: object) -> int:
        """Correct a message for these people, or for all; gives the number."""
        by = by or self.chief
        form = {"corrects": number, "idempotency_key": f"key-{number}-{len(names)}-{len(str(fields))}", **fields}
        form["candidate"] = [str(self.people[name].id) for name in names]
        answer = send(by, **{"subject": "Break at 11", "body": "Sorry.", **form})
        assert answer.status_code == 201, answer.text
        return int(answer.headers["Location"].rsplit("/", 1)[1])

    def browser(self, name: str) -> FlaskClient:
        """A candidate's browser."""
        return signed_in(self.app, self.hall.session.get_one(User, self.people[name].user_id))

    def open_of(self, name: str) -> list[str]:
        """The numbers of a candidate's open notices."""
        return re.findall(r'data-notice="(\d+)"', self.browser(name).get("/inbox/new", headers=HTMX).text)


@pytest.fixture
def group(app: Flask, hall: Hall) -> Reached:
    return Reached(app, hall)


@pytest.mark.one_database
def test_r30_the_same_people_once_more_as_far_as_they_are_within_reach(
    app: Flask, hall: Hall, group: Reached, session: Session
) -> None:
    """Of those who got the first: all, or those in the own room; the sheet says how many not, and why."""
    form = open_dialog(group.chief, again=group.first)
    assert sorted(map(int, form.getlist("candidate"))) == sorted(one.id for one in group.people.values())
    room = signed_in(app, hall.contributor(group.algebra, room="Room 2"))
    page = room.get("/messages/new", query_string={"again": group.first}).text
    assert TITLE.findall(page) == ["Follow up"]
    assert "2 people cannot be reached any more" in page
    assert "2 outside your tests or rooms" in page
    assert fields_of(room.get(f"/messages/new?again={group.first}")).getlist("candidate") == [
        str(group.people["Bob"].id)
    ]
    set_closed(session, "Law", group.law.start_date, closed=True, now=utcnow())
    answer = group.chief.get(f"/messages/new?again={group.first}", headers=HTMX)
    assert "1 person cannot be reached any more" in answer.text
    assert "1 in a closed test" in answer.text
    follow_up = post(group.chief, fields_of(answer), subject="And one more thing")
    assert follow_up.status_code == 201
    number = int(follow_up.headers["Location"].rsplit("/", 1)[1])
    session.rollback()
    reached = set(session.scalars(select(Delivery.user_id).where(Delivery.message_id == number)))
    assert reached == {group.people[name].user_id for name in ("Ada", "Bob")}
    assert session.get_one(Message, number).corrects_id is None


@pytest.mark.one_database
def test_r30_only_who_may_read_a_message_writes_to_its_people_again(app: Flask, hall: Hall, group: Reached) -> None:
    """R6, R14: elsewhere it does not exist."""
    private = group.send(group.chief, "Ada")
    elsewhere = signed_in(app, hall.contributor(group.algebra, room="Room 2"))
    for name in ("again", "corrects"):
        assert elsewhere.get(f"/messages/new?{name}={private}").status_code == 404
        assert elsewhere.get(f"/messages/new?{name}=99").status_code == 404
        assert elsewhere.get(f"/messages/new?{name}={9 * 10**14}").status_code == 404
        assert elsewhere.get(f"/messages/new?{name}=x").status_code == 400
        assert group.browser("Ada").get(f"/messages/new?{name}={private}").status_code == 403
    form = {"subject": "S", "body": "B", "idempotency_key": "k", "corrects": private}
    assert send(elsewhere, **form).status_code == 404


@pytest.mark.one_database
def test_r30_a_correction_is_shown_with_what_it_corrects(group: Reached, session: Session) -> None:
    """As notice and in the message center; who had closed the first gets it too, who is not reached keeps the first."""
    bob = group.browser("Bob")
    assert bob.post("/inbox/close", data={"message": group.first, "csrf_token": csrf(bob)}).status_code == 204
    sheet = group.chief.get(f"/messages/new?corrects={group.first}", headers=HTMX).text
    assert TITLE.findall(sheet) == ["Correct"]
    assert 'value="Break at 10"' in sheet
    assert "struck out under this one" in sheet
    second = group.correct(group.first, None, "Ada", "Bob")
    assert {name: group.open_of(name) for name in group.people} == {
        "Ada": [str(second)],
        "Bob": [str(second)],
        "Cleo": [str(group.first)],
    }
    notice = group.browser("Ada").get("/inbox/new", headers=HTMX).text
    assert f'data-corrects="{group.first}"' in notice
    assert re.search(r"Corrected <time[^>]*>\d\d:\d\d<", notice)
    assert "<s>Break at 10</s>" in notice
    assert "<s>Ten minutes.</s>" in notice
    center = bob.get("/inbox").text
    main = center[center.index('id="inbox"') :]
    assert re.findall(r'data-message="(\d+)"( data-corrected)?', main) == [
        (str(second), ""),
        (str(group.first), " data-corrected"),
    ]
    assert "<s>" not in group.browser("Cleo").get("/inbox").text
    session.rollback()
    entry = session.get_one(LogEntry, second)
    assert json.loads(entry.detail)["corrects"] == group.first
    assert f'href="/log/{group.first}"' in group.chief.get(f"/log/{second}").text


def test_r30_a_correction_of_a_corrected_message_joins_the_newest_that_all_have(
    group: Reached, session: Session
) -> None:
    """Nobody is shown a text struck out that was for others; for each person their newest stands."""
    second = group.correct(group.first)
    third = group.correct(group.first, body="Once more")
    session.rollback()
    assert session.get_one(Message, third).corrects_id == second
    adas = group.correct(third, None, "Ada", body="For Ada alone")
    last = group.correct(third, body="For all")
    session.rollback()
    assert session.get_one(Message, adas).corrects_id == session.get_one(Message, last).corrects_id == third
    assert {tuple(group.open_of(name)) for name in group.people} == {(str(last),)}
    center = group.browser("Ada").get("/inbox").text
    assert re.findall(r'data-message="(\d+)"', center[center.index('id="inbox"') :]) == [
        str(number) for number in (last, adas, third, second, group.first)
    ]
    assert "For Ada alone" not in group.browser("Bob").get("/inbox").text
    with writing(session):
        session.get_one(Message, group.first).sent_at = utcnow().replace(year=2020)
    assert prune(session, utcnow().replace(year=2021)) == 1
    assert str(second) in group.browser("Ada").get("/inbox").text


@pytest.mark.one_database
def test_r30_bad_corrections_are_refused(app: Flask, hall: Hall, group: Reached, session: Session) -> None:
    other = hall.candidacy(group.algebra)
    form = {"subject": "S", "body": "B", "idempotency_key": "k", "corrects": group.first}

    def status(by: FlaskClient = group.chief, **changes: object) -> int:
        return send(by, **{**form, **changes}).status_code

    assert status(candidate=other.id) == 400  # has not got the first
    assert status(scope="filtered") == 400
    assert status(corrects="1;2") == 400
    assert status(when="later") == 400
    assert status(body="") == 422
    invigilator = signed_in(app, hall.contributor(group.algebra))
    assert status(by=invigilator) == 403  # nobody strikes out what their chief says
    own = group.send(invigilator, "Ada")
    assert status(by=invigilator, corrects=own) == 201
    assert status(by=group.chief, corrects=own, idempotency_key="another") == 201
    for test in (group.algebra, group.law):
        set_closed(session, test.title, test.start_date, closed=True, now=utcnow())
    assert status(idempotency_key="closed") == 403


def test_r2_the_same_correction_twice_is_sent_once(group: Reached) -> None:
    assert group.correct(group.first) == group.correct(group.first)
    form = {"subject": "Break at 11", "body": "Sorry.", "candidate": group.people["Ada"].id}
    key = f"key-{group.first}-0-{len('{}')}"
    answer = send(group.chief, **form, idempotency_key=key)
    assert answer.status_code == 409  # the same key without what it corrects is other content
