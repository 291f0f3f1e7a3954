"""R28, whom an incident may concern: by rights, by what its form showed, and who is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.actions.incident import EARLIER, NOW, ROOM, end, number_of, picked, set_columns, shown_to, start
from tests.actions.taken import SECRET, entries, outcome_of, stands
from tests.hall import Hall
from webapp.actions.exceptions import BadValues, NobodyInProgress, NotInCharge
from webapp.actions.incidents import StartForm, Words, start_incident, tell
from webapp.db.transactions import writing
from webapp.exceptions import NotAllowed, NotFound, Refusal
from webapp.messaging.audience import Tokens
from webapp.messaging.exceptions import AudienceChanged, BadText, ContentChanged
from webapp.models import (
    Delivery,
    Incident,
    Role,
    User,
)
from webapp.models import Test as Exam


def test_r3_whom_the_form_showed_is_who_is_paused(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """Somebody who has come into the room since is not paused unseen."""
    one = hall.candidacy(test)
    hall.candidacy(test)
    with pytest.raises(AudienceChanged) as changed:
        start(session, chief, ROOM, shown={one.id})
    assert (changed.value.joined, changed.value.left) == (1, 0)
    with pytest.raises(AudienceChanged):
        start(session, chief, ROOM)
    assert entries(session) == []
    assert stands(session, one.id, "paused_at") is None
    frozen = replace(ROOM, frozen=(one.id,))
    start(session, chief, frozen, shown={one.id})
    assert stands(session, one.id, "paused_at") == NOW


def test_nothing_is_written_where_it_cannot_start(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """Nobody in progress; a reason that is none; a message that cannot be sent."""
    done, one = hall.candidacy(test, submitted_at=EARLIER).id, hall.candidacy(test).id
    with pytest.raises(NobodyInProgress):
        start(session, chief, picked(done))
    for reason, kind in ((" \u200b", "empty"), ("x" * 501, "long"), ("a\x00b", "characters")):
        with pytest.raises(BadValues) as bad:
            start(session, chief, picked(one), reason=reason)
        assert bad.value.problems["reason"].kind == kind
    form = StartForm("Fire", picked(one), words=Words("", "Wait, please.", is_sent=True))
    with pytest.raises(BadText):
        start_incident(session, chief, form, now=NOW, limit=1500, tokens=Tokens(SECRET, chief.id, by_candidacy=True))
    assert entries(session) == []
    assert session.scalar(select(func.count()).select_from(Incident)) == 0
    assert stands(session, one, "paused_at") is None


def test_r6_only_who_may_pause_starts_and_ends_it(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    one, far = hall.candidacy(test).id, hall.candidacy(test, room="Room 2").id
    invigilator = hall.contributor(test)
    in_room = hall.contributor(test, role=Role.CHIEF_INVIGILATOR, room="Room 1")
    stranger = hall.contributor(hall.test("Law"), role=Role.PLANNER)
    for actor, refusal in ((invigilator, NotInCharge), (stranger, NotFound), (hall.person(), NotAllowed)):
        with pytest.raises(refusal):
            start(session, actor, picked(one))
    with pytest.raises(AudienceChanged):
        start(session, in_room, picked(one, far))
    incident = number_of(start(session, chief, picked(one, far)))
    for actor, refusal in ((invigilator, NotInCharge), (in_room, NotInCharge), (stranger, NotFound)):
        with pytest.raises(refusal):
            end(session, actor, incident, NOW + timedelta(minutes=1))
        assert shown_to(session, actor) == []
    assert shown_to(session, chief) == [(incident, "Power cut", 2, ["Room 1", "Room 2"])]
    with pytest.raises(NotFound):
        end(session, chief, incident + 1, NOW)
    end(session, chief, incident, NOW + timedelta(minutes=1))
    assert shown_to(session, chief) == []
    own = number_of(start(session, in_room, picked(one)))
    assert [number for number, *_ in shown_to(session, in_room)] == [own]


def test_who_is_moved_out_of_the_room_keeps_the_incident_from_being_ended_there(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    """By somebody who is limited to the room: they would leave the other one paused."""
    one, moved = hall.candidacy(test).id, hall.candidacy(test).id
    in_room = hall.contributor(test, role=Role.CHIEF_INVIGILATOR, room="Room 1")
    incident = number_of(start(session, in_room, picked(one, moved)))
    set_columns(session, moved, room="Room 2")
    with pytest.raises(NotInCharge):
        end(session, in_room, incident, NOW)
    end(session, chief, incident, NOW)


def test_a_closed_test_does_not_keep_the_others_paused(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """R26."""
    law = hall.test("Law")
    hall.contributor(law, role=Role.CHIEF_INVIGILATOR, user=chief)
    one, other = hall.candidacy(test).id, hall.candidacy(law).id
    incident = number_of(start(session, chief, picked(one, other)))
    with writing(session):
        session.execute(update(Exam).where(Exam.id == law.id).values(closed_at=NOW))
    assert [paused for *_, paused, _ in shown_to(session, chief)] == [1]
    assert outcome_of(end(session, chief, incident, NOW + timedelta(minutes=1))).changed == [one]
    with pytest.raises(NotFound):
        end(session, hall.contributor(law, role=Role.PLANNER), incident + 1, NOW)


def test_an_incident_whose_tests_are_all_closed_is_ended_by_nobody(
    hall: Hall, test: Exam, chief: User, planner: User, session: Session
) -> None:
    """R26: neither by somebody who plans another test that is open."""
    one = hall.candidacy(test).id
    hall.contributor(hall.test("Law"), role=Role.PLANNER, user=planner)
    incident = number_of(start(session, chief, picked(one)))
    with writing(session):
        session.execute(update(Exam).where(Exam.id == test.id).values(closed_at=NOW))
    with pytest.raises(NotInCharge):
        end(session, planner, incident, NOW + timedelta(minutes=1))
    assert session.get_one(Incident, incident).ended_at is None
    assert len(entries(session)) == 1


def test_the_message_goes_to_those_who_were_paused_once(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """R1, R2: whoever repeats it sends nothing new."""
    one, done = hall.candidacy(test), hall.candidacy(test, submitted_at=EARLIER)
    action = start(session, chief, picked(one.id, done.id))
    announced: list[list[int]] = []

    def told(words: Words) -> Refusal | None:
        return tell(
            session, chief, action, words, now=NOW, limit=1500, tokens=Tokens(SECRET, chief.id, by_candidacy=True),
            announce=lambda _message, users: announced.append(users),
        )  # fmt: skip

    assert told(Words("Wait", "A moment.")) is None
    assert announced == []
    for _ in range(2):
        assert told(Words("Wait", "A moment.", is_sent=True)) is None
    assert announced == [[one.user_id]]
    assert session.scalars(select(Delivery.user_id)).all() == [one.user_id]
    assert isinstance(told(Words("Wait", "Another text.", is_sent=True)), ContentChanged)
