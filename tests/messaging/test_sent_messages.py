"""R14: who reads what was sent. Messages that reached candidates in one's reach, and of the recipients only those."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.logbook.entries import write
from tests.messaging.compose_form import HTMX
from tests.messaging.sent_world import World
from webapp.clock import utcnow
from webapp.messaging.inbox import prune
from webapp.models import Candidacy, Message


@pytest.fixture
def world(app: Flask, session: Session, hall: Hall) -> World:
    return World(app, session, hall)


def recipients(page: str) -> tuple[list[str], int]:
    """The candidate IDs on a message's page, and how many people it says it went to besides."""
    hidden = re.search(r'data-hidden="(\d+)"', page)
    return re.findall(r'<td><bdi translate="no">([AB]-\d)</bdi>', page), int(hidden[1]) if hidden else 0


@pytest.mark.thorough
def test_everybody_reads_what_reached_their_candidates(world: World) -> None:
    """R14: with the recipients within reach, and how many there are besides; nobody else can tell that it is there."""
    everybody = (["A-1", "A-2", "B-1", "B-2"], 0)
    for who, of_aula, of_all, of_b in (
        ("invigilator", (["A-1"], 0), (["A-1", "A-2"], 1), None),
        ("in_attic", None, (["A-2"], 2), None),
        ("chief_of_both", (["A-1"], 0), everybody, (["B-1", "B-2"], 0)),
        ("planner", (["A-1"], 0), (["A-1", "A-2"], 1), None),
        ("stranger", None, None, None),
        ("admin", (["A-1"], 0), everybody, (["B-1", "B-2"], 0)),
    ):
        browser, found = world.browser(who), []
        for number in (world.to_aula, world.to_all, world.to_b):
            answer = browser.get(f"/messages/{number}")
            assert answer.status_code in (200, 404), who
            found.append(recipients(answer.text) if answer.status_code == 200 else None)
            assert "<b>" not in answer.text
        assert found == [of_aula, of_all, of_b], who
    assert world.browser("candidate").get(f"/messages/{world.to_all}").status_code == 403


@pytest.mark.one_database
def test_what_the_log_shows_stays_as_it_was(world: World) -> None:
    """R14 changes for messages alone: no other entry, no entry's page, and no list of the log."""
    browser = world.browser("invigilator")
    numbers = re.findall(r'data-entry="(\d+)"', browser.get("/log").text)
    assert numbers == [str(world.to_aula)]
    assert browser.get(f"/log/{world.to_all}").status_code == 404
    assert f"/log/{world.to_all}" not in browser.get(f"/messages/{world.to_all}").text
    assert f"/log/{world.to_aula}" in browser.get(f"/messages/{world.to_aula}").text
    flagged = write(world.session, select(Candidacy.id), action="candidate.flag", detail={}).id
    for who in ("invigilator", "chief_of_both", "admin"):
        assert world.browser(who).get(f"/messages/{flagged}").status_code == 404


@pytest.mark.one_database
def test_a_closed_test_takes_its_messages_out_of_sight(world: World) -> None:
    """R26: as the monitor does. Planners still see it, and everybody their own sendings."""
    world.close(world.a)
    read = {
        who: [world.browser(who).get(f"/messages/{number}").status_code for number in (world.to_aula, world.to_all)]
        for who in ("invigilator", "in_attic", "planner", "admin")
    }
    assert read == {"invigilator": [200, 404], "in_attic": [404, 404], "planner": [200, 200], "admin": [200, 200]}


def test_what_the_log_keeps_of_a_pruned_message_can_be_read(world: World) -> None:
    prune(world.session, utcnow() + timedelta(hours=1))
    assert world.session.get(Message, world.to_all) is None
    page = world.browser("invigilator").get(f"/messages/{world.to_all}").text
    assert "For &lt;b&gt;all&lt;/b&gt;" in page
    assert "Bitte\nRuhe" in page
    assert recipients(page) == (["A-1", "A-2"], 1)


@pytest.mark.one_database
def test_the_fragment_of_a_message_shows_no_more_than_its_page(world: World) -> None:
    """R24's sister for staff: headers change nothing."""
    for who, status in (("invigilator", 404), ("chief_of_both", 200)):
        assert world.browser(who).get(f"/messages/{world.to_b}", headers=HTMX).status_code == status
