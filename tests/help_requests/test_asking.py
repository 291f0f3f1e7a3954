"""R31: a candidate asks for help, from the dashboard to the submission; one request is open at a time."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.help_requests.asked import (
    ask,
    client_of,
    details,
    logged,
    press,
    queue_of,
    requests,
    signed_in,
    state_on_page,
)
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.exams import sittings
from webapp.help_requests.asking import MOST_REQUESTS
from webapp.models import Candidacy, HelpRequest, User
from webapp.planning.closing import set_closed


@pytest.mark.one_database
def test_r31_asked_again_taken_back_and_asked_anew(app: Flask, hall: Hall, session: Session) -> None:
    """The same form twice is one request; another one is refused with its text; both are in the log."""
    test = hall.test()
    candidacy = hall.candidacy(test)
    client = client_of(app, hall, candidacy)
    assert ask(client, test.id, text="What is “x”?\r\nIn line 2").status_code == 201
    assert ask(client, test.id, text="What is “x”?\nIn line 2").status_code == 200
    assert ask(client, test.id, text="What is “x”?\nIn line 2", script=False).location == f"/tests/{test.id}"
    refused = ask(client, test.id, "technical", "My screen <b>flickers</b>", script=False)
    assert refused.status_code == 409
    assert "My screen &lt;b&gt;flickers" in refused.text
    assert 'data-refused="already_asked"' in refused.text
    assert state_on_page(client, test.id) == "asked"
    for script in (True, False, True):  # the second time nothing happens
        assert press(client, f"/tests/{test.id}/help/withdraw", script=script).status_code == (200 if script else 303)
    assert state_on_page(client, test.id) == "none"
    assert ask(client, test.id, "other", "\u200b \n").status_code == 201
    first, second = requests(session)
    assert (first.kind, first.text, first.ended_by) == ("question", "What is “x”?\nIn line 2", candidacy.user_id)
    assert (second.kind, second.text, second.ended_at) == ("other", "", None)
    actions = ["help.asked", "help.withdrawn", "help.asked"]
    name = session.get_one(User, candidacy.user_id).name
    assert logged(session) == [(action, name, "candidate", [candidacy.id]) for action in actions]
    assert details(session)[0] == {"request": first.id, "kind": "question", "text": first.text}


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [("bogus", "a", "Please choose"), ("", "a", "Please choose"), ("other", "ä" * 301, "at most 300"),
     ("other", "a\x07b", "cannot be sent")],
)  # fmt: skip
def test_r31_bad_input_is_refused_beside_its_field(app: Flask, hall: Hall, kind: str, text: str, problem: str) -> None:
    """With the text kept, as a fragment and as a page."""
    test = hall.test()
    client = client_of(app, hall, hall.candidacy(test))
    for script in (True, False):
        refused = ask(client, test.id, kind, text, script=script)
        assert refused.status_code == 422
        assert problem in refused.text
        assert f"\n{text}</textarea>" in refused.text
    assert requests(hall.session) == []
    assert ask(client, test.id, "other", "ä" * 300).status_code == 201


@pytest.mark.one_database
def test_r31_from_the_dashboard_to_the_submission(app: Flask, hall: Hall, session: Session) -> None:
    """Waiting, paused and after the end too; not before the hour, and not after submission or withdrawal."""
    now = utcnow()
    soon, late = hall.test("Soon", starts_at=now + timedelta(minutes=30)), hall.test(starts_at=now + timedelta(hours=2))
    over = hall.test("Over", starts_at=now - timedelta(hours=3), ends_at=now - timedelta(minutes=1))
    test = hall.test("Now")
    taken = {
        hall.candidacy(soon, started_at=None): 201,
        hall.candidacy(late, started_at=None): 409,
        hall.candidacy(over): 201,
        hall.candidacy(test, paused_at=now): 201,
        hall.candidacy(test, submitted_at=now): 409,
        hall.candidacy(test, withdrawn_at=now): 409,
    }
    for candidacy, status in taken.items():
        client = client_of(app, hall, candidacy)
        assert ask(client, candidacy.test_id).status_code == status
        page = client.get("/").text
        assert (f'data-help-panel="{candidacy.test_id}"' in page) == (status == 201)
    set_closed(session, "Now", test.start_date, closed=True, now=utcnow())
    assert [request.ended_at is None for request in requests(session)] == [True, True, False]  # its test is closed
    closed = ask(client_of(app, hall, hall.candidacy(test)), test.id, text="Wait", script=False)
    assert closed.status_code == 409
    assert "Wait</textarea>" in closed.text


def test_r31_submission_ends_the_request(app: Flask, hall: Hall, session: Session) -> None:
    """The log says that it ended by itself; one without a request is submitted without waiting for the log."""
    test = hall.test()
    candidacy = hall.candidacy(test)
    client = client_of(app, hall, candidacy)
    assert ask(client, test.id).status_code == 201
    sittings.submit(session, candidacy.user_id, test.id, utcnow())
    (request,) = requests(session)
    assert request.ended_at is not None
    assert request.ended_by is None
    assert logged(session)[-1] == ("help.done", "automatic", "", [candidacy.id])
    assert details(session)[-1]["by_itself"] == "submitted"
    staff = signed_in(app, hall.contributor(test))
    assert queue_of(staff) == []
    assert press(staff, f"/help/{request.id}/claim").status_code == 409


@pytest.mark.one_database
def test_r31_pages_that_poll_learn_of_each_step(app: Flask, hall: Hall, session: Session) -> None:
    """Their version changes; and the candidacy's note, by which streams are told."""
    test = hall.test()
    candidacy = hall.candidacy(test)
    client, staff = client_of(app, hall, candidacy), signed_in(app, hall.contributor(test))

    def told() -> tuple[str, object]:
        session.rollback()
        page = client.get("/inbox/new").text
        return page[page.index("data-sittings-version") :][:40], session.get_one(Candidacy, candidacy.id).changed_at

    seen = [told()]
    ask(client, test.id)
    seen.append(told())
    for step in ("claim", "release", "claim", "done"):
        assert press(staff, f"/help/1/{step}").status_code == 200
        seen.append(told())
    assert all(before[0] != after[0] and before[1] != after[1] for before, after in itertools.pairwise(seen))


@pytest.mark.one_database
def test_r31_a_script_cannot_fill_the_log(app: Flask, hall: Hall, session: Session) -> None:
    """After many requests of one candidacy the next is refused, with words."""
    test = hall.test()
    candidacy = hall.candidacy(test)
    client = client_of(app, hall, candidacy)
    with writing(session):
        done = {"candidacy_id": candidacy.id, "kind": "other", "asked_at": utcnow(), "ended_at": utcnow()}
        session.add_all(HelpRequest(**done) for _ in range(MOST_REQUESTS))
    assert ask(client, test.id).status_code == 409
    assert len(requests(session)) == MOST_REQUESTS
