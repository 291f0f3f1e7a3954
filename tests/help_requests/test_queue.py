"""R31: staff see who asks in their rooms, and one of them goes. Rights are read when it is done (R6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.help_requests.asked import ask, client_of, logged, press, queue_of, requests, state_on_page
from tests.messaging.compose_form import HTMX
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Contribution, HelpRequest, Role
from webapp.models import Test as Exam

ROUNDS = 6


def asking(hall: Hall, candidacy: Candidacy, minutes_ago: int = 0) -> HelpRequest:
    """A request that is open."""
    asked = HelpRequest(
        candidacy_id=candidacy.id, kind="question", text="?", asked_at=utcnow() - timedelta(minutes=minutes_ago)
    )
    with writing(hall.session, keep=True):
        hall.session.add(asked)
    return asked


@pytest.mark.one_database
def test_r31_the_oldest_first_of_those_whom_one_watches(app: Flask, hall: Hall) -> None:
    """With seat, room, kind and text, escaped; not those of other rooms and tests, nor who is withdrawn."""
    test, other = hall.test(), hall.test("Law")
    there = [
        hall.candidacy(test, room=room, seat=seat)
        for room, seat in (("A", "Seat 7C"), ("B", "Seat 8D"), ("A", "Seat 9E"))
    ]
    first, second, third = (asking(hall, one, ago) for one, ago in zip(there, (3, 9, 6), strict=True))
    asking(hall, hall.candidacy(test, withdrawn_at=utcnow()))
    foreign = asking(hall, hall.candidacy(other))
    chief = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    limited = signed_in(app, hall.contributor(test, room="A"))
    admin = signed_in(app, hall.person(is_admin=True))
    assert queue_of(chief) == [second.id, third.id, first.id]
    assert queue_of(limited) == [third.id, first.id]
    assert set(queue_of(admin)) == {first.id, second.id, third.id, foreign.id}
    page = limited.get("/help").text
    assert "Seat 8D" not in page
    assert page.index("Seat 9E") < page.index("Seat 7C")
    assert "About a question" in page
    assert "6 minutes ago" in page
    assert "/claim" not in admin.get("/help").text  # who has no role there goes nowhere
    assert [press(limited, f"/help/{each.id}/claim").status_code for each in (first, second, foreign)] == [
        200,
        404,
        404,
    ]
    assert press(admin, f"/help/{second.id}/claim").status_code == 403


@pytest.mark.one_database
def test_r31_claimed_by_one_and_seen_by_all(app: Flask, hall: Hall, session: Session) -> None:
    """A second claim names the first; who claimed lets go, or a chief does; anybody says that it is done."""
    test = hall.test()
    candidacy = hall.candidacy(test)
    person = client_of(app, hall, candidacy)
    asked = ask(person, test.id) and requests(session)[0].id
    anna, bo, chief = (
        hall.contributor(test, user=hall.person(name), role=role)
        for name, role in (("Anna <i>", Role.INVIGILATOR), ("Bo", Role.INVIGILATOR), ("Chief", Role.CHIEF_INVIGILATOR))
    )
    at_anna, at_bo, at_chief = (signed_in(app, user) for user in (anna, bo, chief))
    assert press(at_anna, f"/help/{asked}/claim", script=False).location == "/help"
    assert press(at_anna, f"/help/{asked}/claim").status_code == 200  # the same press again
    assert state_on_page(person, test.id) == "coming"
    for script in (True, False):
        refused = press(at_bo, f"/help/{asked}/claim", script=script)
        assert refused.status_code == 409
        assert "Anna &lt;i&gt;</bdi> is already going" in refused.text
    assert press(at_bo, f"/help/{asked}/release").status_code == 409
    assert press(at_chief, f"/help/{asked}/release").status_code == 200
    assert state_on_page(person, test.id) == "asked"
    assert press(at_bo, f"/help/{asked}/claim").status_code == 200
    assert press(at_anna, f"/help/{asked}/done").status_code == 200
    assert press(at_anna, f"/help/{asked}/done", script=False).status_code == 303  # pressed twice
    for step in ("done", "claim", "release"):
        over = press(at_bo, f"/help/{asked}/{step}")
        assert over.status_code == 409
        assert "Anna &lt;i&gt;</bdi> has said that this is done" in over.text
    assert state_on_page(person, test.id) == "none"
    assert [entry[:3] for entry in logged(session)[1:]] == [
        ("help.claimed", "Anna <i>", "invigilator"),
        ("help.released", "Chief", "chief_invigilator"),
        ("help.claimed", "Bo", "invigilator"),
        ("help.done", "Anna <i>", "invigilator"),
    ]
    log = at_chief.get("/log").text
    assert "Asked for help" in log
    assert "Goes to help" in log
    assert "Candidate" in log


@pytest.mark.one_database
def test_r31_what_has_not_changed_is_not_sent_again(app: Flask, hall: Hall, session: Session) -> None:
    """A refresh of the same queue is empty, and its header counts those to whom nobody goes."""
    test = hall.test()
    for number in range(3):
        asking(hall, hall.candidacy(test), number)
    staff = signed_in(app, hall.contributor(test))
    first = staff.get("/help", headers=HTMX)
    again = staff.get("/help", headers={**HTMX, "HX-PTag": first.headers["HX-PTag"]})
    assert (again.status_code, again.data, again.headers["X-Examhall-Help"]) == (304, b"", "3")
    press(staff, "/help/1/claim")
    changed = staff.get("/help", headers={**HTMX, "HX-PTag": first.headers["HX-PTag"]})
    assert (changed.status_code, changed.headers["X-Examhall-Help"]) == (200, "2")
    assert staff.get("/help/waiting").headers["X-Examhall-Help"] == "2"
    assert "data-help-count >2</b>" in staff.get("/log").text
    assert "data-help-count hidden>0</b>" in signed_in(app, hall.contributor(test, room="Other")).get("/log").text
    with writing(session):
        session.execute(delete(HelpRequest))
    assert "Nobody asks for help now" in staff.get("/help").text


@pytest.mark.one_database
def test_r6_a_right_that_was_taken_away_counts_at_once(app: Flask, hall: Hall, session: Session) -> None:
    """A page that is open still has the button."""
    test = hall.test()
    asking(hall, hall.candidacy(test, room="A"))
    user = hall.contributor(test)
    staff = signed_in(app, user)
    assert queue_of(staff) == [1]
    with writing(session):
        session.execute(delete(Contribution).where(Contribution.user_id == user.id))
        session.add(Contribution(user_id=user.id, test_id=test.id, role=Role.INVIGILATOR, room="B"))
    assert press(staff, "/help/1/claim").status_code == 404
    assert press(staff, "/help/1/done").status_code == 404
    assert requests(session)[0].claimed_by is None


@pytest.mark.thorough
def test_r31_two_at_once(app: Flask, hall: Hall, session: Session) -> None:
    """Of two who ask in two tabs one is new, of two who go one wins, and a submission ends what was asked just then."""
    test = hall.test()
    staff = [signed_in(app, hall.contributor(test)) for _ in range(2)]
    for number in range(1, ROUNDS + 1):
        candidacy = hall.candidacy(test)
        tabs = [client_of(app, hall, candidacy) for _ in range(2)]
        assert sorted(at_once(*((tab, f"/tests/{test.id}/help", {"kind": "other"}) for tab in tabs))) == [200, 201]
        assert sorted(at_once(*((one, f"/help/{number}/claim", {}) for one in staff))) == [200, 409]
    for _ in range(ROUNDS):
        check_submission_meets_asking(app, hall, test)
    assert all((request.ended_at is None) == (request.id <= ROUNDS) for request in requests(session))


def check_submission_meets_asking(app: Flask, hall: Hall, test: Exam) -> None:
    """Whichever is first: afterwards nothing is open."""
    candidacy = hall.candidacy(test)
    client, address = client_of(app, hall, candidacy), f"/tests/{test.id}"
    other_tab = client_of(app, hall, candidacy)
    codes = at_once((client, f"{address}/help", {"kind": "other"}), (other_tab, f"{address}/submit", {}))
    assert codes in ([201, 303], [409, 303])


def at_once(*posts: tuple[FlaskClient, str, dict[str, str]]) -> list[int]:
    """The statuses of posts that are made at the same moment."""
    with ThreadPoolExecutor(len(posts)) as people:
        found = [people.submit(press, client, address, **form) for client, address, form in posts]
        return [one.result(timeout=30).status_code for one in found]
