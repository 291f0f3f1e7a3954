"""R28, R6: an action is undone by whoever took it, soon, within their rights, for those who stand as it left them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.actions.incident import end, number_of, picked, set_columns, start
from tests.actions.taken import carry, entries, form_for, outcome_of, reasons, stands
from tests.hall import Hall
from webapp.actions.exceptions import CannotUndo, NotInCharge
from webapp.actions.undoing import UNDO_WITHIN, undo
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.exceptions import NotFound
from webapp.messaging.exceptions import NoOpenTest
from webapp.models import Contribution, Role, User
from webapp.models import Test as Exam

NOW = utcnow()
SOON = NOW + timedelta(seconds=9)
EARLIER = NOW - timedelta(minutes=10)


def test_it_writes_back_what_was_there_and_is_an_entry_of_its_own(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    """Each gets back what they had, also where the action made all alike; room and seat are found again."""
    hall.candidacy(test, room="Annex")
    one, two = hall.candidacy(test, room="Aula", seat="A1").id, hall.candidacy(test, room="Room 1", seat="B2").id
    untouched = hall.candidacy(test, room="Annex", seat="").id
    taken = carry(session, chief, form_for("room", one, two, untouched, room="Annex"), NOW)
    undone = undo(session, chief, taken.id, now=SOON)
    assert (outcome_of(undone).changed, outcome_of(undone).unchanged) == ([one, two], [])
    assert stands(session, one, "room", "seat") == ("Aula", "A1")
    assert stands(session, two, "room", "seat") == ("Room 1", "B2")
    assert {"aula", "a1"} <= set(stands(session, one, "search_text").split("\x1f"))
    name, detail, subjects = entries(session)[-1]
    assert (name, detail["values"], subjects) == ("candidate.undo", {"of": "room", "entry": taken.id}, {one, two})


def test_r2_undoing_it_again_gives_the_first_outcome(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """Though the action was taken once more meanwhile: that is another one."""
    one = hall.candidacy(test).id
    taken = carry(session, chief, form_for("flag", one), NOW)
    first = undo(session, chief, taken.id, now=SOON)
    carry(session, chief, form_for("flag", one), SOON)
    assert undo(session, chief, taken.id, now=SOON).id == first.id
    assert stands(session, one, "flagged") is True
    assert len(entries(session)) == 3


def test_it_is_undone_by_the_same_person_only(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    one = hall.candidacy(test).id
    taken = carry(session, chief, form_for("flag", one), NOW)
    for other in (hall.contributor(test, role=Role.PLANNER), hall.contributor(test, role=Role.CHIEF_INVIGILATOR)):
        with pytest.raises(NotFound):
            undo(session, other, taken.id, now=SOON)
    with pytest.raises(NotFound):
        undo(session, chief, taken.id + 1, now=SOON)
    assert stands(session, one, "flagged") is True


@pytest.mark.parametrize("late", [False, True])
def test_it_is_undone_for_a_minute(hall: Hall, test: Exam, chief: User, session: Session, late: bool) -> None:
    one = hall.candidacy(test).id
    taken = carry(session, chief, form_for("pause", one), NOW)
    then = NOW + UNDO_WITHIN + timedelta(microseconds=late)
    if late:
        with pytest.raises(CannotUndo, match="too_late"):
            undo(session, chief, taken.id, now=then)
    else:
        undo(session, chief, taken.id, now=then)
    assert stands(session, one, "paused_at") == (NOW if late else None)
    assert len(entries(session)) == (1 if late else 2)


def test_what_is_never_undone(hall: Hall, test: Exam, planner: User, session: Session) -> None:
    """A submission that was taken back, an undoing, an incident."""
    one, other = hall.candidacy(test, submitted_at=EARLIER).id, hall.candidacy(test).id
    reopened = carry(session, planner, form_for("reopen", one), NOW)
    flagged = carry(session, planner, form_for("flag", other), NOW)
    undone = undo(session, planner, flagged.id, now=SOON)
    started = start(session, planner, picked(other), at=NOW)
    ended = end(session, planner, number_of(started), SOON)
    for action in (reopened, undone, started, ended):
        before = entries(session)
        with pytest.raises(CannotUndo, match="not_undone"):
            undo(session, planner, action.id, now=SOON)
        assert entries(session) == before
    assert stands(session, one, "submitted_at") is None


@pytest.mark.parametrize(
    ("change", "refusal"),
    [({"role": Role.INVIGILATOR}, NotInCharge), ({"room": "Annex"}, NotInCharge), ({"closed_at": NOW}, NoOpenTest)],
)
def test_r6_rights_are_those_at_the_moment_of_undoing(
    hall: Hall, test: Exam, chief: User, session: Session, change: dict[str, Any], refusal: type[Exception]
) -> None:
    one = hall.candidacy(test).id
    taken = carry(session, chief, form_for("pause", one), NOW)
    with writing(session):
        ours = session.scalars(select(Contribution).filter_by(user_id=chief.id)).one()
        for name, value in change.items():
            setattr(session.get_one(Exam, test.id) if name == "closed_at" else ours, name, value)
    with pytest.raises(refusal):
        undo(session, chief, taken.id, now=SOON)
    assert stands(session, one, "paused_at") == NOW
    assert len(entries(session)) == 1


def test_r6_who_is_out_of_reach_by_now_stays_as_they_are(
    hall: Hall, test: Exam, planner: User, session: Session
) -> None:
    """The planner has moved one of two out of the room to which the chief invigilator is limited."""
    stays, moved = hall.candidacy(test, room="Aula").id, hall.candidacy(test, room="Aula").id
    limited = hall.contributor(test, role=Role.CHIEF_INVIGILATOR, room="Aula")
    taken = carry(session, limited, form_for("extra_time", stays, moved, minutes="5"), NOW)
    set_columns(session, moved, room="Annex")
    undone = undo(session, limited, taken.id, now=SOON)
    assert outcome_of(undone).changed == [stays]
    assert entries(session)[-1][2] == {stays}
    assert [stands(session, one, "extra_minutes") for one in (stays, moved)] == [0, 5]


def test_who_was_changed_since_or_is_done_stays_as_they_are(
    hall: Hall, test: Exam, chief: User, planner: User, session: Session
) -> None:
    """What a colleague has set stands; nobody who has submitted or is withdrawn is given or taken time."""
    free, changed, done, withdrawn = (hall.candidacy(test).id for _ in range(4))
    taken = carry(session, chief, form_for("extra_time", free, changed, done, withdrawn, minutes="15"), NOW)
    carry(session, planner, form_for("extra_time", changed, minutes="30"), NOW)
    set_columns(session, done, submitted_at=SOON)
    carry(session, planner, form_for("withdraw", withdrawn), NOW)
    undone = undo(session, chief, taken.id, now=SOON)
    assert outcome_of(undone).changed == [free]
    assert reasons(undone) == {"changed": [changed], "submitted": [done], "withdrawn": [withdrawn]}
    assert [stands(session, one, "extra_minutes") for one in (free, changed, done, withdrawn)] == [0, 30, 15, 15]


def test_a_pause_is_undone_though_the_time_is_up(hall: Hall, chief: User, session: Session) -> None:
    """That keeps from a new pause, not from the way back."""
    test = hall.test("Law", ends_at=NOW + timedelta(seconds=5))
    hall.contributor(test, role=Role.CHIEF_INVIGILATOR, user=chief)
    one = hall.candidacy(test).id
    taken = carry(session, chief, form_for("pause", one), NOW)
    assert outcome_of(undo(session, chief, taken.id, now=SOON)).changed == [one]
    assert stands(session, one, "paused_at") is None
