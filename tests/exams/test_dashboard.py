"""The dashboard: own tests with times and state, the message center, who is sent on to the monitor."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.exams.rows import browser_of, delivered, person_of
from tests.hall import Hall
from tests.statements import statements
from webapp.clock import utcnow
from webapp.models import Candidacy

pytestmark = pytest.mark.one_database


def test_an_early_test_is_shown_with_its_times_and_zone_and_cannot_be_started(app: Flask, hall: Hall) -> None:
    """On one line, without seconds; the zone stands beside it (trap 24), and scripts hide it if the device has it."""
    start = utcnow() + timedelta(minutes=30)
    candidacy = hall.candidacy(hall.test("Logic", starts_at=start), started_at=None, entered_at=None)
    page = browser_of(app, person_of(hall, candidacy)).get("/").text
    assert "Logic" in page
    assert f'<time datetime="{start.isoformat(timespec="seconds")}"' in page
    end = start + timedelta(hours=3)
    times = re.search(r'<p class="times">(.*?)</p>', page, re.DOTALL)
    assert times
    words = re.sub(r"<[^>]*>", "", times[1]).split()
    assert words[-1] == "UTC"
    assert f"{start:%H:%M}–{end:%H:%M}" in words or end.date() != start.date()
    assert f'title="{start:%-d %b %Y %H:%M:%S} UTC"' in times[1]
    assert "Not open yet" in page
    assert re.search(r"<button[^>]* disabled>Start the test<", page)


def test_own_end_counts_extra_and_incident_minutes(app: Flask, hall: Hall) -> None:
    test = hall.test()
    ends_at = test.ends_at
    candidacy = hall.candidacy(test, extra_minutes=15, incident_minutes=1)
    page = browser_of(app, person_of(hall, candidacy)).get("/").text
    assert (ends_at + timedelta(minutes=16)).isoformat(timespec="seconds") in page
    assert "15 min extra time and 1 min for an incident included" in page


def test_room_and_seat_are_shown_as_far_as_they_are_known(app: Flask, hall: Hall) -> None:
    candidacy = hall.candidacy(hall.test(), room="Sal <A>", seat="24F", started_at=None)
    page = browser_of(app, person_of(hall, candidacy)).get("/").text
    assert "Sal &lt;A&gt;</bdi></dd>" in page
    assert "24F</bdi></dd>" in page
    assert 'data-place="Sal &lt;A&gt; · 24F"' in page
    nowhere = hall.candidacy(hall.test("Logic"), room="", started_at=None)
    page = browser_of(app, person_of(hall, nowhere)).get("/").text
    assert "<dt>Room</dt>" not in page
    assert "<dt>Seat</dt>" not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"started_at": None}, "Start the test"),
        ({}, "Continue"),
        ({"paused_at": utcnow()}, "Paused"),
        ({"submitted_at": utcnow()}, "Submitted"),
        ({"withdrawn_at": utcnow()}, "withdrawn"),
    ],
)
def test_each_state_is_said_in_words(app: Flask, hall: Hall, fields: dict[str, object], words: str) -> None:
    candidacy = hall.candidacy(hall.test(), **fields)
    assert words in browser_of(app, person_of(hall, candidacy)).get("/").text


@pytest.mark.parametrize(
    ("before_start", "entered"),
    [(timedelta(minutes=61), False), (timedelta(minutes=59), True), (timedelta(hours=-4), False)],
)
def test_entering_is_noted_from_an_hour_before_to_the_own_end(
    app: Flask, hall: Hall, session: Session, before_start: timedelta, entered: bool
) -> None:
    test = hall.test(starts_at=utcnow() + before_start)
    candidacy = hall.candidacy(test, started_at=None, entered_at=None)
    number = candidacy.id
    browser_of(app, person_of(hall, candidacy)).get("/")
    session.rollback()
    assert (session.get_one(Candidacy, number).entered_at is not None) is entered


def test_entering_is_noted_once(app: Flask, hall: Hall, session: Session) -> None:
    candidacy = hall.candidacy(hall.test(), started_at=None, entered_at=None)
    number = candidacy.id
    client = browser_of(app, person_of(hall, candidacy))
    client.get("/")
    session.rollback()
    first = session.get_one(Candidacy, number).entered_at
    client.get("/")
    session.rollback()
    assert session.get_one(Candidacy, number).entered_at == first


def test_a_message_from_before_is_there_on_entering_as_notice_and_in_the_center(app: Flask, hall: Hall) -> None:
    """R10, R12 and trap 8: without any stream."""
    candidacy = hall.candidacy(hall.test(), started_at=None)
    number = delivered(hall, candidacy, subject="Fire <b>drill</b>", body="Stay\n  seated")
    page = browser_of(app, person_of(hall, candidacy)).get("/").text
    assert page.count(f'id="message-{number}"') == 1
    assert "Message from the chief invigilator" in page
    assert f'data-message="{number}"' in page
    assert "Fire &lt;b&gt;drill&lt;/b&gt;" in page
    assert "Stay\n  seated</div>" in page


def test_other_peoples_tests_and_messages_are_not_there(app: Flask, hall: Hall) -> None:
    """R13."""
    other = hall.candidacy(hall.test("Not mine"))
    delivered(hall, other, subject="Not for me")
    mine = hall.candidacy(hall.test("Mine"))
    page = browser_of(app, person_of(hall, mine)).get("/").text
    assert "Mine" in page
    assert "Not mine" not in page
    assert "Not for me" not in page


def test_staff_go_on_to_the_monitor_and_people_with_both_get_a_link(app: Flask, hall: Hall) -> None:
    test = hall.test()
    for person in (hall.contributor(test), hall.person(is_admin=True)):
        assert browser_of(app, person).get("/").location == "/monitor"
    both = hall.person()
    hall.contributor(test, user=both)
    hall.candidacy(hall.test("Theirs"), both)
    answer = browser_of(app, both).get("/")
    assert answer.status_code == 200
    assert 'href="/monitor"' in answer.text


def test_somebody_without_any_test_is_told_so(app: Flask, hall: Hall) -> None:
    page = browser_of(app, hall.person()).get("/").text
    assert "You have no tests here" in page
    assert 'href="/monitor"' not in page


def test_nobody_is_led_to_the_sign_in_page(app: Flask) -> None:
    assert browser_of(app).get("/").location.startswith("/login")


def test_titles_are_escaped(app: Flask, hall: Hall) -> None:
    """Trap 18."""
    candidacy = hall.candidacy(hall.test("<script>alert(1)</script>"))
    page = browser_of(app, person_of(hall, candidacy)).get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_candidates_error_page_keeps_the_notices(app: Flask, hall: Hall) -> None:
    """Trap 16: visible on every page that a candidate can be on."""
    candidacy = hall.candidacy(hall.test())
    number = delivered(hall, candidacy)
    answer = browser_of(app, person_of(hall, candidacy)).get("/not/there")
    assert answer.status_code == 404
    assert f'id="message-{number}"' in answer.text


def test_staff_and_strangers_get_plain_error_pages(app: Flask, hall: Hall) -> None:
    for client in (browser_of(app), browser_of(app, hall.contributor(hall.test()))):
        assert "data-notices-strip" not in client.get("/not/there").text


def test_without_javascript_the_page_says_what_is_missing(app: Flask, hall: Hall) -> None:
    """R20."""
    page = browser_of(app, person_of(hall, hall.candidacy(hall.test()))).get("/").text
    noscript = page[page.index("<noscript>") : page.index("</noscript>")]
    assert "JavaScript" in noscript
    assert "Reload" in noscript


def test_open_notices_are_read_once_for_strip_count_and_message_center(app: Flask, hall: Hall) -> None:
    browser = browser_of(app, person_of(hall, hall.candidacy(hall.test())))
    for address in ("/", "/inbox"):
        with statements(app) as made:
            assert browser.get(address).status_code == 200
        assert len([statement for statement in made if "closed_at IS NULL" in statement]) == 1
