"""The page of a schedule: what has become of it, changing and cancelling it, for whom (R29)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf, open_dialog
from tests.messaging.scheduling import MINUTE, SECOND, Process, got, local, number_of, schedule, state_of, words_of
from webapp.clock import utcnow
from webapp.models import LogEntry, Message, Role, Test, User

IN_TEN = 10 * MINUTE


def page_of(browser: FlaskClient, number: int) -> str:
    """The page of a schedule."""
    answer = browser.get(f"/messages/scheduled/{number}")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.one_database
@pytest.mark.usefixtures("at_noon")
def test_r29_its_page_tells_what_has_become_of_it(
    app: Flask, hall: Hall, test: Test, sender: User, browser: FlaskClient, session: Session
) -> None:
    """State, count, times, text, audience, batches, who has less time; it is in the list of messages and in the log."""
    one, longer = hall.candidacy(test, room="Aula"), hall.candidacy(test, room="Aula", extra_minutes=30)
    form = open_dialog(browser, scope="filtered", room="Aula")
    number = number_of(schedule(browser, form, when="before_end", minutes="15", subject="<b>15 left</b>"))
    shown = page_of(browser, number)
    assert 'data-state="waiting" data-persons="0" data-missed="0"' in shown
    assert "<b>15 left" not in shown
    words = words_of(shown)
    assert "Room: Aula" in words
    assert "15 minutes before each one’s own end" in words
    assert re.search(r"\d\d:\d\d for 1, \d\d:\d\d for 1 with extra time", words)
    listed = browser.get("/messages").text
    assert f'data-schedule="{number}" data-state="waiting"' in listed
    process = Process(session, test.ends_at - 15 * MINUTE)
    assert process.look() == [[one.user_id]]
    message = session.scalars(select(Message)).one()
    shown = page_of(browser, number)
    assert 'data-state="waiting" data-persons="1" data-missed="0"' in shown
    assert f'href="/messages/{message.id}" data-batch="{message.id}"' in shown
    process.look(32 * MINUTE)
    process.restart()
    process.look(20 * MINUTE)
    shown = page_of(browser, number)
    assert 'data-state="sent" data-persons="1" data-missed="1"' in shown
    assert "This message did not go to everybody." in shown
    actions = session.scalars(select(LogEntry.action).order_by(LogEntry.id)).all()
    assert actions == ["schedule.made", "message.sent", "schedule.missed"]
    for entry in session.scalars(select(LogEntry.id)).all():
        answer = browser.get(f"/log/{entry}")
        assert (answer.status_code, "15 left" in answer.text) == (200, True)
    assert longer.user_id not in got(session)


def test_r29_it_can_be_changed_and_cancelled_until_it_is_due(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    """Not by a form that shows what a colleague has changed, nor when it is too late. The log has each step."""
    one = hall.candidacy(test)
    at = (utcnow() + 2 * IN_TEN).replace(second=0, microsecond=0)
    number = number_of(schedule(browser, when="at", at=local(app, at)))
    address = f"/messages/scheduled/{number}"

    def change(**fields: str) -> TestResponse:
        return browser.post(address, data={**form, **fields})

    form = {**fields_of_change(page_of(browser, number)), "subject": "Other", "body": "Two\r\nlines", "when": "at"}
    for bad in ({"at": "2020-01-01T10:00"}, {"body": ""}, {"when": "before_end", "minutes": "500"}):
        refused = change(**{"at": local(app, at), **bad})
        assert (refused.status_code, 'value="Other"' in refused.text) == (422, True)
    assert change(at=local(app, at), when="now").status_code == 400
    assert change(at=local(app, at)).status_code == 303
    stale = change(at=local(app, at), subject="Mine")
    assert (stale.status_code, 'value="Mine"' in stale.text) == (409, True)
    assert "Somebody else has changed this message" in stale.text
    form |= fields_of_change(stale.text)
    assert change(at=local(app, at - IN_TEN), level="important").status_code == 303
    process = Process(session, at - IN_TEN)
    assert process.look() == [[one.user_id]]
    message = session.scalars(select(Message)).one()
    assert (message.subject, message.body, message.level) == ("Other", "Two\nlines", "important")
    for late in (change(at=local(app, at)), browser.post(f"{address}/cancel", data=form)):
        assert (late.status_code, 'data-state="sent"' in late.text) == (409, True)
    second = number_of(schedule(browser, when="at", at=local(app, at)))
    for _ in range(2):
        cancelled = browser.post(f"/messages/scheduled/{second}/cancel", data=form, headers=HTMX)
        assert (cancelled.status_code, 'data-state="cancelled"' in cancelled.text) == (200, True)
    assert process.look(IN_TEN) == []
    actions = session.scalars(select(LogEntry.action).order_by(LogEntry.id)).all()
    steps = ["made", "changed", "changed", "made", "cancelled"]
    assert [each.partition(".")[2] for each in actions if each.startswith("schedule.")] == steps


def fields_of_change(html: str) -> dict[str, str]:
    """The hidden fields of the form that changes a schedule."""
    form = html[html.index('id="schedule-form"') :]
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))


@pytest.mark.one_database
def test_r29_another_time_counts_from_the_change_on(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    """What would have been due before is not missed, and who has it does not get it again."""
    left = int((test.ends_at - utcnow()) / MINUTE)
    one, longer = hall.candidacy(test), hall.candidacy(test, extra_minutes=60)
    number = number_of(schedule(browser, when="before_end", minutes=str(left - 10)))
    form = fields_of_change(page_of(browser, number))
    form |= {"subject": "S", "body": "B", "when": "before_end", "minutes": str(left + 10)}
    assert browser.post(f"/messages/scheduled/{number}", data=form).status_code == 303
    process = Process(session, utcnow() + SECOND)
    assert process.look() == process.look(20 * MINUTE) == []
    assert 'data-missed="0"' in page_of(browser, number)
    process.now = test.ends_at + 60 * MINUTE - (left + 10) * MINUTE
    assert process.look() == [[longer.user_id]]
    assert one.user_id not in got(session)


@pytest.mark.thorough
@pytest.mark.one_database
def test_r29_who_may_see_and_change_it(app: Flask, hall: Hall, session: Session) -> None:
    """The author; chiefs and planners who watch all of its tests, as a whole."""
    first, second = hall.test("Algebra"), hall.test("Law")
    hall.candidacy(first), hall.candidacy(second)
    author = hall.contributor(first, second)
    number = number_of(schedule(signed_in(app, author), when="before_end", minutes="15"))
    chief, planner = Role.CHIEF_INVIGILATOR, Role.PLANNER
    half = hall.contributor(first, role=planner)
    hall.contributor(second, user=half, room="Room 1", role=chief)
    expected = {
        author: (200, 303),
        hall.contributor(first, second, role=chief): (200, 303),
        hall.contributor(first, second, role=planner): (200, 303),
        hall.contributor(first, second): (404, 404),
        hall.contributor(first, role=planner): (404, 404),
        half: (404, 404),
        hall.person(is_admin=True): (200, 403),
    }
    for person, (seen, cancelled) in expected.items():
        browser = signed_in(app, person)
        assert browser.get(f"/messages/scheduled/{number}").status_code == seen
        listed = browser.get("/messages").text
        assert (f'data-schedule="{number}"' in listed) == (seen == 200 and state_of(session, number)[0] == "waiting")
        answer = browser.post(f"/messages/scheduled/{number}/cancel", data={"csrf_token": csrf(browser)})
        assert answer.status_code == cancelled
