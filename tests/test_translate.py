"""Names and IDs stay as they are when a browser translates a page, and no digit becomes a telephone number."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog, post
from webapp.models import Candidacy, Role, Test, User

VOID = {"meta", "link", "input", "br", "path", "circle", "use", "img", "hr"}
OWN = ("Zaphod Beeblebrox", "ID-4711", "Hall Zeta", "Row-Q9", "Trillian McMillan")


class Texts(HTMLParser):
    """The texts of a page that a browser would translate."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.translated: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = ("translate", "no") in attrs or tag in ("title", "script", "textarea")
        if tag not in VOID:
            self.open.append((tag, kept))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(kept for _, kept in self.open):
            self.translated.append(data.strip())


pytestmark = pytest.mark.only_on("sqlite")  # what is looked at is the page, whatever is behind it


@pytest.fixture
def candidacy(hall: Hall) -> Candidacy:
    return hall.candidacy(
        hall.test("Algebra"), hall.person("Zaphod Beeblebrox"), number="ID-4711", room="Hall Zeta", seat="Row-Q9"
    )


def test_names_and_ids_are_not_translated(app: Flask, hall: Hall, session: Session, candidacy: Candidacy) -> None:
    """On the candidate's pages, the monitor, its print, the dialog, the log and an entry."""
    chief = hall.contributor(
        session.get_one(Test, candidacy.test_id), role=Role.CHIEF_INVIGILATOR, user=hall.person("Trillian McMillan")
    )
    staff = signed_in(app, chief)
    sent = post(staff, open_dialog(staff, candidate=str(candidacy.id)), subject="Quiet")
    assert sent.status_code == 201
    candidate = signed_in(app, session.get_one(User, candidacy.user_id))
    pages: list[tuple[FlaskClient, str]] = [
        (candidate, "/"),
        (candidate, f"/tests/{candidacy.test_id}"),
        (candidate, "/inbox"),
        (staff, "/monitor?column=name&column=number&column=room&column=seat"),
        (staff, "/monitor/print?column=name&column=number&column=room&column=seat"),
        (staff, f"/messages/new?candidate={candidacy.id}"),
        (staff, "/messages/new?scope=filtered"),
        (staff, "/log"),
        (staff, "/log/print"),
        (staff, sent.headers["Location"]),
    ]
    for client, address in pages:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert '<meta name="format-detection" content="telephone=no">' in answer.text, address
        assert any(own in answer.text for own in OWN), address
        reader = Texts()
        reader.feed(answer.text)
        for text in reader.translated:
            assert not any(own in text for own in OWN), (address, text)
