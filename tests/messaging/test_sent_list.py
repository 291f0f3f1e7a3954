"""The list of what was sent: who sees what (R14), its filter in the address (R6, R18), a refresh that costs little."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.logbook.entries import write
from tests.messaging.compose_form import HTMX
from tests.messaging.sent_world import World
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.messaging import sent_list
from webapp.models import Candidacy, Contribution, Message


@pytest.fixture
def world(app: Flask, session: Session, hall: Hall) -> World:
    return World(app, session, hall)


def listed(client: FlaskClient, **query: Any) -> list[int]:
    answer = client.get("/messages", query_string=query)
    assert answer.status_code == 200, answer.text
    return [int(number) for number in re.findall(r'<li [^>]*data-message="(\d+)"', answer.text)]


def line(client: FlaskClient, number: int) -> str:
    """The words of a message's line."""
    page = client.get("/messages").text
    found = re.search(rf'<li [^>]*data-message="{number}".*?</li>', page, re.DOTALL)
    assert found
    return " ".join(unescape(re.sub(r"<[^>]*>", "", found[0])).split())


@pytest.mark.thorough
def test_everybody_finds_what_reached_their_candidates(world: World) -> None:
    """R14: newest first, and each of them can be opened."""
    for who, seen in {
        "invigilator": ["to_all", "to_aula"],
        "in_attic": ["to_all"],
        "chief_of_both": ["to_b", "to_all", "to_aula"],
        "planner": ["to_all", "to_aula"],
        "stranger": [],
        "admin": ["to_b", "to_all", "to_aula"],
    }.items():
        browser, numbers = world.browser(who), [getattr(world, name) for name in seen]
        assert listed(browser) == numbers, who
        assert [browser.get(f"/messages/{number}").status_code for number in numbers] == [200] * len(numbers), who
    assert world.browser("candidate").get("/messages").status_code == 403


@pytest.mark.one_database
def test_a_line_tells_text_sender_place_and_persons_within_reach(world: World) -> None:
    """R5: a person in two tests is one; R14: of people out of reach not even the number or the room."""
    invigilator, chief = world.browser("invigilator"), world.browser("chief_of_both")
    assert "Inga, Invigilator → to 1 person · Algebra · Aula" in line(invigilator, world.to_aula)
    assert "→ to 2 people · Algebra · 2 rooms" in line(invigilator, world.to_all)
    assert "→ to 3 people · 2 tests · 3 rooms" in line(chief, world.to_all)
    assert "→ to 1 person · Algebra · Attic" in line(world.browser("in_attic"), world.to_all)
    assert "For <b>all</b> Bitte Ruhe" in line(chief, world.to_all)


@pytest.mark.thorough
@pytest.mark.one_database
def test_the_address_filters_and_refuses_what_nobody_has(world: World) -> None:
    """R6, R18: never dropped, which would widen the list, and no way to learn what is out of sight."""
    chief, invigilator = world.browser("chief_of_both"), world.browser("invigilator")
    a, b, sender = world.a.id, world.b.id, world.invigilator.id
    for query, seen in (
        ({"test": b}, [world.to_b, world.to_all]),
        ({"room": "Attic"}, [world.to_all]),
        ({"test": a, "room": "Aula", "sender": sender}, [world.to_aula]),
        ({"test": b, "room": "Aula"}, []),
        ({"test": "", "room": "", "sender": ""}, [world.to_b, world.to_all, world.to_aula]),
        ({"page": 2}, []),
    ):
        assert listed(chief, **query) == seen, query
    for query in (
        {"test": b}, {"room": "Lab"}, {"sender": world.stranger.id}, {"test": 10**9}, {"test": "x"}, {"colour": "red"},
        {"page": 0}, {"page": "-1"}, {"sender": 10**12}, {"room": "aula"}, {"room": ["Aula", "Attic"]},
        {"room": "\0"}, {"room": "a\0b"},
    ):  # fmt: skip
        assert invigilator.get("/messages", query_string=query).status_code == 400, query
    assert listed(invigilator, sender=world.chief_of_both.id) == [world.to_all]


def test_rights_and_places_are_those_of_the_moment(world: World) -> None:
    """R26: a closed test's messages go from all but its planners; who moves takes no message along."""
    with writing(world.session):
        world.session.execute(update(Candidacy).where(Candidacy.number == "A-2").values(room="Aula"))
    assert listed(world.browser("in_attic")) == [world.to_all]
    world.close(world.a)
    assert listed(world.browser("in_attic")) == []
    assert "log" in world.browser("in_attic").get("/messages").text
    assert listed(world.browser("planner")) == [world.to_all, world.to_aula]
    assert listed(world.browser("chief_of_both")) == [world.to_b, world.to_all]
    assert listed(world.browser("admin"), test=world.a.id) == [world.to_all, world.to_aula]


