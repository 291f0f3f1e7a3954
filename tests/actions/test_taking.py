"""R28: what each action changes, for whom it cannot, and what it records."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.actions.taken import carry, entries, form_for, outcome_of, reasons, stands
from tests.hall import Hall
from webapp.actions.exceptions import BadValues, CannotUndo, NotInCharge, RoomLimit
from webapp.actions.kinds import KINDS, OBSTACLES
from webapp.actions.taking import last_entry
from webapp.actions.undoing import undo
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.exceptions import BadParameter
from webapp.messaging.exceptions import ContentChanged, NoOpenTest
from webapp.models import Candidacy, Role, User
from webapp.models import Test as Exam
from webapp.monitor.search_text import SEPARATOR

NOW = utcnow()
EARLIER = NOW - timedelta(minutes=10)
SIMPLE: list[tuple[str, dict[str, str], dict[str, Any], dict[str, Any]]] = [
    ("flag", {}, {"flagged": False}, {"flagged": True}),
    ("unflag", {}, {"flagged": True}, {"flagged": False}),
    ("id_check", {}, {"id_checked": False}, {"id_checked": True}),
    ("id_uncheck", {}, {"id_checked": True}, {"id_checked": False}),
    ("attendance", {"attendance": "present"}, {"attendance": None}, {"attendance": "present"}),
    ("attendance", {"attendance": "absent"}, {"attendance": "present"}, {"attendance": "absent"}),
    ("attendance", {"attendance": "unset"}, {"attendance": "absent"}, {"attendance": None}),
    ("note", {"note": " Feels sick\r\nwent out "}, {"note": ""}, {"note": "Feels sick\nwent out"}),
    ("note", {"note": "\u200b "}, {"note": "Feels sick"}, {"note": ""}),
    ("pause", {}, {"paused_at": None}, {"paused_at": NOW}),
    ("resume", {}, {"paused_at": EARLIER}, {"paused_at": None}),
    ("extra_time", {"minutes": "15"}, {"extra_minutes": 30}, {"extra_minutes": 15}),
    ("extra_time", {"minutes": "15", "mode": "add"}, {"extra_minutes": 30}, {"extra_minutes": 45}),
    ("incident_time", {"minutes": " 1440 ", "mode": "set"}, {"incident_minutes": 0}, {"incident_minutes": 1440}),
    ("incident_time", {"minutes": "0"}, {"incident_minutes": 5}, {"incident_minutes": 0}),
    ("room", {"room": "Room 2"}, {"room": "Room 1", "seat": "A1"}, {"room": "Room 2", "seat": ""}),
    ("room", {"room": "Room 2", "seat": "B7"}, {"room": "Room 1", "seat": "A1"}, {"room": "Room 2", "seat": "B7"}),
    ("room", {"room": "", "seat": "B7"}, {"room": "Room 1", "seat": "A1"}, {"room": "Room 1", "seat": "B7"}),
    ("room", {"room": "Room 1", "seat": ""}, {"room": "Room 1", "seat": "A1"}, {"room": "Room 1", "seat": ""}),
    ("withdraw", {}, {"withdrawn_at": None}, {"withdrawn_at": NOW}),
    ("readmit", {}, {"withdrawn_at": EARLIER}, {"withdrawn_at": None}),
    ("reopen", {}, {"submitted_at": EARLIER, "blank": True}, {"submitted_at": None, "blank": False}),
]


@pytest.mark.thorough
def test_an_action_changes_its_columns_and_the_log_has_old_and_new_values(
    hall: Hall, test: Exam, planner: User, session: Session
) -> None:
    hall.candidacy(test, room="Room 2")
    for number, (action, fields, before, after) in enumerate(SIMPLE, start=1):
        case = action, fields
        one, beside = hall.candidacy(test, **before).id, hall.candidacy(test, **before).id
        taken = carry(session, planner, form_for(action, one, reason="As asked", **fields), NOW)
        assert outcome_of(taken).changed == [one], case
        assert columns(session, one, after) == after, case
        assert columns(session, beside, before) == before, case
        [*_, (name, detail, subjects)] = written = entries(session)
        assert (name, subjects, taken.id, len(written)) == (f"candidate.{action}", {one}, number, number), case
        [change] = detail["changes"]
        assert change["candidacies"] == [one], case
        assert set(change["before"]) == set(change["after"]) == set(KINDS[action].columns), case
        for stored, wanted in ((change["before"], before), (change["after"], after)):
            assert {name: stored[name] for name in wanted} == {
                name: value.isoformat() if name.endswith("_at") and value else value for name, value in wanted.items()
            }, case
        assert detail["values"]["reason"] == "As asked", case


def columns(session: Session, candidacy_id: int, names: Iterable[str]) -> dict[str, Any]:
    """These columns of a candidacy by name, as they are stored."""
    return {name: stands(session, candidacy_id, name) for name in names}


def test_every_action_with_columns_is_in_that_list() -> None:
    assert {action for action, *_ in SIMPLE} == {name for name, kind in KINDS.items() if kind.columns}


@pytest.mark.one_database("postgresql")
def test_what_stands_so_already_is_told_and_not_written_again(
    hall: Hall, test: Exam, planner: User, session: Session
) -> None:
    hall.candidacy(test, room="Room 2")
    for action, fields, before, after in SIMPLE:
        case = action, fields
        one = hall.candidacy(test, **{**before, **after}).id
        values = fields if fields.get("mode") != "add" else {"minutes": "0", "mode": "add"}
        taken = carry(session, planner, form_for(action, one, **values))
        assert (outcome_of(taken).unchanged, outcome_of(taken).changed) == ([one], []), case
        assert columns(session, one, after) == after, case
        assert entries(session)[-1][2] == {one}, case


STATES: dict[str, dict[str, Any]] = {
    "withdrawn": {"withdrawn_at": EARLIER},
    "submitted": {"submitted_at": EARLIER},
    "not_started": {"started_at": None},
    "time_up": {},
}


@pytest.mark.thorough
@pytest.mark.one_database
@pytest.mark.parametrize("why", STATES)
def test_whom_an_action_cannot_reach_stays_as_they_are_and_the_others_are_changed(
    hall: Hall, planner: User, session: Session, why: str
) -> None:
    """The person has already submitted, say, since the form was shown: that is told, and is no reason to refuse all."""
    test = hall.test("Law", ends_at=NOW - timedelta(minutes=5 if why == "time_up" else -60))
    hall.contributor(test, role=Role.PLANNER, user=planner)
    for action, kind in KINDS.items():
        if not kind.obstacles:
            continue
        opposite = {"resume": {"paused_at": EARLIER}, "reopen": {"submitted_at": EARLIER}}.get(action, {})
        free, hindered = hall.candidacy(test, **opposite).id, hall.candidacy(test, **{**opposite, **STATES[why]}).id
        taken = carry(session, planner, form_for(action, free, hindered, minutes="5"), NOW)
        expected = {} if why not in kind.obstacles else {why: sorted([hindered, *([free] if why == "time_up" else [])])}
        assert {name: sorted(ids) for name, ids in reasons(taken).items()} == expected, action
        stood_so = (action, why) == ("withdraw", "withdrawn")
        outcome = outcome_of(taken)
        assert (hindered in outcome.changed) is (why not in kind.obstacles and not stood_so), action
        assert outcome.unchanged == ([hindered] if stood_so else []), action
        assert (free in outcome.changed) is not (why == "time_up" and why in kind.obstacles), action
        assert entries(session)[-1][2] == {free, hindered}, action


def test_every_obstacle_has_a_state_here() -> None:
    assert set(STATES) == set(OBSTACLES)


def test_minutes_that_would_become_more_than_a_day_are_not_added(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    much, little = hall.candidacy(test, extra_minutes=1430), hall.candidacy(test, extra_minutes=1425)
    taken = carry(session, chief, form_for("extra_time", much.id, little.id, minutes="15", mode="add"))
    assert reasons(taken) == {"too_much": [much.id]}
    assert (stands(session, much.id, "extra_minutes"), stands(session, little.id, "extra_minutes")) == (1430, 1440)


def test_somebody_who_was_moved_is_found_in_their_new_room_and_seat(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    hall.candidacy(test, room="Aula Magna")
    one = hall.candidacy(test, room="Room 1", seat="A1")
    carry(session, chief, form_for("room", one.id, room="Aula Magna", seat="24F"))
    assert {"aula magna", "24f"} <= set(stands(session, one.id, "search_text").split(SEPARATOR))


def test_a_place_that_cannot_be_is_refused(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    """Also a room that only another test has, and one seat for two."""
    hall.candidacy(hall.test("Law"), room="Of Law")
    both = [hall.candidacy(test, seat="B1").id for _ in range(2)]
    refused: list[tuple[dict[str, str], str]] = [
        ({"room": "Nowhere"}, "room"), ({"room": "Of Law"}, "room"), ({"seat": "A1"}, "seat"), ({}, "room"),
        ({"room": ""}, "room"),
    ]  # fmt: skip
    for fields, problem in refused:
        with pytest.raises(BadValues) as said:
            carry(session, chief, form_for("room", *both, **fields))
        assert set(said.value.problems) == {problem}, fields
    assert entries(session) == []


def test_people_of_two_tests_are_moved_to_a_room_that_both_have(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    law = hall.test("Law")
    hall.contributor(law, role=Role.CHIEF_INVIGILATOR, user=chief)
    both = [hall.candidacy(test).id, hall.candidacy(law).id]
    for room in ("Aula", "Annex"):
        hall.candidacy(test, room=room)
    hall.candidacy(law, room="Aula")
    with pytest.raises(BadValues) as refused:
        carry(session, chief, form_for("room", *both, room="Annex"))
    assert refused.value.problems["room"].kind == "unknown"
    carry(session, chief, form_for("room", *both, room="Aula"))
    assert [stands(session, one, "room") for one in both] == ["Aula", "Aula"]


def test_who_is_limited_to_a_room_moves_nobody_out_of_it(hall: Hall, test: Exam, session: Session) -> None:
    hall.candidacy(test, room="Annex")
    one = hall.candidacy(test, room="Aula", seat="A1")
    limited = hall.contributor(test, role=Role.CHIEF_INVIGILATOR, room="Aula")
    with pytest.raises(RoomLimit):
        carry(session, limited, form_for("room", one.id, room="Annex"))
    assert carry(session, limited, form_for("room", one.id, room="Aula", seat="A2"))
    assert stands(session, one.id, "room", "seat") == ("Aula", "A2")


def test_r2_the_same_form_again_gets_the_first_outcome_and_other_content_is_refused(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    one = hall.candidacy(test)
    form = form_for("extra_time", one.id, minutes="15", mode="add")
    first = carry(session, chief, form)
    again = carry(session, chief, form)
    assert (again.id, again.outcome) == (first.id, first.outcome)
    assert stands(session, one.id, "extra_minutes") == 15
    for other in ({"minutes": "16", "mode": "add"}, {"minutes": "15", "mode": "set"}):
        changed = form_for("extra_time", one.id, **other)
        with pytest.raises(ContentChanged):
            carry(session, chief, type(form)(**{**vars(changed), "idempotency_key": form.idempotency_key}))
    assert len(entries(session)) == 1


def test_r6_rights_are_those_at_the_moment_of_acting(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    one = hall.candidacy(test)
    with writing(session):
        session.get_one(Exam, test.id).closed_at = utcnow()
    with pytest.raises(NoOpenTest):
        carry(session, chief, form_for("flag", one.id))
    assert entries(session) == []


def test_r26_not_even_a_planner_acts_in_a_closed_test(hall: Hall, test: Exam, planner: User, session: Session) -> None:
    """Whom they watch at any time: one action of each right."""
    one, done = hall.candidacy(test).id, hall.candidacy(test, submitted_at=EARLIER).id
    with writing(session):
        session.get_one(Exam, test.id).closed_at = utcnow()
    for action, whom in (("flag", one), ("pause", one), ("reopen", done)):
        with pytest.raises(NotInCharge):
            carry(session, planner, form_for(action, whom))
    assert stands(session, one, "flagged", "paused_at") == (False, None)
    assert stands(session, done, "submitted_at") == EARLIER
    assert entries(session) == []


@pytest.mark.parametrize("standing", [30, 15])
def test_what_a_colleague_changed_since_the_form_was_shown_stands_and_is_told(
    hall: Hall, test: Exam, chief: User, planner: User, session: Session, standing: int
) -> None:
    """Both meant to give 15 minutes, once. What stands so already is no conflict."""
    one, two = hall.candidacy(test), hall.candidacy(test)
    seen = last_entry(session)
    carry(session, planner, form_for("extra_time", one.id, minutes=str(standing)))
    taken = carry(session, chief, form_for("extra_time", one.id, two.id, seen=seen, minutes="15"))
    outcome = outcome_of(taken)
    assert (stands(session, one.id, "extra_minutes"), stands(session, two.id, "extra_minutes")) == (standing, 15)
    if standing == 15:
        assert (outcome.unchanged, outcome.obstacles) == ([one.id], [])
    else:
        [obstacle] = outcome.obstacles
        assert (obstacle.why, obstacle.by, obstacle.stands) == ("changed", planner.name, {"extra_minutes": 30})
    # a form that is opened now shows it, and goes through
    carry(session, chief, form_for("extra_time", one.id, seen=last_entry(session), minutes="20"))
    assert stands(session, one.id, "extra_minutes") == 20


def test_no_other_change_is_a_conflict(hall: Hall, test: Exam, chief: User, planner: User, session: Session) -> None:
    """Neither of other columns, nor by oneself, nor one that changed nothing."""
    meanwhile: list[tuple[User, str, dict[str, str]]] = [
        (planner, "flag", {}), (chief, "extra_time", {"minutes": "5"}), (planner, "extra_time", {"minutes": "0"}),
    ]  # fmt: skip
    for who, action, fields in meanwhile:
        one = hall.candidacy(test).id
        seen = last_entry(session)
        carry(session, who, form_for(action, one, **fields))
        taken = carry(session, chief, form_for("extra_time", one, seen=seen, minutes="15"))
        assert outcome_of(taken).changed == [one], action


def test_what_has_changed_nobody_is_not_undone(hall: Hall, test: Exam, chief: User, session: Session) -> None:
    one = hall.candidacy(test, flagged=True)
    taken = carry(session, chief, form_for("flag", one.id))
    with pytest.raises(CannotUndo):
        undo(session, chief, taken.id, now=utcnow())
    assert stands(session, one.id, "flagged") is True
    assert len(entries(session)) == 1


@pytest.mark.one_database
def test_an_attendance_that_there_is_not_is_a_bad_parameter(
    hall: Hall, test: Exam, chief: User, session: Session
) -> None:
    one = hall.candidacy(test)
    for fields in ({"attendance": "late"}, {}):
        with pytest.raises(BadParameter):
            carry(session, chief, form_for("attendance", one.id, **fields))
    assert session.get_one(Candidacy, one.id).attendance is None
