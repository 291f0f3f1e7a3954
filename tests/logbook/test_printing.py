"""The log for paper: all entries of a filter within the reader's sight, newest first (R14)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.logbook.entries import write
from webapp.logbook import views
from webapp.logbook.append import Actor
from webapp.models import Role, User

pytestmark = pytest.mark.one_database


@pytest.fixture
def chief(session: Session, hall: Hall) -> User:
    """Somebody with 120 sendings."""
    test = hall.test()
    chief = hall.contributor(test, role=Role.CHIEF_INVIGILATOR)
    for number in range(120):
        sent_by(session, chief, f"Subject {number}")
    sent_by(session, hall.person("Somebody else"), "Of another")
    return chief


def sent_by(session: Session, sender: User, subject: str) -> None:
    actor = Actor(sender.id, sender.name, "chief_invigilator")
    write(session, actor=actor, detail={"subject": subject, "body": f"{subject}\nwhole"})


@pytest.mark.thorough
def test_r14_it_is_the_whole_list_of_the_filter(app: Flask, chief: User) -> None:
    client = signed_in(app, chief)
    page = client.get("/log/print?text=Subject").text
    found = re.findall(r'<bdi>(Subject \d+)</bdi>\s*<div class="log-body" dir="auto">([^<]*)</div>', page)
    assert found == [(f"Subject {number}", f"Subject {number}\nwhole") for number in reversed(range(120))]
    assert "Of another" not in page
    assert page.rstrip().endswith("</html>")
    assert client.get("/log/print?nonsense=1").status_code == 400


@pytest.mark.thorough
def test_a_longer_list_than_a_browser_prints_says_where_it_ends(
    app: Flask, chief: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MAX_PRINTED", 60)
    page = signed_in(app, chief).get("/log/print").text
    assert page.count("data-entry=") == 60
    assert "these are the newest 60" in page
