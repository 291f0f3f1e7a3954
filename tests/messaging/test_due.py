"""What is scheduled goes out when it is due, to each person once, or not at all (R29)."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf, open_dialog
from tests.messaging.scheduling import (
    MINUTE,
    SECOND,
    Process,
    got,
    local,
    missed,
    number_of,
    schedule,
    set_columns,
    state_of,
)
from tests.nightly import at_night
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.messaging.due import send_due
from webapp.models import Candidacy, Contribution, LogEntry, LogSubject, Message, Role, Schedule, Test, User
from webapp.planning.closing import set_closed


@pytest.fixture
def process(session: Session) -> Process:
    return Process(session, utcnow())


def reasons_logged(session: Session) -> list[tuple[str, int]]:
    """The reason of each log entry of a missed schedule, and how many candidacies it names."""
    session.rollback()
    entries = session.scalars(select(LogEntry).filter_by(action="schedule.missed").order_by(LogEntry.id)).all()
    subjects = list(session.scalars(select(LogSubject.entry_id)))
    return [(json.loads(entry.detail)["reason"], subjects.count(entry.id)) for entry in entries]


def test_r29_at_a_time_it_goes_to_the_filter_of_that_moment_once(
    app: Flask, hall: Hall, test: Test, sender: User, browser: FlaskClient, session: Session, process: Process
) -> None:
    """As a message of its author, with a log entry that names the schedule."""
    inside, moved = hall.candidacy(test, room="Aula"), hall.candidacy(test, room="Aula")
    form = open_dialog(browser, scope="filtered", test=test.id, room="Aula")
    at = (utcnow() + 10 * MINUTE).replace(second=0, microsecond=0)
    number = number_of(schedule(browser, form, when="at", at=local(app, at), level="important"))
    set_columns(session, moved, room="Sal 2")
    joined = hall.candidacy(test, room="Aula")

    process.now = at - SECOND
    assert process.look() == []
    assert process.look(2 * SECOND) == [sorted([inside.user_id, joined.user_id])]
    assert process.look(SECOND) == Process(session, process.now).look() == []
    assert state_of(session, number) == ("sent", "")
    message = session.scalars(select(Message)).one()
    assert (message.schedule_id, message.level, message.sender_id) == (number, "important", sender.id)
    entry = session.get_one(LogEntry, message.id)
    assert (entry.action, entry.actor_id, json.loads(entry.detail)["schedule"]) == ("message.sent", sender.id, number)


def test_r29_before_each_ones_own_end(app: Flask, hall: Hall, session: Session, process: Process) -> None:
    """Extra time counts, a changed end moves it, who has left the filter gets nothing, and nobody gets it twice."""
    ends = process.now + 60 * MINUTE
    test = hall.test(ends_at=ends)
    browser = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    usual, extended, longer, gone = (hall.candidacy(test, extra_minutes=extra) for extra in (0, 0, 30, 0))
    form = open_dialog(browser, scope="filtered", test=test.id, state=["writing", "offline"])
    number = number_of(schedule(browser, form, when="before_end", minutes="15"))

    assert process.look(44 * MINUTE) == []
    set_columns(session, extended, incident_minutes=10)
    set_columns(session, gone, submitted_at=utcnow())
    process.now = ends - 15 * MINUTE
    assert process.look() == [[usual.user_id]]
    set_columns(session, usual, extra_minutes=5)  # comes due once more, and has it
    set_columns(session, gone, submitted_at=None)  # was decided on when it was due
    assert process.look(5 * SECOND) == Process(session, process.now).look() == process.look(5 * MINUTE) == []
    assert process.look(5 * MINUTE) == [[extended.user_id]]
    assert Process(session, process.now).look(5 * SECOND) == []
    assert state_of(session, number) == ("waiting", "")
    assert process.look(20 * MINUTE) == [[longer.user_id]]
    assert state_of(session, number) == ("sent", "")
    assert got(session) == {usual.user_id: 1, extended.user_id: 1, longer.user_id: 1}


def test_r29_who_has_less_time_already_gets_it_at_once_by_choice(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, process: Process
) -> None:
    """Without the choice they get nothing; if their end moves, it is due for them as for others."""
    soon = test.ends_at - utcnow()
    before = int(soon / MINUTE) + 5
    late, later = hall.candidacy(test), hall.candidacy(test, extra_minutes=30)
    over = hall.test("Over", ends_at=utcnow() - MINUTE)
    hall.contributor(over, user=session.scalars(select(User).join(Contribution)).first())
    hall.candidacy(over)
    choices = {"when": "before_end", "minutes": str(before)}
    number = number_of(schedule(browser, **choices, late="now"))
    assert got(session) == {late.user_id: 1}
    assert session.scalars(select(Message.schedule_id)).all() == [number]
    other = number_of(schedule(browser, **choices))
    assert got(session) == {late.user_id: 1}
    set_columns(session, late, extra_minutes=20)
    process.now = test.ends_at + 20 * MINUTE - before * MINUTE
    assert process.look() == [[late.user_id]]
    assert process.look(10 * MINUTE) == [[later.user_id]] * 2
    assert state_of(session, number) == state_of(session, other) == ("sent", "")


@pytest.mark.one_database
def test_r29_more_than_a_minute_late_it_is_missed_and_not_sent(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session, process: Process
) -> None:
    """No process lived, or the clock stepped forward. Whoever comes due again in time still gets it."""
    usual, longer = hall.candidacy(test), hall.candidacy(test, extra_minutes=30)
    at = (utcnow() + 10 * MINUTE).replace(second=0, microsecond=0)
    fixed = [number_of(schedule(browser, when="at", at=local(app, at + minute * MINUTE))) for minute in (0, 1)]
    number = number_of(schedule(browser, when="before_end", minutes="15"))
    process.now = at + 61 * SECOND
    assert process.look() == [[usual.user_id, longer.user_id]]
    assert [state_of(session, each) for each in fixed] == [("missed", "late"), ("sent", "")]
    due = test.ends_at - 15 * MINUTE
    process.now = due + 61 * SECOND
    assert process.look() == []
    assert (missed(session, number), state_of(session, number)) == ({usual.user_id}, ("waiting", "late"))
    assert reasons_logged(session) == [("late", 2), ("late", 1)]
    process.now = due  # the clock is put back: that moment is decided on
    assert process.look() == []
    set_columns(session, usual, extra_minutes=10)
    assert process.look(10 * MINUTE + 60 * SECOND) == [[usual.user_id]]
    assert missed(session, number) == set()
    process.now = due + 40 * MINUTE
    assert process.look() == []
    process.restart()  # looks at once whether that was all
    process.look(6 * MINUTE)
    assert state_of(session, number) == ("sent", "late")
    assert missed(session, number) == {longer.user_id}


@pytest.mark.parametrize("when", ["at", "before_end"])
def test_r29_a_clock_put_back_brings_nobody_a_second_one(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session, process: Process, when: str
) -> None:
    one = hall.candidacy(test)
    hall.candidacy(test, extra_minutes=90)
    at = (utcnow() + 10 * MINUTE).replace(second=0, microsecond=0)
    minutes = int((test.ends_at - utcnow()) / MINUTE) - 10
    schedule(browser, when=when, at=local(app, at), minutes=str(minutes))
    process.now = at if when == "at" else test.ends_at - minutes * MINUTE
    assert len(process.look()) == 1
    for step in (-30 * MINUTE, 15 * MINUTE, 15 * MINUTE, -SECOND, SECOND):
        assert process.look(step) == Process(session, process.now).look() == []
    assert got(session)[one.user_id] == 1


@pytest.mark.thorough
@pytest.mark.one_database
@pytest.mark.parametrize("when", ["before_end", *at_night("at")])
@pytest.mark.parametrize("what", ["role taken", "deactivated", "closed", "emptied", "limited", "too many", "cancelled"])
def test_r29_what_happens_before_it_is_due_counts(
    app: Flask, hall: Hall, test: Test, sender: User, browser: FlaskClient, session: Session, process: Process,
    what: str, when: str,
) -> None:  # fmt: skip
    """Rights taken away, a closed test, nobody left, too many, cancelled at the last moment: nobody gets it."""
    people = [hall.candidacy(test, room="Aula"), hall.candidacy(test, room="Aula")]
    other = hall.test("Law")
    hall.contributor(other, user=sender)
    at = (utcnow() + 10 * MINUTE).replace(second=0, microsecond=0)
    minutes = int((test.ends_at - utcnow()) / MINUTE) - 10
    form = open_dialog(browser, scope="filtered", test=test.id, state=["writing", "offline"])
    number = number_of(schedule(browser, form, when=when, at=local(app, at), minutes=str(minutes)))
    process.now = at if when == "at" else test.ends_at - minutes * MINUTE
    assert process.look(-SECOND) == []
    mine = Contribution.user_id == sender.id, Contribution.test_id == test.id
    if what == "cancelled":
        cancelled = browser.post(f"/messages/scheduled/{number}/cancel", data={"csrf_token": csrf(browser)})
        assert cancelled.status_code == 303
        process.now += SECOND
        send_due(session, number, process.installation())  # a process that has seen it waiting right before
    elif what == "closed":
        assert set_closed(session, test.title, test.start_date, closed=True, now=utcnow())
    elif what == "too many":
        process.limit = 1
    else:
        with writing(session):
            if what == "role taken":
                session.execute(delete(Contribution).where(*mine))
            elif what == "deactivated":
                session.execute(update(User).where(User.id == sender.id).values(deactivated_at=utcnow()))
            elif what == "limited":
                session.execute(update(Contribution).where(*mine).values(room="Sal 2"))
            else:
                session.execute(update(Candidacy).values(submitted_at=utcnow()))
    reason = {
        "role taken": "not_allowed", "deactivated": "not_allowed", "closed": "no_open_test", "emptied": "no_recipients",
        "limited": "no_recipients", "too many": "too_many_recipients", "cancelled": "",
    }[what]  # fmt: skip
    process.look(SECOND)
    process.now = test.ends_at  # a message before each one's end waits for others who could still come due
    Process(session, process.now, limit=process.limit).look()
    assert process.announced == []
    assert state_of(session, number) == ("cancelled" if what == "cancelled" else "missed", reason)
    assert got(session) == {}
    assert [each for each, _ in reasons_logged(session)][-1:] == ([reason] if reason else [])
    shown = browser.get(f"/messages/scheduled/{number}").text
    assert f'data-state="{state_of(session, number)[0]}"' in shown
    assert len(people) == 2


@pytest.mark.one_database
def test_r29_rights_in_a_part_reach_that_part(
    hall: Hall, test: Test, sender: User, browser: FlaskClient, session: Session, process: Process
) -> None:
    """A room limit that came meanwhile, picked candidates, and a person in two tests, who gets it once."""
    inside, outside = hall.candidacy(test, room="Aula"), hall.candidacy(test, room="Sal 2")
    second = hall.test("Law", ends_at=test.ends_at + 5 * MINUTE)
    hall.contributor(second, user=sender)
    hall.candidacy(second, session.get_one(User, inside.user_id), room="Aula")
    picked = open_dialog(browser, candidate=[inside.id, outside.id])
    listed = number_of(schedule(browser, picked, when="before_end", minutes="10"))
    number = number_of(schedule(browser, when="before_end", minutes="10"))
    with writing(session):
        session.execute(update(Contribution).where(Contribution.test_id == test.id).values(room="Aula"))
    process.now = test.ends_at - 10 * MINUTE
    assert process.look() == [[inside.user_id]] * 2
    assert process.look(5 * MINUTE) == process.look(SECOND) == []
    process.now = test.ends_at + 6 * MINUTE
    process.restart()
    assert process.look() == []
    assert state_of(session, listed) == state_of(session, number) == ("sent", "")
    assert session.scalars(select(Schedule.ended_at)).all() == [process.now] * 2


@pytest.mark.one_database
def test_r29_a_schedule_that_fails_keeps_no_other_from_going_out(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session, process: Process
) -> None:
    """Its error is not swallowed, and it is tried again."""
    one = hall.candidacy(test)
    at = (utcnow() + 10 * MINUTE).replace(second=0, microsecond=0)
    broken, sound = [number_of(schedule(browser, when="at", at=local(app, at))) for _ in range(2)]
    kept = session.get_one(Schedule, broken).audience
    with writing(session):
        session.execute(update(Schedule).where(Schedule.id == broken).values(audience="{}"))
    process.now = at
    with pytest.raises(KeyError):
        process.look()
    assert (state_of(session, broken)[0], state_of(session, sound)[0]) == ("waiting", "sent")
    with writing(session):
        session.execute(update(Schedule).where(Schedule.id == broken).values(audience=kept))
    assert process.look(30 * SECOND) == [[one.user_id]]
