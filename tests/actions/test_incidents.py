"""R28: an incident pauses a part of the hall as one act, and gives it back the minutes that it has lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.actions.incident import EARLIER, NOW, ROOM, end, members, number_of, picked, set_columns, start
from tests.actions.taken import carry, entries, form_for, outcome_of, reasons, stands
from tests.hall import Hall
from webapp.actions.taking import last_entry
from webapp.actions.undoing import undo
from webapp.messaging.exceptions import ContentChanged
from webapp.models import (
    Incident,
    User,
)
from webapp.models import Test as Exam


def test_it_pauses_those_in_progress_and_nobody_twice(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """Who was paused alone stays so and is not in it; nor is who has not started, or is done."""
    writing_now = [hall.candidacy(test).id for _ in range(3)]
    alone = hall.candidacy(test, paused_at=EARLIER)
    others = [hall.candidacy(test, **fields).id for fields in (
        {"started_at": None}, {"submitted_at": EARLIER}, {"withdrawn_at": EARLIER})]  # fmt: skip
    elsewhere = hall.candidacy(test, room="Room 2")
    everybody = {*writing_now, alone.id, *others}
    action = start(session, chief, ROOM, shown=everybody)
    assert members(session, number_of(action)) == set(writing_now)
    assert [stands(session, one, "paused_at") for one in writing_now] == [NOW] * 3
    assert stands(session, alone.id, "paused_at") == EARLIER
    assert [stands(session, one, "paused_at") for one in (*others, elsewhere.id)] == [None] * 4
    [(name, detail, subjects)] = entries(session)
    assert (name, detail["reason"], subjects) == ("incident.started", "Power cut", everybody)
    assert detail["audience_words"] == ["Room: Room 1"]
    assert [change["candidacies"] for change in detail["changes"]] == [writing_now]
    assert detail["unchanged"] == [alone.id]


def test_the_end_gives_each_the_minutes_lost_rounded_up(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """One entry records start, end, reason, minutes and whom it concerned."""
    one, other = hall.candidacy(test), hall.candidacy(test, incident_minutes=5)
    incident = number_of(start(session, chief, picked(one.id, other.id)))
    action = end(session, chief, incident, NOW + timedelta(minutes=7, seconds=1))
    assert outcome_of(action).changed == [one.id, other.id]
    assert stands(session, one.id, "paused_at", "incident_minutes") == (None, 8)
    assert stands(session, other.id, "paused_at", "incident_minutes") == (None, 13)
    name, detail, subjects = entries(session)[-1]
    assert (name, subjects) == ("incident.ended", {one.id, other.id})
    told = {key: detail[key] for key in ("started", "ended", "reason", "minutes")}
    assert told == {
        "started": NOW.isoformat(), "ended": (NOW + timedelta(minutes=7, seconds=1)).isoformat(),
        "reason": "Power cut", "minutes": 8,
    }  # fmt: skip
    assert session.get_one(Incident, incident).ended_at == NOW + timedelta(minutes=7, seconds=1)


def test_minutes_are_rounded_up(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    for seconds, minutes in ((0, 0), (1, 1), (60, 1), (61, 2), (3600, 60)):
        one = hall.candidacy(test).id
        incident = number_of(start(session, chief, picked(one)))
        end(session, chief, incident, NOW + timedelta(seconds=seconds))
        assert stands(session, one, "incident_minutes") == minutes, seconds


def test_who_has_left_it_meanwhile(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """Resumed by hand: the minutes until then, at once. Paused again, withdrawn, submitted: nothing is changed."""
    stays, resumed, again, withdrawn, done = (hall.candidacy(test).id for _ in range(5))
    incident = number_of(start(session, chief, picked(stays, resumed, again, withdrawn, done)))
    carry(session, chief, form_for("resume", resumed, again), NOW + timedelta(minutes=3, seconds=30))
    assert stands(session, resumed, "paused_at", "incident_minutes") == (None, 4)
    paused_again = NOW + timedelta(minutes=5)
    carry(session, chief, form_for("pause", again), paused_again)
    carry(session, chief, form_for("withdraw", withdrawn), NOW + timedelta(minutes=6))
    set_columns(session, done, submitted_at=NOW + timedelta(minutes=6))
    action = end(session, chief, incident, NOW + timedelta(minutes=10))
    assert outcome_of(action).changed == [stays]
    assert reasons(action) == {"resumed": [resumed, again], "withdrawn": [withdrawn], "submitted": [done]}
    assert stands(session, stays, "paused_at", "incident_minutes") == (None, 10)
    assert stands(session, resumed, "paused_at", "incident_minutes") == (None, 4)
    assert stands(session, again, "paused_at", "incident_minutes") == (paused_again, 4)
    assert stands(session, withdrawn, "incident_minutes") == 0
    assert stands(session, done, "incident_minutes") == 0


def test_a_resumption_that_is_undone_is_as_if_it_had_not_been(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    one = hall.candidacy(test).id
    incident = number_of(start(session, chief, picked(one)))
    resumed = carry(session, chief, form_for("resume", one), NOW + timedelta(minutes=2))
    undo(session, chief, resumed.id, now=NOW + timedelta(minutes=2, seconds=5))
    assert stands(session, one, "paused_at", "incident_minutes") == (NOW, 0)
    end(session, chief, incident, NOW + timedelta(minutes=4))
    assert stands(session, one, "paused_at", "incident_minutes") == (None, 4)


def test_a_resumption_is_not_undone_into_an_incident_that_has_ended(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    """Nobody would resume them there any more."""
    one, beside = hall.candidacy(test).id, hall.candidacy(test, paused_at=EARLIER).id
    incident = number_of(start(session, chief, picked(one)))
    resumed = carry(session, chief, form_for("resume", one, beside), NOW + timedelta(minutes=2))
    end(session, chief, incident, NOW + timedelta(minutes=2, seconds=10))
    undone = undo(session, chief, resumed.id, now=NOW + timedelta(minutes=2, seconds=20))
    assert reasons(undone) == {"changed": [one]}
    assert stands(session, one, "paused_at", "incident_minutes") == (None, 2)
    assert stands(session, beside, "paused_at") == EARLIER  # it was not in the incident


def test_whom_the_end_has_passed_over_gets_the_minutes_when_they_are_resumed(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    """Withdrawn by mistake, and readmitted after the end: the minutes of the incident, and not those since."""
    one = hall.candidacy(test).id
    incident = number_of(start(session, chief, picked(one)))
    carry(session, chief, form_for("withdraw", one), NOW + timedelta(minutes=1))
    end(session, chief, incident, NOW + timedelta(minutes=5))
    carry(session, chief, form_for("readmit", one), NOW + timedelta(minutes=7))
    assert stands(session, one, "paused_at", "incident_minutes") == (NOW, 0)
    carry(session, chief, form_for("resume", one), NOW + timedelta(minutes=9))
    assert stands(session, one, "paused_at", "incident_minutes") == (None, 5)


def test_a_pause_by_hand_gives_no_minutes(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """Neither without an incident, nor after it has ended."""
    alone, one = hall.candidacy(test, paused_at=EARLIER).id, hall.candidacy(test).id
    incident = number_of(start(session, chief, picked(one)))
    end(session, chief, incident, NOW + timedelta(minutes=1))
    carry(session, chief, form_for("pause", one), NOW + timedelta(minutes=2))
    carry(session, chief, form_for("resume", one, alone), NOW + timedelta(minutes=9))
    assert stands(session, one, "paused_at", "incident_minutes") == (None, 1)
    assert stands(session, alone, "paused_at", "incident_minutes") == (None, 0)


def test_r2_the_same_form_again_is_the_same_incident(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    one = hall.candidacy(test).id
    first = start(session, chief, picked(one), idempotency_key="start-1")
    assert start(session, chief, picked(one), at=NOW + timedelta(minutes=1), idempotency_key="start-1").id == first.id
    with pytest.raises(ContentChanged):
        start(session, chief, picked(one), reason="Fire", idempotency_key="start-1")
    ended = end(session, chief, number_of(first), NOW + timedelta(minutes=1), "end-1")
    assert end(session, chief, number_of(first), NOW + timedelta(minutes=9), "end-1").id == ended.id
    assert stands(session, one, "incident_minutes") == 1
    assert [name for name, *_ in entries(session)] == ["incident.started", "incident.ended"]


def test_a_form_from_before_an_incident_resumes_nobody_out_of_it(
    hall: Hall, test: Exam, chief: User, planner: User, session: Session
) -> None:
    """A colleague's incident is a change that a form which was open meanwhile is told of."""
    one, alone = hall.candidacy(test).id, hall.candidacy(test, paused_at=EARLIER).id
    seen = last_entry(session)
    start(session, planner, picked(one))
    taken = carry(session, chief, form_for("resume", one, alone, seen=seen), NOW)
    assert outcome_of(taken).changed == [alone]
    [obstacle] = outcome_of(taken).obstacles
    assert (obstacle.why, obstacle.by, obstacle.candidacies) == ("changed", planner.name, [one])
    assert stands(session, one, "paused_at") == NOW