@pytest.mark.one_database
def test_a_refresh_of_the_same_list_brings_nothing(world: World) -> None:
    """The tag changes with what is shown, and is another one for other rights, filters and pages."""
    browser = world.browser("invigilator")

    def refresh(tag: str, **query: Any) -> tuple[int, str]:
        answer = browser.get("/messages", query_string=query, headers={**HTMX, "HX-PTag": tag})
        assert "<html" not in answer.text
        assert (len(answer.data) == 0) is (answer.status_code == 304)
        return answer.status_code, answer.headers["HX-PTag"]

    status, first = refresh("")
    assert (status, refresh(first)) == (200, (304, first))
    assert {refresh(first, **query)[0] for query in ({"room": "Aula"}, {"page": 2}, {"test": world.a.id})} == {200}
    write(world.session, action="account.unlocked", detail={})
    status, tag = refresh(first)
    assert status == 304
    assert tag != first, "what has happened elsewhere is not looked at again"
    for change in ({"withdrawn_at": utcnow()}, {"corrects_id": world.to_aula}):
        with writing(world.session):
            world.session.execute(update(Message).where(Message.id == world.to_all).values(**change))
        write(world.session, action="message.withdrawn", detail={})
        status, tag = refresh(tag)
        assert (status, refresh(tag)[0]) == (200, 304)
    world.send(world.invigilator, "One more", room="Attic")
    status, tag = refresh(tag)
    assert status == 200
    with writing(world.session):
        world.session.execute(
            update(Contribution).where(Contribution.user_id == world.invigilator.id).values(room="Attic")
        )
    assert refresh(tag)[0] == 200


@pytest.mark.one_database
def test_marks_say_what_has_become_of_a_message(world: World) -> None:
    for number, values in (
        (world.to_aula, {"level": "important"}),
        (world.to_all, {"withdrawn_at": utcnow()}),
        (world.to_b, {"corrects_id": world.to_aula}),
    ):
        with writing(world.session):
            world.session.execute(update(Message).where(Message.id == number).values(**values))
    browser = world.browser("chief_of_both")
    assert re.search(r"Important.*Corrected \d\d:\d\d", line(browser, world.to_aula))
    assert "Withdrawn" in line(browser, world.to_all)
    for words in ("Important", "Withdrawn", "Corrected"):
        assert words not in line(browser, world.to_b)
        assert (words in browser.get(f"/messages/{world.to_aula}").text) is (words != "Withdrawn")


def test_pages_lose_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty to a page; here two, and the filter comes along."""
    assert sent_list.PAGE_SIZE == 50
    monkeypatch.setattr(sent_list, "PAGE_SIZE", 2)
    numbers = [world.to_aula, world.to_all]
    numbers += [world.send(world.chief_of_both, f"Number {number}", room="Aula") for number in range(3)]
    browser, address, found = world.browser("planner"), "/messages?room=Aula", []
    while address:
        page = browser.get(address).text
        found.append([int(number) for number in re.findall(r'<li [^>]*data-message="(\d+)"', page)])
        older = re.search(r'rel="next" href="([^"]*)"', page)
        address = unescape(older[1]) if older else ""
    assert found == [numbers[:2:-1], numbers[2:0:-1], numbers[:1]]
    newer = re.search(r'rel="prev" href="([^"]*)"', browser.get("/messages?room=Aula&page=2").text)
    assert newer
    assert newer[1] == "/messages?room=Aula"


def offered(client: FlaskClient, number: int) -> list[str]:
    """What a message's line leads to, besides the message."""
    page = client.get("/messages").text
    found = re.search(rf'<li [^>]*data-message="{number}".*?</li>', page, re.DOTALL)
    assert found
    return re.findall(rf'href="/messages/new\?(\w+)={number}"', found[0])


@pytest.mark.one_database
def test_a_line_offers_what_its_reader_may_do(world: World) -> None:
    """Nobody corrects what their chief says, or what was taken back; administrators write to nobody; what is offered
    can be opened, and a closed test offers nothing (R26)."""
    both = ["again", "corrects"]
    invigilator, chief = world.browser("invigilator"), world.browser("chief_of_both")
    assert (offered(invigilator, world.to_aula), offered(invigilator, world.to_all)) == (both, ["again"])
    assert (offered(chief, world.to_aula), offered(chief, world.to_all)) == (both, both)
    assert offered(world.browser("admin"), world.to_all) == []
    for client, kind, number in ((invigilator, "again", world.to_all), (chief, "corrects", world.to_aula)):
        assert client.get(f"/messages/new?{kind}={number}").status_code == 200
    with writing(world.session):
        withdrawn = update(Message).where(Message.id == world.to_all).values(withdrawn_at=utcnow())
        world.session.execute(withdrawn)
    assert offered(chief, world.to_all) == ["again"]
    planner = world.browser("planner")
    tag = planner.get("/messages", headers=HTMX).headers["HX-PTag"]
    assert offered(planner, world.to_aula) == both
    world.close(world.a)
    write(world.session, action="test.closed", detail={})
    assert offered(planner, world.to_aula) == []
    assert planner.get("/messages", headers={**HTMX, "HX-PTag": tag}).status_code == 200
