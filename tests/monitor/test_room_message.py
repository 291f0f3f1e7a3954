"""The message that a hall display shows: the latest one to everybody who was there, as it stands by now (R30)."""

from __future__ import annotations

import re
import time

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.actions.action_form import at_once
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog, post
from tests.monitor.test_display import display
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Message, Role


@pytest.mark.thorough
def test_the_latest_message_to_the_whole_room(app: Flask, hall: Hall, session: Session) -> None:
    """It reached everybody who was then in progress or waiting there; never one to a few of them."""
    test = hall.test()
    present = [one.id for one in hall.candidacies(test, 6)]
    waiting = hall.candidacy(test, started_at=None)
    hall.candidacy(test, started_at=None, entered_at=None)
    elsewhere = [one.id for one in hall.candidacies(test, 5, room="Room 2")]
    client = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    query = f"test={test.id}&room=Room+1"

    def sent(subject: str, **selection: object) -> None:
        assert post(client, open_dialog(client, **selection), subject=subject).status_code == 201

    assert "Message to all" not in display(client, query)
    sent("Everyone", scope="filtered", test=test.id)
    assert re.search(r"Message to all · \d\d:\d\d Everyone Ten more minutes\.$", display(client, query))
    sent("Only Room 2", scope="filtered", room="Room 2")
    sent("Those who write", scope="filtered", room="Room 1", progress="in_progress")
    sent("One of them", candidate=present[0])
    sent("All but one", candidate=[*present[1:], waiting.id])
    assert "Everyone" in display(client, query)
    assert "Only Room 2" in display(client, f"test={test.id}&room=Room+2")
    sent("Picked, all of them", candidate=[*present, waiting.id])
    assert "Picked, all of them" in display(client, query)
    # by now all but one have submitted: what is said to the last one is private, what is said to the room is not
    with writing(session):
        session.execute(
            update(Candidacy).where(Candidacy.id.in_([*present[1:], waiting.id])).values(submitted_at=utcnow())
        )
    sent("You alone", candidate=present[0])
    sent("Still you", scope="filtered", q=session.get_one(Candidacy, present[0]).number)
    assert "Picked, all of them" in display(client, query)
    sent("To who is left", scope="filtered", room="Room 1", state="offline")
    assert "To who is left" in display(client, query)
    assert "To who is left" not in display(client, f"test={test.id}&room=Room+2")
    assert elsewhere


def test_r30_a_correction_stands_in_its_place_and_what_is_withdrawn_is_gone(
    app: Flask, hall: Hall, session: Session
) -> None:
    test = hall.test()
    ids = [one.id for one in hall.candidacies(test, 6)]
    client, query = signed_in(app, hall.contributor(test)), f"test={test.id}"
    for subject in ("First", "Ten minutes", "Fifteen minutes", "Twelve minutes"):
        assert post(client, open_dialog(client, candidate=ids), subject=subject).status_code == 201
    assert post(client, open_dialog(client, candidate=ids[0]), subject="Not for you").status_code == 201

    def changed(number: int, **fields: object) -> str:
        with writing(session):
            session.execute(update(Message).where(Message.id == number).values(**fields))
        return display(client, query)

    assert "Message to all · " in changed(3, corrects_id=2)
    twelve = changed(4, corrects_id=3)
    assert "Corrected message to all · " in twelve
    assert "Twelve minutes" in twelve
    # a part of them has another text by now: none of both is true for all
    assert "First" in changed(5, corrects_id=4)
    assert "Twelve minutes" in changed(5, corrects_id=None)
    assert "First" in changed(4, withdrawn_at=utcnow())
    assert "Message to all" not in changed(1, withdrawn_at=utcnow())


def test_who_came_from_another_room_does_not_take_it_away(app: Flask, hall: Hall, session: Session) -> None:
    test = hall.test()
    ids = [one.id for one in hall.candidacies(test, 6)]
    guest = hall.candidacy(test, room="Room 2")
    hall.candidacy(test, room="Room 2")
    client, query = signed_in(app, hall.contributor(test, role=Role.PLANNER)), f"test={test.id}&room=Room+1"
    assert post(client, open_dialog(client, scope="filtered", room="Room 1"), subject="Quiet").status_code == 201
    assert post(client, open_dialog(client, candidate=ids[1:]), subject="All but one").status_code == 201
    for place, (who, seat) in enumerate(((guest.id, "9"), (ids[0], "10"))):
        fields = {"candidate": str(who), "room": "Room 1", "seat": seat, "idempotency_key": f"move-{place}"}
        assert at_once(client, "room", **fields).status_code == 201
    said = display(client, query)
    assert "7 candidates" in said
    assert "Quiet" in said  # a seat changed in the same room makes nobody a guest


@pytest.mark.thorough
@pytest.mark.one_database("postgresql")
def test_a_hall_of_1500_has_its_display_at_once(app: Flask, hall: Hall) -> None:
    """Also on a PostgreSQL that has no statistics yet: one statement for all of it took two seconds and a half."""
    test = hall.test()
    hall.candidacies(test, 1500)
    client = signed_in(app, hall.contributor(test))
    for subject in ("First", "Second", "Third"):
        post(client, open_dialog(client, scope="filtered"), subject=subject)
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        assert "Third" in display(client, f"test={test.id}")
        took.append(time.perf_counter() - begin)
    assert min(took) < 0.5
