"""The hall display: what a room sees of its time, without names; the latest message to all of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.actions.incident import end, number_of, picked, start
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, open_dialog, post
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Role, Test, User

MINUTE = timedelta(minutes=1)


def words(html: str) -> str:
    """What the display says, in one line."""
    shown = html[html.index('id="hall"') :].partition('<div class="hall-foot"')[0]
    shown = re.sub(r"<caption.*?</thead>|</time>", "", shown.partition(">")[2], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", shown).split())


def display(client: FlaskClient, query: str) -> str:
    answer = client.get(f"/display?{query}")
    assert answer.status_code == 200, answer.text
    return words(answer.text)


def at_work(session: Session, **fields: object) -> None:
    with writing(session):
        session.execute(update(Candidacy).values(**fields))


@pytest.fixture
def zone(app: Flask) -> ZoneInfo:
    object.__setattr__(app.config["SETTINGS"], "timezone", ZoneInfo("Europe/Stockholm"))
    return ZoneInfo("Europe/Stockholm")


def test_own_ends_are_counted_and_nobody_is_named(app: Flask, hall: Hall, session: Session) -> None:
    """Who has submitted or is withdrawn has no end any more; another room and another test are not of it."""
    with time_machine.travel(datetime(2026, 12, 1, 9, 0, 30, tzinfo=UTC), tick=False):
        test = hall.test("Algebra", ends_at=utcnow() + 71.5 * MINUTE)
        other = hall.test("Law <b>", ends_at=utcnow() + 131.5 * MINUTE)
        hall.candidacies(test, 3)
        hall.candidacy(test, hall.person("Zoe Quill"), number="SECRET7", seat="24F", extra_minutes=15)
        hall.candidacy(test, extra_minutes=10, incident_minutes=5, started_at=None)
        for fields in ({"submitted_at": utcnow()}, {"withdrawn_at": utcnow()}, {"room": "Room 2"}):
            hall.candidacy(test, **fields)
        hall.candidacy(other)
        chief = signed_in(app, hall.contributor(test, other, role=Role.CHIEF_INVIGILATOR))
        shown = chief.get(f"/display?test={test.id}&room=Room+1")
        assert "Zoe" not in shown.text
        assert "SECRET7" not in shown.text
        assert "24F" not in shown.text
        said = words(shown.text)
        assert said.startswith("Algebra Room 1 Time: 09:00 ")
        assert "10:12 1 h 12 min left 3 candidates 10:27 1 h 27 min left 2 candidates" in said
        assert "4 candidates" in display(chief, f"test={test.id}")
        both = display(chief, f"test={test.id}&test={other.id}&room=Room+1")
        assert both.startswith("Algebra Law &lt;b&gt; Room 1")
        assert "3 candidates · Algebra" in both
        assert "11:12 2 h 12 min left 1 candidate · Law &lt;b&gt;" in both
        for minutes in range(20, 50, 5):
            hall.candidacy(test, extra_minutes=minutes)
        assert "later until 10:57 at the latest 3 candidates" in display(chief, f"test={test.id}")


@pytest.mark.one_database
@pytest.mark.usefixtures("at_noon")
def test_it_goes_on_to_the_end(app: Flask, hall: Hall, session: Session) -> None:
    """Before the start, after an end, when all have submitted, when the test is closed."""
    test = hall.test("Algebra", starts_at=utcnow() + 30 * MINUTE, ends_at=utcnow() + 90 * MINUTE)
    test_id = test.id
    hall.candidacies(test, 2, started_at=None)
    client = signed_in(app, hall.contributor(test, role=Role.PLANNER))
    early = display(client, f"test={test_id}")
    assert re.search(r"Starts at \d\d:\d\d", early)
    assert "min left" not in early

    def moved(**fields: object) -> str:
        with writing(session):
            session.execute(update(Test).values(**fields))
        return display(client, f"test={test_id}")

    over = moved(starts_at=utcnow() - 90 * MINUTE, ends_at=utcnow() - MINUTE)
    assert "time is up 2 candidates" in over
    at_work(session, submitted_at=utcnow())
    assert "Nobody is writing any more." in display(client, f"test={test_id}")
    assert "This test is closed." in moved(closed_at=utcnow())


@pytest.mark.one_database
def test_unchanged_is_304_and_changes_with_the_minute(app: Flask, hall: Hall) -> None:
    test = hall.test()
    one = hall.candidacy(test)
    user, now = hall.contributor(test), utcnow().replace(second=1)
    with time_machine.travel(now, tick=False) as clock:
        client = signed_in(app, user)
        tag = client.get(f"/display?test={test.id}", headers=HTMX).headers["HX-PTag"]

        def again() -> int:
            return client.get(f"/display?test={test.id}", headers={**HTMX, "HX-PTag": tag}).status_code

        assert again() == 304
        clock.shift(timedelta(seconds=50))
        assert again() == 304
        clock.shift(timedelta(seconds=20))
        assert again() == 200
        clock.move_to(now)
        assert again() == 304
        at_work(hall.session, extra_minutes=Candidacy.extra_minutes + 5)
        assert again() == 200
    assert one


def test_r6_only_what_one_may_watch(app: Flask, hall: Hall) -> None:
    """As the monitor: 400 for what is not mine or unknown, 403 for who has no open test. A limit to a room limits."""
    test, other = hall.test("Algebra"), hall.test("Law")
    hall.candidacies(test, 2)
    hall.candidacies(test, 3, room="Room 2")
    one = hall.candidacy(other)
    limited = signed_in(app, hall.contributor(test, room="Room 2"))
    said = display(limited, f"test={test.id}")
    assert said.startswith("Algebra Room 2")
    assert "3 candidates" in said
    for query in (
        f"test={other.id}", f"test={test.id}&room=Room+1", f"test={test.id}&room=Nowhere", "room=Room+2", "test=x",
        "test=9999", f"test={test.id}&state=writing", f"test={test.id}&q=a", f"test={test.id}&sort=name",
    ):  # fmt: skip
        assert limited.get(f"/display?{query}", headers=HTMX).status_code == 400, query
    assert limited.get(f"/display?test={other.id}").status_code == 400
    choice = limited.get("/display").text
    assert f'href="/display?test={test.id}&amp;room=Room+2"' in choice
    assert "Law" not in choice
    assert "Room 1" not in choice
    assert signed_in(app, hall.session.get_one(User, one.user_id)).get("/display").status_code == 403
    early = signed_in(app, hall.contributor(hall.test("Art", starts_at=utcnow() + 90 * MINUTE)))
    assert early.get("/display").status_code == 403
    assert "opens at" in early.get("/display").text


@pytest.mark.usefixtures("at_noon")
def test_a_pause_is_told_if_it_concerns_the_room(app: Flask, hall: Hall, session: Session) -> None:
    """One person's pause is nobody's business; an incident is told also where it concerns a part."""
    test = hall.test()
    ids = [one.id for one in hall.candidacies(test, 4)]
    chief = hall.contributor(test, role=Role.CHIEF_INVIGILATOR)
    client, query = signed_in(app, chief), f"test={test.id}"
    with writing(session):
        session.execute(update(Candidacy).where(Candidacy.id == ids[0]).values(paused_at=utcnow()))
    assert "aused" not in display(client, query)
    at_work(session, paused_at=utcnow())
    assert re.search(r"Paused since \d\d:\d\d\. \d\d:\d\d", display(client, query))
    at_work(session, paused_at=None)
    action = start(session, chief, picked(*ids[:2]), at=utcnow())
    part = display(client, query)
    assert re.search(r"Paused for 2 candidates since \d\d:\d\d\. The time lost is given back", part)
    start(session, chief, picked(*ids[2:]), at=utcnow())
    assert re.search(r"Paused since \d\d:\d\d\. The time lost", display(client, query).replace("for 4 candidates ", ""))
    end(session, chief, number_of(action), utcnow())
    assert "Paused for 2 candidates" in display(client, query)


@pytest.mark.one_database
def test_hostile_and_long_texts(app: Flask, hall: Hall) -> None:
    """Escaped, and as much as can be read."""
    test = hall.test("<i>Test</i>")
    hall.candidacies(test, 5, room="<script>")
    client = signed_in(app, hall.contributor(test))
    body = "<img src=x>\n" * 20 + "word " * 700
    post(client, open_dialog(client, scope="filtered"), subject="<b>S</b>", body=body)
    page = client.get(f"/display?test={test.id}&room=%3Cscript%3E").text
    assert "<img" not in page
    assert "<b>S" not in page
    assert "<i>Test" not in page
    said = words(page)
    assert said.count("&lt;img") == 8
    assert said.endswith("… The whole message is on your own screen, under Messages.")
    assert "word" not in said


@pytest.mark.one_database
def test_trap_24_the_nights_of_a_clock_change(app: Flask, hall: Hall, session: Session, zone: ZoneInfo) -> None:
    """Trap 24: where an hour comes twice, times have their offset; what is left is true in both nights."""
    autumn = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # 01:30; at 01:00 UTC it is 02:00 again
    test = hall.test(starts_at=autumn - 60 * MINUTE, ends_at=autumn + 45 * MINUTE)
    hall.candidacy(test)
    hall.candidacy(test, extra_minutes=60)
    hall.candidacy(test, extra_minutes=120)
    admin = hall.person(is_admin=True)
    with time_machine.travel(autumn, tick=False) as clock:
        client, query = signed_in(app, admin), f"test={test.id}"
        said = display(client, query)
        assert "Time: 01:30 02:15 UTC+2 45 min left" in said
        assert "02:15 UTC+1 1 h 45 min left" in said
        assert "03:15 2 h 45 min left" in said
        clock.move_to(autumn + 40 * MINUTE)
        assert "Time: 02:10 UTC+2 02:15 UTC+2 5 min left" in display(client, query)
        clock.move_to(autumn + 100 * MINUTE)
        assert "Time: 02:10 UTC+1 02:15 UTC+2 time is up 1 candidate 02:15 UTC+1 5 min left" in display(client, query)
    spring = datetime(2027, 3, 28, 0, 50, tzinfo=UTC)  # 01:50; ten minutes later it is 03:00
    with writing(session):
        session.execute(update(Test).values(starts_at=spring - 60 * MINUTE, ends_at=spring + 45 * MINUTE))
    with time_machine.travel(spring, tick=False):
        said = display(signed_in(app, admin), query)
        assert "Time: 01:50 03:35 45 min left" in said
        assert "UTC" not in said
