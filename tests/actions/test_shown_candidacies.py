"""R3, R28: an action reaches the candidacies that its form showed, and a message's form shows people."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.actions.action_form import fields_of, open_form, press
from tests.actions.taken import entries, stands
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX
from webapp.db.transactions import writing
from webapp.models import Candidacy, Role, User
from webapp.models import Test as Exam

pytestmark = pytest.mark.one_database


@pytest.fixture
def browser(app: Flask, planner: User) -> FlaskClient:
    return signed_in(app, planner)


def token_in(form: str) -> str:
    """What a form says of whom it shows."""
    found = re.search(r'name="audience" value="([^"]*)"', form)
    assert found
    return unescape(found[1])


def test_r3_another_test_of_the_same_person_is_somebody_else(
    hall: Hall, test: Exam, browser: FlaskClient, planner: User, session: Session
) -> None:
    """An action is on candidacies: one that has come into the filter since is not changed unseen."""
    law = hall.test("Law")
    hall.contributor(law, role=Role.PLANNER, user=planner)
    shown = hall.candidacy(test, room="Aula")
    other = hall.candidacy(law, user=session.get_one(User, shown.user_id), room="Annex")
    form = open_form(browser, "withdraw", scope="filtered", room="Aula")
    with writing(session):
        session.get_one(Candidacy, other.id).room = "Aula"
    refused = press(browser, form)
    assert refused.status_code == 409
    assert "1 candidate joined" in refused.text
    assert (stands(session, other.id, "withdrawn_at"), entries(session)) == (None, [])
    message = browser.get("/messages/new?scope=filtered&room=Aula", headers=HTMX).text
    form["audience"] = token_in(message)
    assert press(browser, form).status_code == 409  # what a message's form shows are people
    assert press(browser, fields_of(refused)).status_code == 201
    assert entries(session)[0][2] == {shown.id, other.id}


def test_r3_a_message_s_form_lets_no_action_through_though_the_numbers_are_the_same(
    hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    """Somebody whose number as a person is that of their candidacy: what was shown differs all the same."""
    person = hall.person()
    one = hall.candidacy(test, person, id=person.id, room="Aula")
    form = open_form(browser, "flag", scope="filtered", room="Aula")
    message = browser.get("/messages/new?scope=filtered&room=Aula", headers=HTMX).text
    own = form["audience"]
    form["audience"] = token_in(message)
    assert press(browser, form).status_code == 409
    assert (stands(session, one.id, "flagged"), entries(session)) == (False, [])
    form["audience"] = own
    assert press(browser, form).status_code == 201


def test_r3_an_action_s_form_is_compared_by_candidacies(
    hall: Hall, test: Exam, browser: FlaskClient, session: Session
) -> None:
    """Not by persons, whose numbers are others: nothing has changed, so nothing is refused."""
    people = [hall.person() for _ in range(3)]
    ones = {hall.candidacy(test, person, id=person.id + 1000).id for person in people}
    assert press(browser, open_form(browser, "flag", scope="filtered")).status_code == 201
    assert entries(session)[0][2] == ones
