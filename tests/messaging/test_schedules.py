"""Schedules are made from compose forms, which say what a time means (R29, R2)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.hall import Hall
from tests.messaging.compose_form import HTMX, csrf, fields_of, open_dialog, post
from tests.messaging.scheduling import MINUTE, local, schedule, words_of
from tests.messaging.written import counts
from webapp.clock import utcnow
from webapp.messaging.exceptions import BadTime
from webapp.messaging.when import When, WhenKind
from webapp.models import Schedule, Test, User
from webapp.planning.closing import set_closed

IN_TEN = 10 * MINUTE


def made(session: Session) -> int:
    """How many schedules there are."""
    session.rollback()
    return session.scalar(select(func.count()).select_from(Schedule)) or 0


@pytest.mark.one_database
@pytest.mark.usefixtures("at_noon")
def test_r29_the_form_says_when_it_goes_to_how_many(
    app: Flask, hall: Hall, test: Test, sender: User, browser: FlaskClient
) -> None:
    """From the real own ends, as the choice is made and without a script; who has less time is listed."""
    ends = {extra: test.ends_at + timedelta(minutes=extra) for extra in (0, 15, 30)}
    for extra in (0, 0, 15, 30):
        hall.candidacy(test, extra_minutes=extra)
    short = hall.test("Law", ends_at=utcnow() + 5 * MINUTE)
    hall.contributor(short, user=sender)
    hall.candidacy(short, hall.person("Eva Ek"), number="B7")
    form = open_dialog(browser, scope="filtered")
    asked = {**form.to_dict(flat=True), "when": "before_end", "minutes": "15"}
    due = [f"{(end - 15 * MINUTE).astimezone(app.config['SETTINGS'].timezone):%H:%M}" for end in ends.values()]
    for answer in (
        browser.post("/messages/when", data=asked, headers=HTMX),
        browser.post("/messages/new", data=asked),
    ):
        assert answer.status_code == 200
        words = words_of(answer.text)
        assert f"{due[0]} for 2, {due[1]} and {due[2]} for 2 with extra time" in words
        assert "it is for 5 people" in words
        assert "1 person has less time left already: Eva Ek (B7)" in words
        assert "Send it to them now" in words


def test_r2_the_same_form_again_is_the_same_schedule_and_another_content_is_refused(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    later = {"when": "at", "at": local(app, utcnow() + IN_TEN)}
    first = schedule(browser, form, **later)
    assert first.headers["Location"] == schedule(browser, form, **later).headers["Location"]
    for change in ({"body": "Other"}, {"when": "now"}, {"at": local(app, utcnow() + 2 * IN_TEN)}):
        refused = schedule(browser, form, **{**later, **change})
        assert refused.status_code == 409
        assert first.headers["Location"] in refused.text
        assert fields_of(refused)["idempotency_key"] != form["idempotency_key"]
    sent = open_dialog(browser, scope="filtered")
    assert post(browser, sent).status_code == 201
    assert schedule(browser, sent, **later).status_code == 409
    assert made(session) == 1


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"when": "at", "at": ""}, "Choose a time."),
        ({"when": "at", "at": "tomorrow"}, "This is no time."),
        ({"when": "at", "at": "2026-11-28T14:45:30"}, "This is no time."),
        ({"when": "at", "at": "2020-02-30T14:45"}, "This is no time."),
        ({"when": "at", "at": "2020-02-20T14:45"}, "This time has passed."),
        ({"when": "at", "at": "2998-12-31T23:59"}, "have ended by then"),
        ({"when": "before_end", "minutes": ""}, "Write how many minutes"),
        ({"when": "before_end", "minutes": "a few"}, "as a whole number"),
        ({"when": "before_end", "minutes": "-5"}, "as a whole number"),
        ({"when": "before_end", "minutes": "1.5"}, "as a whole number"),
        ({"when": "before_end", "minutes": "١٥"}, "as a whole number"),
        ({"when": "before_end", "minutes": "0"}, "Choose 1 to 240 minutes"),
        ({"when": "before_end", "minutes": "241"}, "Choose 1 to 240 minutes"),
        ({"when": "before_end", "minutes": "99999999999999"}, "as a whole number"),
        ({"when": "before_end", "minutes": "200"}, "Nobody has more than this many minutes left"),
        ({"when": "at", "subject": ""}, "Please write a subject"),
    ],
)
@pytest.mark.one_database
def test_r29_a_bad_time_is_refused_beside_its_field_with_the_text_kept(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session, fields: dict[str, str], words: str
) -> None:
    """Also with the same words while it is chosen."""
    hall.candidacy(test)
    given = {"body": "Fifteen\nminutes left", "at": local(app, utcnow() + IN_TEN), **fields}
    refused = schedule(browser, **given)
    assert refused.status_code == 422
    shown = words_of(refused.text)
    assert words in shown
    assert "Fifteen\nminutes left" in refused.text
    field = "subject" if "subject" in fields else ("at" if fields["when"] == "at" else "minutes")
    assert re.search(rf'name="{field}" value="{re.escape(given[field])}"[^>]*aria-invalid="true"', refused.text)
    assert f'value="{fields["when"]}" checked' in refused.text
    assert counts(session) == (0, 0, 0, 0)
    assert made(session) == 0
    if field != "subject":
        asked = browser.post("/messages/when", data={**fields_of(refused).to_dict(), **given}, headers=HTMX)
        assert (asked.status_code, words in words_of(asked.text)) == (200, True)


@pytest.mark.one_database
def test_r29_what_is_no_choice_is_a_bad_request(hall: Hall, test: Test, browser: FlaskClient, session: Session) -> None:
    hall.candidacy(test)
    corrected = post(browser, open_dialog(browser, scope="filtered")).headers["Location"].rpartition("/")[2]
    assert schedule(browser, when="before_end", minutes="15", corrects=corrected).status_code == 400
    for fields in ({"when": "later"}, {"when": "before_end", "minutes": "15", "late": "yes"}):
        assert schedule(browser, **fields).status_code == 400
        assert browser.post("/messages/when", data={**fields, "csrf_token": csrf(browser)}).status_code == 400
    assert made(session) == 0


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("now", "typed", "at"),
    [
        ("2026-10-24 20:00", "2026-10-25T02:30", "2026-10-25 00:30"),
        ("2026-10-25 00:31", "2026-10-25T02:30", "2026-10-25 01:30"),
        ("2026-10-25 01:31", "2026-10-25T02:30", "past"),
        ("2027-03-27 20:00", "2027-03-28T02:30", "skipped"),
        ("2027-03-27 20:00", "2027-03-28T03:00", "2027-03-28 01:00"),
    ],
)
def test_r29_a_time_in_the_night_of_a_clock_change(now: str, typed: str, at: str) -> None:
    """The first of two that is still to come; one that does not exist is refused."""
    zone, moment = ZoneInfo("Europe/Stockholm"), datetime.fromisoformat(f"{now}+00:00")
    choice = When(WhenKind.AT, typed)
    if at in ("past", "skipped"):
        with pytest.raises(BadTime) as refused:
            choice.timing(moment, zone)
        assert refused.value.problems["at"].kind == at
    else:
        assert choice.timing(moment, zone).at == datetime.fromisoformat(f"{at}+00:00")


@pytest.mark.one_database
def test_r29_whom_nobody_can_reach_is_refused(
    app: Flask, hall: Hall, test: Test, sender: User, browser: FlaskClient, session: Session
) -> None:
    """An empty room, too many, another one's candidates, a closed test. Whoever may match one day is no reason."""
    other = hall.test("Law")
    stranger = hall.candidacy(other)
    hall.candidacies(test, 2, room="Aula", started_at=None)
    later = {"when": "at", "at": local(app, utcnow() + IN_TEN)}
    empty = open_dialog(browser, scope="filtered", room="Aula", q="nobody of that name")
    waits = schedule(browser, open_dialog(browser, scope="filtered", room="Aula", state="writing"), **later)
    assert waits.status_code == 201
    assert schedule(browser, empty, **later).status_code == 201  # a phrase may match another day
    refused = {
        404: {"candidate": str(stranger.id)},
        400: {"scope": "filtered", "room": "Nowhere"},
        422: {"scope": "filtered", "room": ""},
    }
    for status, audience in refused.items():
        form = MultiDict({**audience, "csrf_token": csrf(browser), "idempotency_key": f"key-{status}"})
        assert schedule(browser, form, **later).status_code == status
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], max_recipients=1)
    many = schedule(browser, open_dialog(browser, scope="filtered"), **later)
    assert (many.status_code, "This would reach 2 people" in many.text) == (422, True)
    assert made(session) == 2
    assert set_closed(session, test.title, test.start_date, closed=True, now=utcnow())
    form = MultiDict({"scope": "filtered", "csrf_token": csrf(browser), "idempotency_key": "key"})
    assert schedule(browser, form, **later).status_code == 403
