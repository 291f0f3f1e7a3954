"""Schedules are made from compose forms, shown, changed and cancelled (R29)."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.messaging.compose_form import HTMX, fields_of, open_dialog, post
from tests.messaging.scheduling import MINUTE, local, schedule
from webapp.clock import utcnow
from webapp.models import Schedule, Test, User

IN_TEN = 10 * MINUTE


def made(session: Session) -> int:
    """How many schedules there are."""
    session.rollback()
    return session.scalar(select(func.count()).select_from(Schedule)) or 0


def page_of(browser: FlaskClient, number: int) -> str:
    """The page of a schedule."""
    answer = browser.get(f"/messages/scheduled/{number}")
    assert answer.status_code == 200
    return answer.text


def words_of(html: str) -> str:
    """What stands in a piece of HTML, in one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


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
