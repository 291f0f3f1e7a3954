"""Whom the dialog showed is written down without a count before it; what has changed is found out all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import fields_of, open_dialog, post
from tests.messaging.written import counts, recipients
from tests.statements import statements
from webapp.db.transactions import writing
from webapp.models import Candidacy, Test, User


def test_who_was_shown_is_not_counted_before_the_sending(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    """Counting 1,500 took a tenth of the time of a sending; one whose people moved begins again and is counted."""
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    with statements(app) as sent:
        assert post(browser, form).status_code == 201
    assert not _counting(sent)
    assert ["LIMIT" in statement for statement in sent if statement.startswith("INSERT INTO log_subject")] == [True]
    later = open_dialog(browser, scope="filtered")
    hall.candidacy(test)
    with statements(app) as refused:
        assert post(browser, later).status_code == 409
    assert _counting(refused)
    assert counts(session) == (1, 1, 1, 1)


def _counting(made: list[str]) -> list[str]:
    return [statement for statement in made if "count(distinct" in statement.lower()]


def test_r3_r5_the_same_people_with_many_more_candidacies_are_sent_to_and_logged(
    app: Flask, hall: Hall, session: Session
) -> None:
    """R3 is about persons; R5 logs every candidacy, and none is left out because so many were not expected."""
    tests = [hall.test(f"Part {number}") for number in range(22)]
    browser = signed_in(app, hall.contributor(*tests))
    one = hall.candidacy(tests[0])
    form = open_dialog(browser, scope="filtered")
    person = session.get_one(User, one.user_id)
    for other in tests[1:]:
        hall.candidacy(other, person)
    assert post(browser, form).status_code == 201
    assert counts(session) == (1, 1, 1, len(tests))


def test_r3_others_of_the_same_number_are_refused(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    """As many as were shown, but another one among them."""
    gone, stays = hall.candidacy(test, room="Aula"), hall.candidacy(test, room="Aula")
    form = open_dialog(browser, scope="filtered", room="Aula")
    hall.candidacy(test, room="Aula")
    with writing(session):
        session.get_one(Candidacy, gone.id).room = "Annex"
    assert "1 person joined" in post(browser, form).text
    assert stays.user_id not in recipients(session)
    assert counts(session) == (0, 0, 0, 0)


def test_r4_the_limit_is_that_of_the_moment_of_sending(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    """A form opened before the limit was lowered."""
    hall.candidacies(test, 3)
    form = open_dialog(browser, scope="filtered")
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], max_recipients=2)
    assert post(browser, form).status_code == 422
    assert counts(session) == (0, 0, 0, 0)


@pytest.mark.parametrize("wrong", [{"room": ["Aula", "Nowhere"]}, {"group": ["G", "Nobody's"]}])
def test_r6_a_value_that_nobody_has_is_refused_beside_one_that_all_have(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, wrong: dict[str, list[str]]
) -> None:
    """Its people are those whom the dialog showed, but the log would name a room or group that is not there."""
    hall.candidacy(test, room="Aula", group_name="G")
    form = open_dialog(browser, scope="filtered")
    assert post(browser, form, **wrong).status_code == 400
    assert counts(session) == (0, 0, 0, 0)


def test_picked_candidates_who_leave_while_the_text_is_corrected_take_no_text_with_them(
    app: Flask, hall: Hall, test: Test, session: Session
) -> None:
    browser = signed_in(app, hall.contributor(test, room="Aula"))
    stays, leaves = (hall.candidacy(test, room="Aula") for _ in range(2))
    form = open_dialog(browser, candidate=[stays.id, leaves.id])
    with writing(session):
        session.get_one(Candidacy, leaves.id).room = "Annex"
    refused = post(browser, form, subject="", body="Kept")
    assert refused.status_code == 409
    assert "Kept" in refused.text
    assert fields_of(refused).getlist("candidate") == [str(stays.id)]
    assert counts(session) == (0, 0, 0, 0)
    assert post(browser, fields_of(refused)).status_code == 201
