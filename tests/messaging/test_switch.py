"""The dialog's switch: everyone in the list, or those of them who are still writing (R3, R17, R27)."""

from __future__ import annotations

from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, fields_in, open_dialog, post, reopen
from tests.messaging.test_preview import SWITCH, switch_of, words_of
from tests.statements import statements
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Delivery, Test, User

STILL_WRITING = ["offline", "idle", "paused", "writing"]


@pytest.fixture
def room(hall: Hall, test: Test) -> dict[str, Candidacy]:
    """One of each state in the Aula, and somebody who writes in another room."""
    now = utcnow()
    fields: dict[str, dict[str, object]] = {
        "writing": {"saved_at": now}, "idle": {}, "offline": {}, "paused": {"paused_at": now},
        "submitted": {"submitted_at": now}, "not_arrived": {"started_at": None, "entered_at": None},
        "waiting": {"started_at": None}, "withdrawn": {"withdrawn_at": now},
    }  # fmt: skip
    people = {state: hall.candidacy(test, hall.person(state), room="Aula", **given) for state, given in fields.items()}
    for state in ("writing", "idle"):
        hall.seen(people[state].user_id)
    hall.candidacy(test, room="Annex")
    return people


def dialog(browser: FlaskClient, **selection: object) -> str:
    return browser.get("/messages/new", query_string=selection, headers=HTMX).text


def address_of(html: str, words: str) -> str:
    """Where one of the two leads."""
    return next(unescape(address) for address, _, text in SWITCH.findall(html) if words in text)


def reached(session: Session) -> set[int]:
    session.rollback()
    return set(session.scalars(select(Delivery.user_id)))


@pytest.mark.one_database
def test_everyone_is_the_default_and_a_press_narrows_to_those_who_write(
    browser: FlaskClient, room: dict[str, Candidacy], session: Session
) -> None:
    """There and back with the text; what the switch says is who gets it."""
    everyone = dialog(browser, scope="filtered", room="Aula")
    assert switch_of(everyone) == [("Everyone in the list 8", True), ("Still writing 4", False)]
    assert fields_in(everyone).getlist("state") == []
    part = reopen(browser, address_of(everyone, "Still writing"), subject="Quiet", body="Please.", room="Aula").text
    assert switch_of(part) == [("Everyone in the list 8", False), ("Still writing 4", True)]
    assert 'value="Quiet"' in part
    words = words_of(part)
    assert "To 4 people" in words
    assert "Room: Aula" in words
    assert "State:" not in words
    assert "left out: 1 waiting to start, 1 not arrived, 1 submitted, 1 withdrawn" in words
    back = reopen(browser, address_of(part, "Everyone"), subject="Quiet", body="Please.", list_state="any").text
    assert switch_of(back) == switch_of(everyone)
    form = fields_in(part)
    assert form.getlist("state") == STILL_WRITING
    assert post(browser, form).status_code == 201
    assert reached(session) == {room[state].user_id for state in STILL_WRITING}


@pytest.mark.one_database
def test_a_list_of_states_comes_back_whole(browser: FlaskClient, room: dict[str, Candidacy]) -> None:
    chosen = {"scope": "filtered", "room": "Aula", "state": ["offline", "submitted"]}
    everyone = dialog(browser, **chosen)
    assert switch_of(everyone) == [("Everyone in the list 2", True), ("Still writing 1", False)]
    part = reopen(browser, address_of(everyone, "Still writing")).text
    assert fields_in(part).getlist("state") == ["offline"]
    back = reopen(browser, address_of(part, "Everyone")).text
    assert fields_in(back).getlist("state") == ["offline", "submitted"]


def test_the_filter_is_shown_as_it_is_where_it_is_no_part_of_the_list(
    browser: FlaskClient, room: dict[str, Candidacy]
) -> None:
    """An address that names another list does not hide that the dialog is for those who have submitted."""
    html = dialog(browser, scope="filtered", room="Aula", state="submitted", list_state="any")
    assert "State: Submitted" in words_of(html)
    assert "To 1 person" in words_of(html)
    assert switch_of(html) == []


