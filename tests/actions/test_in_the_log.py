"""R15: an action in the log, in words, with old and new values, and its own name in the filter."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.actions.taken import carry, form_for
from tests.hall import Hall, signed_in
from webapp.actions.kinds import KINDS
from webapp.actions.undoing import UNDONE
from webapp.clock import utcnow
from webapp.logbook.views import ACTIONS
from webapp.models import Role, User
from webapp.models import Test as Exam

pytestmark = pytest.mark.one_database


def test_every_action_has_its_words() -> None:
    assert {kind.log_action for kind in KINDS.values() if kind.columns} | {UNDONE} <= set(ACTIONS)


def test_the_entry_shows_old_and_new_values_of_each_candidate_within_ones_room(
    app: Flask, hall: Hall, test: Exam, planner: User, session: Session
) -> None:
    one = hall.candidacy(test, extra_minutes=10, number="A-1", room="Aula")
    gone = hall.candidacy(test, submitted_at=utcnow(), number="A-2", room="Aula")
    elsewhere = hall.candidacy(test, extra_minutes=777, number="B-1", room="Annex")
    form = form_for("extra_time", one.id, gone.id, elsewhere.id, minutes="5", mode="add", reason="Lamp <out>")
    carry(session, planner, form)
    limited = hall.contributor(test, role=Role.CHIEF_INVIGILATOR, room="Aula")
    page = signed_in(app, limited).get("/log/1").text
    rows = re.findall(r'<tr data-candidacy="(\d+)">(.*?)</tr>', page, re.DOTALL)
    assert [int(number) for number, _ in rows] == [one.id, gone.id]
    cells = [re.sub(r"<[^>]*>|\s+", " ", row) for _, row in rows]
    assert re.search(r"10 minutes +15 minutes", cells[0])
    assert re.search(r"not reached: +already submitted", cells[1])
    assert not re.search(r"\b(777|782) minutes", page)  # a hash may have any figures
    assert "Lamp &lt;out&gt;" in page
    shown = signed_in(app, planner).get("/log?action=candidate.extra_time").text
    assert 'data-entry="1"' in shown
    assert "2 changed · 1 not reached" in shown
    assert 'data-entry="1"' not in signed_in(app, planner).get("/log?action=candidate.flag").text
