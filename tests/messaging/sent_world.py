"""Messages to parts of two tests, and everybody who may or may not read them."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import open_dialog, post
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Role, Test, User


class World:
    """Two tests with two rooms in the first, and messages to each and to both."""

    def __init__(self, app: Flask, session: Session, hall: Hall) -> None:
        self.app, self.session = app, session
        with hall.at_once():
            self.a, self.b = hall.test("Algebra"), hall.test("Biology")
            both = hall.person("Åsa Öberg")
            hall.candidacy(self.a, both, room="Aula", number="A-1")
            hall.candidacy(self.a, hall.person("Bo Berg"), room="Attic", number="A-2")
            hall.candidacy(self.b, both, room="Lab", number="B-1")
            hall.candidacy(self.b, hall.person("Cy Dahl"), room="Lab", number="B-2")
            self.invigilator = hall.contributor(self.a, user=hall.person("Inga"))
            self.in_attic = hall.contributor(self.a, room="Attic")
            self.chief_of_both = hall.contributor(self.a, self.b, role=Role.CHIEF_INVIGILATOR)
            self.planner = hall.contributor(self.a, role=Role.PLANNER)
            self.stranger = hall.contributor(hall.test("Chemistry"), role=Role.PLANNER)
            self.admin = hall.person("Root", is_admin=True)
            self.candidate = both
        self.to_aula = self.send(self.invigilator, "For the aula", room="Aula")
        self.to_all = self.send(self.chief_of_both, "For <b>all</b>")
        self.to_b = self.send(self.chief_of_both, "For biology", test=self.b.id)

    def browser(self, who: str) -> FlaskClient:
        return signed_in(self.app, getattr(self, who))

    def send(self, sender: User, subject: str, **filter: object) -> int:
        browser = signed_in(self.app, sender)
        sent = post(browser, open_dialog(browser, scope="filtered", **filter), subject=subject, body="Bitte\nRuhe")
        assert sent.status_code == 201, sent.text
        return int(sent.headers["Location"].rpartition("/")[2])

    def close(self, test: Test) -> None:
        with writing(self.session):
            self.session.get_one(Test, test.id).closed_at = utcnow()
