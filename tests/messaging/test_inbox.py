"""The message center and the notices not closed (R5, R8, R9, R10, R12, R13)."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf, open_dialog, post
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.extensions import db
from webapp.messaging import inbox
from webapp.models import Candidacy, Delivery, Message, User


@pytest.fixture
def candidacy(hall: Hall) -> Candidacy:
    return hall.candidacy(hall.test())


@pytest.fixture
def invigilator(app: Flask, hall: Hall, candidacy: Candidacy, session: Session) -> FlaskClient:
    other = hall.test("Law")
    hall.candidacy(other, session.get_one(User, candidacy.user_id))
    test = hall.test("Physics")
    hall.candidacy(test)
    contributor = hall.contributor(other)
    return signed_in(app, contributor)


@pytest.fixture
def candidate(app: Flask, session: Session, candidacy: Candidacy) -> FlaskClient:
    return signed_in(app, session.get_one(User, candidacy.user_id))


def close(client: FlaskClient, *numbers: object) -> int:
    answer = client.post(
        "/inbox/close", data={"message": [str(n) for n in numbers]}, headers={"X-CSRFToken": csrf(client)}
    )
    return answer.status_code


def open_numbers(client: FlaskClient) -> list[str]:
    return re.findall(r'id="message-(\d+)"', client.get("/inbox/new", headers=HTMX).text)


def test_r10_a_message_waits_for_who_is_not_online_and_shows_on_the_dashboard(
    invigilator: FlaskClient, candidate: FlaskClient
) -> None:
    post(invigilator, open_dialog(invigilator, scope="filtered"), subject="Waiting for you")
    page = candidate.get("/").text
    assert 'id="message-1"' in page
    assert page.count("Waiting for you") == 2  # as a notice, and in the list


def test_r9_a_notice_stays_until_it_is_closed_and_the_message_for_good(
    invigilator: FlaskClient, candidate: FlaskClient
) -> None:
    for subject in ("One", "Two"):
        post(invigilator, open_dialog(invigilator, scope="filtered"), subject=subject)
    assert open_numbers(candidate) == open_numbers(candidate) == ["2", "1"]
    assert close(candidate, 1) == 204
    assert open_numbers(candidate) == ["2"]
    page = candidate.get("/inbox").text
    assert page.index(">Two<") < page.rindex(">One<")
    assert "2 in total, 1 new" in page
    assert close(candidate, 1, 2) == 204
    assert open_numbers(candidate) == []


@pytest.mark.one_database
def test_r12_role_subject_body_and_local_time_with_zone(
    app: Flask, invigilator: FlaskClient, candidate: FlaskClient, session: Session
) -> None:
    post(invigilator, open_dialog(invigilator, scope="filtered"), subject="<i>Hall</i>", body="One\n  two <b>")
    with writing(session):
        session.scalars(select(Message)).one().sent_at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    object.__setattr__(app.config["SETTINGS"], "timezone", ZoneInfo("Europe/Stockholm"))
    page = candidate.get("/inbox").text
    assert "Invigilator" in page
    assert "&lt;i&gt;Hall&lt;/i&gt;" in page
    assert "One\n  two &lt;b&gt;" in page
    # trap 24: half an hour after the clocks went from 2:00 to 3:00
    assert '<time datetime="2026-03-29T03:30:00+02:00"' in page
    assert "29 Mar 2026 03:30:00 CEST" in page


def test_r13_nobody_sees_or_closes_what_is_another_persons(
    app: Flask, hall: Hall, invigilator: FlaskClient, candidate: FlaskClient, session: Session
) -> None:
    post(invigilator, open_dialog(invigilator, scope="filtered"), subject="Private")
    stranger = signed_in(app, session.get_one(User, hall.candidacy(hall.test("Art")).user_id))
    assert "Private" not in stranger.get("/inbox").text
    assert "Private" not in stranger.get("/inbox?user=1&channel=1").text
    assert close(stranger, 1) == 204
    assert open_numbers(candidate) == ["1"]


@pytest.mark.one_database
def test_closing_twice_or_what_is_not_there_does_nothing(
    invigilator: FlaskClient, candidate: FlaskClient, session: Session
) -> None:
    post(invigilator, open_dialog(invigilator, scope="filtered"))
    close(candidate, 1)
    session.rollback()
    first = session.scalars(select(Delivery.closed_at)).one()
    session.rollback()
    assert close(candidate, 1, 99) == 204
    assert session.scalars(select(Delivery.closed_at)).one() == first
    assert close(candidate) == 204


@pytest.mark.one_database
@pytest.mark.parametrize("number", ["x", "-1", "9" * 40, "1;2"])
def test_a_number_that_is_none_is_refused(candidate: FlaskClient, number: str) -> None:
    assert close(candidate, number) == 400


def test_only_what_was_open_is_announced_as_closed(
    session: Session, invigilator: FlaskClient, candidacy: Candidacy
) -> None:
    post(invigilator, open_dialog(invigilator, scope="filtered"))
    assert inbox.close(session, candidacy.user_id, [1, 1, 7]) == [1]
    assert inbox.close(session, candidacy.user_id, [1]) == []


@pytest.mark.only_on("sqlite")
def test_a_closing_that_has_waited_is_one_of_the_last_seconds(
    app: Flask, session: Session, invigilator: FlaskClient, candidacy: Candidacy
) -> None:
    """Other processes look back a few seconds from when it can be seen: its moment is that of the write.

    PostgreSQL lets closings of different people write at the same time.
    """
    post(invigilator, open_dialog(invigilator, scope="filtered"))
    user_id = candidacy.user_id

    def close_it() -> list[int]:
        with app.app_context():
            return inbox.close(db.session(), user_id, [1])

    with ThreadPoolExecutor(1) as tab:
        with writing(session):
            session.execute(update(Delivery).values(closed_at=None))  # holds what the closing writes
            closing = tab.submit(close_it)
            with pytest.raises(TimeoutError):
                closing.result(timeout=0.5)
            written = utcnow()
        assert closing.result(timeout=10) == [1]
    session.rollback()
    assert session.scalars(select(Delivery.closed_at)).one() >= written


def test_pages_of_a_person_are_kept_by_nobody(candidate: FlaskClient) -> None:
    for address in ("/", "/inbox", "/inbox/new"):
        answer = candidate.get(address)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "HX-Request" in answer.headers["Vary"]
