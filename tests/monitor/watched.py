"""A test of 120 candidates, and somebody who watches it."""

from __future__ import annotations

from flask import Flask

from tests.hall import Hall, signed_in
from webapp.models import Test, User


class Watched:
    """A test of 120 candidates in two rooms, and an invigilator who watches it."""

    def __init__(self, app: Flask, hall: Hall) -> None:
        self.app, self.hall = app, hall
        self.test: Test = hall.test("Algebra")
        hall.candidacies(self.test, 70)
        hall.candidacies(self.test, 50, room="Room 2", flagged=True)
        self.person: User = hall.contributor(self.test)
        self.client = signed_in(app, self.person)
