"""Extra time as long as a roster may give, and incident time beside it: everything that counts with their sum."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.exams.rows import question_of
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from webapp.access import Right, access_scope
from webapp.clock import utcnow
from webapp.models import Candidacy, User
from webapp.models.status import CandidateWarning
from webapp.monitor.filters import parse_filter
from webapp.monitor.query import select_candidacies
from webapp.planning.files import MOST_EXTRA_MINUTES


@pytest.fixture
def candidacy(hall: Hall) -> Candidacy:
    """A candidate whose test ended for others an hour ago."""
    now = utcnow()
    test = hall.test(starts_at=now - timedelta(hours=4), ends_at=now - timedelta(hours=1))
    return hall.candidacy(test, extra_minutes=MOST_EXTRA_MINUTES, incident_minutes=MOST_EXTRA_MINUTES)


def test_the_candidate_writes_until_then(app: Flask, hall: Hall, candidacy: Candidacy) -> None:
    address = f"/tests/{candidacy.test_id}"
    save = f"{address}/answers/{question_of(hall, candidacy.test_id)}"
    browser = signed_in(app, hall.session.get_one(User, candidacy.user_id))
    assert browser.get("/").status_code == 200
    assert browser.get(address).status_code == 200
    form = {"text": "Because.", "base": "0", "csrf_token": csrf(browser)}
    assert browser.post(save, data=form, headers=HTMX).status_code == 200


@pytest.mark.usefixtures("candidacy")
def test_the_monitor_and_its_file_show_the_candidate(app: Flask, hall: Hall) -> None:
    browser = signed_in(app, hall.person(is_admin=True))
    assert 'data-count="1"' in browser.get("/monitor").text
    assert len(browser.get("/monitor.csv").text.splitlines()) == 2


@pytest.mark.parametrize("warning", list(CandidateWarning))
def test_each_warning_is_found_or_not(session: Session, hall: Hall, candidacy: Candidacy, warning: str) -> None:
    now = utcnow()
    scope = access_scope(session, hall.person(is_admin=True), Right.WATCH, now)
    asked = parse_filter(MultiDict([("warning", warning)]), ZoneInfo("UTC"))
    found = session.scalars(select_candidacies(scope, asked, now)).all()
    away = warning == CandidateWarning.OFFLINE  # and never back: no return is noted
    assert found == ([candidacy.id] if away else [])