@pytest.mark.one_database
@pytest.mark.parametrize("states", [["writing"], ["submitted", "withdrawn"], ["writing", "offline"]], ids=str)
def test_there_is_no_switch_where_both_are_the_same(
    browser: FlaskClient, room: dict[str, Candidacy], states: list[str]
) -> None:
    assert switch_of(dialog(browser, scope="filtered", state=states)) == []


@pytest.mark.one_database
def test_nor_for_picked_candidates(browser: FlaskClient, room: dict[str, Candidacy]) -> None:
    html = dialog(browser, candidate=[one.id for one in room.values()])
    assert "To 8 people" in words_of(html)
    assert switch_of(html) == []


def test_r3_who_has_submitted_meanwhile_leaves_the_part(
    browser: FlaskClient, room: dict[str, Candidacy], session: Session
) -> None:
    """409, nothing sent; the next press reaches those who still write, and the switch is still there."""
    everyone = dialog(browser, scope="filtered", room="Aula")
    form = fields_in(reopen(browser, address_of(everyone, "Still writing")).text)
    with writing(session):
        session.get_one(Candidacy, room["idle"].id).submitted_at = utcnow()
    refused = post(browser, form)
    assert refused.status_code == 409
    assert reached(session) == set()
    assert switch_of(refused.text) == [("Everyone in the list 8", False), ("Still writing 3", True)]
    assert post(browser, fields_in(refused.text)).status_code == 201
    assert reached(session) == {room[state].user_id for state in ("writing", "offline", "paused")}


@pytest.mark.thorough
@pytest.mark.one_database
def test_r4_too_many_may_be_few_who_still_write(app: Flask, hall: Hall, test: Test) -> None:
    browser = signed_in(app, hall.contributor(test))
    hall.candidacies(test, 1500, submitted_at=utcnow())
    hall.candidacies(test, 2)
    html = dialog(browser, scope="filtered")
    assert "This would reach 1,502 people" in words_of(html)
    assert switch_of(html) == [("Everyone in the list 1,502", True), ("Still writing 2", False)]
    part = reopen(browser, address_of(html, "Still writing")).text
    assert "Send to 2 people" in words_of(part)
    assert "left out: 1,500 submitted" in words_of(part)


@pytest.mark.one_database
@pytest.mark.parametrize("field", [{"list_state": "sleeping"}, {"list_state": ["any", ""]}], ids=str)
def test_r6_an_unknown_state_is_refused(
    browser: FlaskClient, room: dict[str, Candidacy], field: dict[str, object]
) -> None:
    answer = browser.get("/messages/new", query_string={"scope": "filtered", **field}, headers=HTMX)
    assert answer.status_code == 400
    form = open_dialog(browser, scope="filtered")
    assert post(browser, form, **field).status_code == 400


def test_the_part_takes_one_statement_more(app: Flask, browser: FlaskClient, room: dict[str, Candidacy]) -> None:
    counts = []
    dialog(browser, scope="filtered")
    for more in ({}, {"state": STILL_WRITING, "list_state": "any"}):
        with statements(app) as made:
            dialog(browser, scope="filtered", **more)
        counts.append(len([one for one in made if "candidacy" in one]))
    assert counts[1] == counts[0] + 1


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("rooms", "each", "words"),
    [
        (1, 200, None),
        (1, 201, "Press again: send to 201 people"),
        (2, 1, "Press again: send to 2 people in 2 rooms"),
        (2, 101, "Press again: send to 202 people in 2 rooms"),
    ],
)
def test_many_want_a_second_press(
    browser: FlaskClient, hall: Hall, test: Test, rooms: int, each: int, words: str | None
) -> None:
    """Over 200 people, or more than one room: the button says so."""
    for number in range(rooms):
        hall.candidacies(test, each, room=f"Sal {number}")
    html = dialog(browser, scope="filtered")
    assert (f'data-again="{words}"' in html) if words else ("data-again" not in html)
    people = f"{rooms * each} people" + (f" in {rooms} rooms" if rooms > 1 else "")
    assert f"Send to {people}" in words_of(html)


@pytest.mark.one_database
def test_after_sending_it_says_how_many_are_online(
    browser: FlaskClient, room: dict[str, Candidacy], sender: User
) -> None:
    answer = post(browser, open_dialog(browser, scope="filtered", room="Aula"))
    assert answer.status_code == 201
    assert "Sent to 8 people · 2 online · Open" in words_of(answer.text)
