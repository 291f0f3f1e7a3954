"""A row tells when the last message went to its candidacy: what is in the log of that candidacy, and nothing else."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog, post
from tests.monitor.test_page import got
from tests.statements import statements
from webapp.clock import utcnow
from webapp.models import Candidacy, Test, User

MARK = re.compile(r'<tr data-candidacy="(\d+)"(?:(?!<tr ).)*?data-last-message.*?<time datetime="([^"]*)"', re.DOTALL)


@pytest.fixture
def test(hall: Hall) -> Test:
    return hall.test()


def marks(client: FlaskClient, query: str = "") -> dict[int, datetime]:
    """The candidacies with a mark, and its minute."""
    return {int(number): datetime.fromisoformat(at) for number, at in MARK.findall(got(client, "/monitor" + query))}


def minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def test_the_newest_message_counts_whoever_sent_it(app: Flask, hall: Hall, test: Test) -> None:
    one, other = hall.candidacy(test), hall.candidacy(test)
    ines, colleague = (signed_in(app, hall.contributor(test)) for _ in range(2))
    assert marks(ines) == {}
    begin = utcnow()
    with time_machine.travel(begin + timedelta(minutes=2), tick=False):
        assert post(colleague, open_dialog(colleague, scope="filtered")).status_code == 201
    with time_machine.travel(begin + timedelta(minutes=5), tick=False):
        assert post(ines, open_dialog(ines, candidate=one.id)).status_code == 201
        told = marks(ines)
    assert told == {one.id: minute(begin + timedelta(minutes=5)), other.id: minute(begin + timedelta(minutes=2))}


def test_r14_a_message_for_another_test_is_not_told(app: Flask, hall: Hall, test: Test) -> None:
    """The same person sits both: whoever sees one of the tests learns nothing of the other."""
    law = hall.test("Law")
    here = hall.candidacy(test)
    there = hall.candidacy(law, hall.session.get_one(User, here.user_id))
    planner = signed_in(app, hall.contributor(law))
    assert post(planner, open_dialog(planner, candidate=there.id)).status_code == 201
    assert list(marks(planner)) == [there.id]
    assert marks(signed_in(app, hall.contributor(test))) == {}


def test_it_takes_one_statement_and_stands_beside_the_marks(app: Flask, hall: Hall, test: Test) -> None:
    hall.candidacies(test, 30)
    ines = signed_in(app, hall.contributor(test))
    assert post(ines, open_dialog(ines, scope="filtered")).status_code == 201
    counts = []
    for query in ("?column=name", "?column=name&column=marks"):
        with statements(app) as made:
            told = marks(ines, query)
        counts.append((len(made), len(told)))
    assert counts[1] == (counts[0][0] + 1, 30)
    assert counts[0][1] == 0


def test_r19_a_sending_changes_the_list(app: Flask, hall: Hall, test: Test) -> None:
    """Else the mark would wait for another change."""
    one: Candidacy = hall.candidacy(test, submitted_at=utcnow())
    ines = signed_in(app, hall.contributor(test))
    headers = {"HX-Request": "true"}
    tag = ines.get("/monitor", headers=headers).headers["HX-PTag"]
    assert ines.get("/monitor", headers={**headers, "HX-PTag": tag}).status_code == 304
    assert post(ines, open_dialog(ines, candidate=one.id)).status_code == 201
    assert ines.get("/monitor", headers={**headers, "HX-PTag": tag}).status_code == 200
