"""Quick texts over HTTP: who keeps and uses which, what is refused with the text kept, and how one begins a message."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.hall import Hall
from tests.messaging.compose_form import csrf, fields_of, open_dialog, post, reopen
from tests.messaging.sent_world import World
from webapp.db.transactions import writing
from webapp.messaging.quick_texts import MOST_TEXTS
from webapp.models import Message, QuickText

CHIP = re.compile(r'name="quick_text" value="(\d+)".*?data-subject="([^"]*)" data-body="([^"]*)"', re.DOTALL)


@pytest.fixture
def world(app: Flask, session: Session, hall: Hall) -> World:
    return World(app, session, hall)


def press(client: FlaskClient, address: str, **fields: Any) -> TestResponse:
    return client.post(address, data={"csrf_token": csrf(client), **fields})


def add(client: FlaskClient, subject: str, body: str = "Zeile\nzwei", **fields: Any) -> TestResponse:
    return press(client, "/quick-texts", subject=subject, body=body, **fields)


def kept(world: World) -> dict[str, QuickText]:
    world.session.rollback()
    return {text.subject: text for text in world.session.scalars(select(QuickText))}


def chips(html: str) -> list[tuple[int, str, str]]:
    return [(int(number), unescape(subject), unescape(body)) for number, subject, body in CHIP.findall(html)]


def test_each_has_own_ones_and_those_of_the_tests_that_they_write_to(world: World) -> None:
    """Own ones stand first. Only planners write a test's, only staff of the test see them, and nobody others' own."""
    planner, invigilator, stranger = (world.browser(who) for who in ("planner", "invigilator", "stranger"))
    assert add(planner, "Fire <drill>", test=str(world.a.id)).status_code == 303
    assert add(invigilator, "Room 10").status_code == add(invigilator, "Room 2").status_code == 303
    assert add(stranger, "Of a stranger").status_code == 303
    for client, status in ((invigilator, 403), (stranger, 404)):
        assert add(client, "Not theirs", test=str(world.a.id)).status_code == status
    texts = kept(world)
    assert set(texts) == {"Fire <drill>", "Room 10", "Room 2", "Of a stranger"}
    listed = invigilator.get("/quick-texts").text
    assert "Fire &lt;drill&gt;" in listed
    assert "Of a stranger" not in listed
    assert f"/quick-texts/{texts['Room 2'].id}" in listed
    assert f"/quick-texts/{texts['Fire <drill>'].id}" not in listed
    shown = chips(invigilator.get("/messages/new?scope=filtered").text)
    assert [(subject, body) for _, subject, body in shown] == [
        (subject, "Zeile\nzwei") for subject in ("Room 2", "Room 10", "Fire <drill>")
    ]
    assert chips(world.browser("chief_of_both").get(f"/messages/new?scope=filtered&test={world.b.id}").text) == []
    own, of_test = (f"/quick-texts/{texts[name].id}" for name in ("Room 2", "Fire <drill>"))
    for client, address, status in ((planner, own, 404), (stranger, of_test, 404), (invigilator, of_test, 403)):
        assert client.get(address).status_code == status
        assert press(client, address, subject="Taken", body="over").status_code == status
        assert press(client, f"{address}/delete").status_code == status
    assert press(planner, of_test, subject="Fire", body="Leave", test="").status_code == 303
    assert press(invigilator, f"{own}/delete").status_code == 303
    assert set(kept(world)) == {"Fire", "Room 10", "Of a stranger"}
    assert kept(world)["Fire"].test_id == world.a.id
    world.close(world.a)
    assert press(planner, of_test, subject="Late", body="Late").status_code in (403, 404)
    assert set(kept(world)) == {"Fire", "Room 10", "Of a stranger"}


@pytest.mark.thorough
@pytest.mark.one_database
def test_what_no_message_may_be_is_no_quick_text_either(world: World) -> None:
    """R7: refused beside the field, with the text kept, when it is added and when it is changed."""
    planner = world.browser("planner")
    add(planner, "Kept", test=str(world.a.id))
    for subject, body, words in (
        ("s" * 121, "b", "too long: at most 120"),
        ("s", "b" * 4001, "too long: at most 4,000"),
        (" ", "b", "write a subject"),
        ("s", "\u3164", "write a message"),
        ("one\ntwo", "b", "on one line"),
        ("s", "a\0b", "Character 2 of the message"),
    ):
        for address in ("/quick-texts", f"/quick-texts/{kept(world)['Kept'].id}"):
            refused = press(planner, address, subject=subject, body=body, test=str(world.a.id))
            assert refused.status_code == 422, words
            assert words in refused.text
            assert 'aria-invalid="true"' in refused.text
            assert re.search(rf">\n{re.escape(body)}</textarea>", refused.text) or "\0" in body
            assert f'value="{subject}"' in refused.text
    assert set(kept(world)) == {"Kept"}


@pytest.mark.one_database
def test_bad_fields_and_too_many_are_refused(world: World) -> None:
    planner = world.browser("planner")
    for fields in ({"locale": "xx"}, {"test": "A"}, {"test": "9" * 12}):
        assert add(planner, "S", **fields).status_code == 400, fields
    assert planner.get("/quick-texts?message=one").status_code == 400
    assert planner.get("/quick-texts?message=987654").status_code == 404
    with writing(world.session):
        for owner in ({"user_id": world.planner.id}, {"test_id": world.a.id}):
            world.session.add_all(
                QuickText(subject=f"Text {n}", body="b", locale="en", **owner) for n in range(MOST_TEXTS)
            )
    for test in ("", str(world.a.id)):
        refused = add(planner, "One more", test=test)
        assert refused.status_code == 422
        assert "Delete one, then save again" in refused.text
        assert 'value="One more"' in refused.text
    assert "One more" not in kept(world)


@pytest.mark.one_database
def test_a_sent_message_becomes_a_quick_text_for_those_who_may_read_it(world: World) -> None:
    chief, stranger = world.browser("chief_of_both"), world.browser("stranger")
    address = re.search(r'href="(/quick-texts\?message=\d+)#new"', chief.get(f"/messages/{world.to_all}").text)
    assert address
    form = chief.get(address[1]).text
    assert 'value="For &lt;b&gt;all&lt;/b&gt;"' in form
    assert ">\nBitte\nRuhe</textarea>" in form
    assert stranger.get(address[1]).status_code == 404


@pytest.mark.thorough
@pytest.mark.one_database
def test_a_quick_text_begins_a_message_without_a_script(world: World) -> None:
    """R23: what was typed comes along, however many quick texts take its place, and can be brought back."""
    invigilator = world.browser("invigilator")
    for subject in ("First", "Second"):
        add(invigilator, subject)
    first, second = kept(world)["First"].id, kept(world)["Second"].id
    form = open_dialog(invigilator, scope="filtered")
    begun = reopen(invigilator, **form, subject="", body='My "own"\r\ntext', quick_text=str(first))
    assert begun.status_code == 200
    assert ">\nZeile\nzwei</textarea>" in begun.text
    assert f'name="quick_text" value="{first}"' in begun.text
    assert begun.text.count('aria-pressed="true"') == 1
    fields = fields_of(begun)
    assert fields.getlist("typed_body") == ['My "own"\ntext']
    edited = reopen(invigilator, **fields.to_dict(flat=False), subject="First!", body="Zeile", quick_text=str(second))
    again = fields_of(edited)
    assert again.getlist("typed_subject") == ["", "First!"]
    unchanged = reopen(
        invigilator, **again.to_dict(flat=False), subject="Second", body="Zeile\r\nzwei", quick_text=str(first)
    )
    again = fields_of(unchanged)
    assert again.getlist("typed_subject") == ["", "First!"]
    refused = post(invigilator, again, subject="")
    assert refused.status_code == 422
    assert fields_of(refused).getlist("typed_subject") == ["", "First!"]
    back = reopen(invigilator, **again.to_dict(flat=False), subject="First", body="Zeile\nzwei", quick_text="undo")
    assert 'value="First!"' in back.text
    last = reopen(invigilator, **fields_of(back).to_dict(flat=False), quick_text="undo")
    assert ">\nMy &#34;own&#34;\ntext</textarea>" in last.text
    assert fields_of(last).getlist("typed_body") == []
    sent = post(invigilator, fields_of(begun), subject="First", body="Zeile\nzwei")
    assert sent.status_code == 201
    number = int(sent.headers["Location"].rpartition("/")[2])
    world.session.rollback()
    assert world.session.get_one(Message, number).body == "Zeile\nzwei"


@pytest.mark.one_database
def test_a_quick_text_that_is_not_theirs_is_refused_with_the_text_kept(world: World) -> None:
    add(world.browser("stranger"), "Secret")
    secret = kept(world)["Secret"].id
    invigilator = world.browser("invigilator")
    form = open_dialog(invigilator, scope="filtered")
    for value in (str(secret), "987654", "x", "undo", "9" * 14):
        for headers in ({}, {"HX-Request": "true"}):
            data = {**form, "csrf_token": csrf(invigilator), "body": "What I typed", "quick_text": value}
            refused = invigilator.post("/messages/new", data=data, headers=headers)
            assert refused.status_code == 400, value
            assert "Secret" not in refused.text
            assert headers or "What I typed" in refused.text


@pytest.mark.only_on("postgresql")
def test_who_changes_one_that_is_just_being_deleted_finds_it_gone(world: World) -> None:
    """On SQLite one writes after the other anyway."""
    planner = world.browser("planner")
    assert add(planner, "Water").status_code == 303
    number = kept(world)["Water"].id
    fields = {"csrf_token": csrf(planner), "subject": "Juice", "body": "At the back."}
    with ThreadPoolExecutor(1) as pool:
        with writing(world.session):
            world.session.execute(delete(QuickText))
            change = pool.submit(planner.post, f"/quick-texts/{number}", data=fields)
            time.sleep(0.3)
        assert change.result().status_code == 404
