"""The warning about what others have just sent (trap 23) stays within what its reader may see (R6, R14)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, open_dialog, post
from tests.statements import statements
from webapp.clock import utcnow
from webapp.messaging.audience import Selection
from webapp.messaging.preview import preview
from webapp.models import Candidacy, Role, Test, User
from webapp.monitor.filters import Filter

PLANNER, CHIEF, INVIGILATOR = Role.PLANNER, Role.CHIEF_INVIGILATOR, Role.INVIGILATOR


@pytest.fixture
def law(hall: Hall) -> Test:
    """Another test."""
    return hall.test("Law")


@pytest.fixture
def both(hall: Hall, test: Test, law: Test) -> list[Candidacy]:
    """Three people in both tests, in the Aula for the first; their candidacies in it."""
    own = [hall.candidacy(test, room="Aula") for _ in range(3)]
    for one in own:
        hall.candidacy(law, hall.session.get_one(User, one.user_id), room="Annex")
    return own


def sent(app: Flask, sender: User, subject: str, **selection: Any) -> None:
    """Send to some."""
    browser = signed_in(app, sender)
    assert post(browser, open_dialog(browser, **selection), subject=subject).status_code == 201


def told(session: Session, reader: User, **selection: Any) -> tuple[list[tuple[str, int]], int]:
    """Subjects with the persons they reached, and how many others reached."""
    session.rollback()
    shown = preview(session, reader, Selection(Filter(), **selection), now=utcnow(), limit=1500)
    return [(message.subject, persons) for message, persons in shown.overlaps], shown.reached_unseen


@pytest.mark.thorough
@pytest.mark.one_database
@pytest.mark.parametrize(
    ("role", "room", "seen"),
    [
        (INVIGILATOR, None, ["Both", "First"]),
        (INVIGILATOR, "Aula", ["First"]),
        (CHIEF, None, ["Both", "First"]),
        (CHIEF, "Aula", ["Both", "First"]),
    ],
    ids=str,
)
def test_messages_about_ones_own_test_are_told_in_full(
    app: Flask, hall: Hall, test: Test, both: list[Candidacy], session: Session, role: Role, room: str | None,
    seen: list[str],
) -> None:  # fmt: skip
    """Both rooms of the test: an invigilator of one room sees no message to the other; a chief's log has it."""
    hall.candidacy(test, room="Annex")
    colleague = hall.contributor(test)
    sent(app, colleague, "First", scope="filtered", room="Aula")
    sent(app, colleague, "Both", scope="filtered")
    reader = hall.contributor(test, role=role, room=room)
    here = tuple(one.id for one in both)
    assert told(session, reader, listed=here) == ([(subject, 3) for subject in seen], 0 if len(seen) == 2 else 3)


@pytest.mark.thorough
@pytest.mark.one_database
@pytest.mark.parametrize("role", [INVIGILATOR, CHIEF, PLANNER])
def test_of_other_tests_only_that_somebody_wrote(
    app: Flask, hall: Hall, test: Test, law: Test, both: list[Candidacy], session: Session, role: Role
) -> None:
    """Neither sender nor subject, however many messages: each person counts once."""
    stranger = hall.contributor(law, role=PLANNER, user=hall.person("Planner of Law"))
    sent(app, stranger, "Secret of Law", scope="filtered")
    sent(app, stranger, "Another secret", scope="filtered")
    reader = hall.contributor(test, role=role)
    assert told(session, reader) == ([], 3)
    assert told(session, reader, listed=(both[0].id,)) == ([], 1)
    text = signed_in(app, reader).get("/messages/new?scope=filtered", headers=HTMX).text
    assert "Somebody has just written to 3 of these people." in text
    assert "Planner of Law" not in text
    assert "ecret" not in text


@pytest.mark.one_database
@pytest.mark.parametrize(("role", "seen"), [(INVIGILATOR, []), (CHIEF, [("Of two", 3)]), (PLANNER, [("Of two", 3)])])
def test_of_a_message_about_two_tests_each_sees_what_the_log_shows_them(
    app: Flask, hall: Hall, test: Test, law: Test, both: list[Candidacy], session: Session, role: Role, seen: Any
) -> None:
    sent(app, hall.contributor(test, law, role=PLANNER), "Of two", scope="filtered")
    assert told(session, hall.contributor(test, role=role)) == (seen, 0 if seen else 3)


def test_ones_own_sending_is_told_and_so_is_everything_to_an_administrator(
    app: Flask, hall: Hall, test: Test, law: Test, both: list[Candidacy], session: Session
) -> None:
    sender = hall.contributor(test, law)
    sent(app, sender, "Own", scope="filtered", test=str(law.id))
    admin = hall.contributor(test, user=hall.person(is_admin=True))
    assert told(session, admin) == ([("Own", 3)], 0)
    assert told(session, sender) == ([("Own", 3)], 0)


def test_it_is_one_statement(
    app: Flask, hall: Hall, test: Test, law: Test, both: list[Candidacy], session: Session
) -> None:
    for title, one in (("Seen", test), ("Unseen", law)):
        sent(app, hall.contributor(one), title, scope="filtered")
    reader = hall.contributor(test)
    with statements(app) as made:
        assert told(session, reader) == ([("Seen", 3)], 3)
    assert len([statement for statement in made if "delivery" in statement]) == 1
