"""R6, R28: who may take which action, over both ways in: the table of the roles."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.actions.action_form import at_once
from tests.actions.taken import entries, stands
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from webapp.actions.kinds import KINDS
from webapp.clock import utcnow
from webapp.models import Role

pytestmark = pytest.mark.one_database

STAFF = {Role.INVIGILATOR, Role.CHIEF_INVIGILATOR, Role.PLANNER}
IN_CHARGE = STAFF - {Role.INVIGILATOR}
MAY = {
    "flag": STAFF, "unflag": STAFF, "attendance": STAFF, "id_check": STAFF, "id_uncheck": STAFF, "note": STAFF,
    "pause": IN_CHARGE, "resume": IN_CHARGE, "extra_time": IN_CHARGE, "incident_time": IN_CHARGE, "room": IN_CHARGE,
    "new_password": IN_CHARGE, "unlock": IN_CHARGE, "withdraw": IN_CHARGE, "readmit": IN_CHARGE,
    "reopen": {Role.PLANNER},
}  # fmt: skip
VALUES = {
    "attendance": {"attendance": "present"}, "note": {"note": "n"}, "extra_time": {"minutes": "1"},
    "incident_time": {"minutes": "1"}, "room": {"room": "Room 1", "seat": "9"},
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("role", [*Role, None])
def test_the_table_of_roles_and_actions(app: Flask, hall: Hall, session: Session, role: Role | None) -> None:
    """Administrators watch all tests, and act in those in which they have a role."""
    test, elsewhere = hall.test(), hall.test("Law")
    person = hall.contributor(test, role=role) if role else hall.person(is_admin=True)
    hall.contributor(elsewhere, role=Role.PLANNER, user=person)  # a right in another test opens nothing here
    client = signed_in(app, person)
    got = {}
    for action, kind in KINDS.items():
        one = hall.candidacy(test, submitted_at=utcnow() if action == "reopen" else None)
        token = {"X-CSRFToken": csrf(client)}
        address = f"/candidates/actions/new?action={action}&candidate={one.id}"
        answers = [
            client.get(address, headers=HTMX, follow_redirects=True),
            client.post("/candidates/actions/new", data={"action": action, "candidate": one.id},
                        headers={**HTMX, **token}, follow_redirects=True),
            at_once(client, action, candidate=one.id, idempotency_key=f"of-{action}", **VALUES.get(action, {})),
        ]  # fmt: skip
        if not kind.columns:  # the page that it leads to decides
            answers[2] = client.get(answers[2].headers["Location"], headers=HTMX)
        got[action] = {200: True, 201: True, 403: False}[answers[0].status_code]
        assert {answer.status_code for answer in answers} <= ({200, 201} if got[action] else {403}), action
        unchanged = stands(session, one.id, "changed_at", "flagged", "id_checked", "attendance", "note")
        assert got[action] or unchanged == (None, False, False, None, "")
    assert got == {action: role in roles for action, roles in MAY.items()}
    assert len(entries(session)) == sum(got[action] for action, kind in KINDS.items() if kind.columns)
