"""Which candidacies a filter matches: each value, each time filter, the search (R6, R17)."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.hall import Hall
from tests.monitor.sitting import EVERYTHING, Sitting, found
from webapp.access import Right, access_scope
from webapp.clock import utcnow
from webapp.db.transactions import read_snapshot, writing
from webapp.exams.sittings import submit
from webapp.models import Answer, Attendance, Candidacy, Question, Role, Test
from webapp.models.status import Progress
from webapp.monitor.columns import Presentation
from webapp.monitor.filters import parse_filter
from webapp.monitor.listing import all_rows
from webapp.monitor.query import View


@pytest.fixture
def progresses(sitting: Sitting) -> Sitting:
    now = sitting.now
    sitting.add("inactive", entered_at=None, started_at=None)
    sitting.add("dashboard", started_at=None)
    sitting.add("in_progress")
    sitting.add("paused", paused_at=now)
    wrote, empty = sitting.add("submitted"), sitting.add("blank")
    sitting.add("withdrawn", withdrawn_at=now, submitted_at=now, paused_at=now)
    with writing(sitting.session):
        question = Question(test_id=sitting.test.id, position=1)
        sitting.session.add(question)
        sitting.session.flush()
        for candidacy, text in ((wrote, "42"), (empty, "   ")):
            sitting.session.add(Answer(candidacy_id=candidacy.id, question_id=question.id, text=text, saved_at=now))
    for user_id in (wrote.user_id, empty.user_id):
        submit(sitting.session, user_id, sitting.test.id, now)
    return sitting


def test_each_progress(progresses: Sitting) -> None:
    for name in ("inactive", "dashboard", "in_progress", "paused", "submitted", "blank", "withdrawn"):
        assert progresses.names(("progress", name)) == {name}


@pytest.mark.thorough
def test_a_row_says_the_progress_by_which_it_is_found(hall: Hall, session: Session) -> None:
    """Whatever happened, and in whichever order: the two are said in SQL of their own."""
    test, now = hall.test(), utcnow()
    moments = ("entered_at", "started_at", "paused_at", "submitted_at", "withdrawn_at")
    for happened in product((None, now), repeat=len(moments)):
        for blank in (False, True) if happened[3] else (False,):
            hall.candidacies(test, 1, blank=blank, **dict(zip(moments, happened, strict=True)))
    said = {}
    for stage in Progress:
        asked = parse_filter(MultiDict([("progress", stage.value)]), ZoneInfo("UTC"))
        read_snapshot(session)
        for rows in all_rows(session, View(EVERYTHING, asked, Presentation(columns=("progress",)), now)):
            assert {row.progress for row in rows} == {stage}
            said |= {row.id: stage for row in rows}
    assert len(said) == 32 + 16
    assert set(said.values()) == set(Progress)


def test_any_of_within_a_name_and_all_across_names(progresses: Sitting) -> None:
    assert progresses.names(("progress", "paused"), ("progress", "blank")) == {"paused", "blank"}
    assert progresses.names(("progress", "paused"), ("room", "Room 1"), ("flag", "no")) == {"paused"}
    assert progresses.names(("progress", "paused"), ("flag", "yes")) == set()
    assert progresses.names() == set(progresses.ids)


@pytest.fixture
def warned(sitting: Sitting) -> Sitting:
    now = sitting.now
    sitting.add("fine", saved_at=now)
    sitting.add("offline", seen=timedelta(seconds=76), saved_at=now)
    sitting.add("never seen", seen=None, saved_at=now)
    sitting.add("idle", saved_at=now - timedelta(minutes=11))
    sitting.add("idle since the start", saved_at=None)
    sitting.add("was offline", back_at=now - timedelta(minutes=14), saved_at=now)
    sitting.add("long back", back_at=now - timedelta(minutes=15), saved_at=now)
    sitting.add("long offline", seen=timedelta(seconds=121), saved_at=now)
    sitting.add("submitted", seen=timedelta(hours=1), submitted_at=now, saved_at=now)
    return sitting


def test_status(warned: Sitting) -> None:
    """R21: not heard of for 75 s is offline."""
    offline = {"offline", "long offline", "never seen", "submitted"}
    assert warned.names(("status", "offline")) == offline
    assert warned.names(("status", "online")) == set(warned.ids) - offline
    assert warned.names(("status", "online"), ("status", "offline")) == set(warned.ids)


def test_each_warning(warned: Sitting) -> None:
    assert warned.names(("warning", "offline")) == {"offline", "long offline", "never seen"}
    assert warned.names(("warning", "idle")) == {"idle", "idle since the start"}
    assert warned.names(("warning", "was_offline")) == {"was offline"}
    assert warned.names(("warning", "timed_out")) == set()


def test_timed_out_is_the_candidates_own_end(hall: Hall, session: Session) -> None:
    now = utcnow()
    test = hall.test(starts_at=now - timedelta(hours=2), ends_at=now - timedelta(minutes=10))
    late = hall.candidacy(test, extra_minutes=5, incident_minutes=4)
    hall.candidacy(test, extra_minutes=5, incident_minutes=6)
    hall.candidacy(test, submitted_at=now - timedelta(minutes=11))
    assert found(session, ("warning", "timed_out"), now=now) == {late.id}


def test_a_closed_test_warns_of_nothing(hall: Hall, session: Session) -> None:
    hall.candidacy(hall.test(closed_at=utcnow()), back_at=utcnow())
    for warning in ("offline", "idle", "timed_out", "was_offline"):
        assert found(session, ("warning", warning)) == set()


def test_rooms_and_groups_by_exact_text_and_none_assigned(sitting: Sitting) -> None:
    """R6: case included; a blank value is "none assigned"."""
    sitting.add("Magna", room="Aula Magna", group_name="G1")
    sitting.add("magna", room="Aula magna", group_name="g1")
    sitting.add("none", room="", group_name="")
    for name, values in (("room", ("Aula Magna", "Aula magna")), ("group", ("G1", "g1"))):
        assert sitting.names((name, values[0])) == {"Magna"}
        assert sitting.names((name, values[1])) == {"magna"}
        assert sitting.names((name, "")) == {"none"}
        assert sitting.names((name, values[0].upper() + "!")) == set()


def test_flag_and_attendance(sitting: Sitting) -> None:
    sitting.add("flagged", flagged=True, attendance=Attendance.PRESENT)
    sitting.add("absent", attendance=Attendance.ABSENT)
    sitting.add("unset")
    assert sitting.names(("flag", "yes")) == {"flagged"}
    assert sitting.names(("flag", "no")) == {"absent", "unset"}
    assert sitting.names(("attendance", "present")) == {"flagged"}
    assert sitting.names(("attendance", "absent"), ("attendance", "unset")) == {"absent", "unset"}


def test_tests(hall: Hall, session: Session) -> None:
    first, second = (hall.candidacy(hall.test(title)) for title in ("A", "B"))
    assert found(session, ("test", str(first.test_id))) == {first.id}
    assert found(session, ("test", str(first.test_id)), ("test", str(second.test_id))) == {first.id, second.id}


def test_moments_of_a_candidate(hall: Hall) -> None:
    """Each time field looks at its own column; a moment that is not there is in no time."""
    for field in ("seen", "started", "saved", "submitted"):
        sitting = Sitting(hall, f"Test of {field}")
        now = sitting.now
        for name, ago in (("early", timedelta(minutes=40)), ("late", timedelta(minutes=5))):
            fields = {"started_at": now - timedelta(hours=1)} if field == "seen" else {f"{field}_at": now - ago}
            sitting.add(name, seen=ago if field == "seen" else None, **fields)
        sitting.add("missing", seen=None, started_at=None)
        half_an_hour_ago = f"{now - timedelta(minutes=30):%Y-%m-%dT%H:%M}"
        assert sitting.names((f"{field}_within", "15m")) == {"late"}, field
        assert sitting.names((f"{field}_within", "1h"), (f"{field}_within", "1d")) == {"early", "late"}, field
        assert sitting.names((f"{field}_within", "next-1h")) == set(), field
        assert sitting.names((f"{field}_after", half_an_hour_ago)) == {"late"}, field
        assert sitting.names((f"{field}_before", half_an_hour_ago)) == {"early"}, field
        both = sitting.names((f"{field}_after", half_an_hour_ago), (f"{field}_before", half_an_hour_ago))
        assert both == set(), field


@pytest.mark.parametrize(("field", "column"), [("test_start", "starts_at"), ("test_end", "ends_at")])
def test_moments_of_a_test(hall: Hall, session: Session, field: str, column: str) -> None:
    now = utcnow()
    shift = timedelta(0) if column == "starts_at" else timedelta(hours=3)
    past = hall.candidacy(hall.test("Past", starts_at=now - timedelta(minutes=20) - shift))
    soon = hall.candidacy(hall.test("Soon", starts_at=now + timedelta(minutes=20) - shift))
    far = hall.candidacy(hall.test("Far", starts_at=now + timedelta(days=40) - shift))
    assert found(session, (f"{field}_within", "30m"), now=now) == {past.id}
    assert found(session, (f"{field}_within", "next-30m"), now=now) == {soon.id}
    assert found(session, (f"{field}_after", f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}"), now=now) == {far.id}


def test_extra_time(sitting: Sitting) -> None:
    sitting.add("extra", extra_minutes=15)
    sitting.add("incident", incident_minutes=15)
    sitting.add("plain")
    assert sitting.names(("extra", "yes")) == {"extra"}
    assert sitting.names(("extra", "no")) == {"incident", "plain"}
    assert sitting.names(("extra", "no"), ("extra", "yes")) == set(sitting.ids)


def test_the_own_end_is_near_or_has_passed(hall: Hall, session: Session) -> None:
    """Extra and incident time count, and the filter rolls on with the clock."""
    now = utcnow()
    test = hall.test(starts_at=now - timedelta(hours=2), ends_at=now + timedelta(minutes=10))
    plain, extra = hall.candidacy(test).id, hall.candidacy(test, extra_minutes=5, incident_minutes=4).id
    near = ("ends_within", "15m")
    assert found(session, near, now=now - timedelta(minutes=6)) == set()
    assert found(session, near, now=now - timedelta(minutes=5)) == {plain}
    assert found(session, near, now=now + timedelta(minutes=4)) == {plain, extra}
    assert found(session, near, now=now + timedelta(hours=9)) == {plain, extra}
    assert found(session, ("ends_within", "next-10m"), now=now) == {plain}


def test_not_seen_for_so_long(sitting: Sitting) -> None:
    """Who has never come is not among them: that is a state of its own."""
    sitting.add("there")
    sitting.add("away", seen=timedelta(minutes=5, seconds=1))
    left = sitting.add("left since", seen=timedelta(minutes=5, seconds=1))
    sitting.add("never came", seen=None, started_at=None, entered_at=None)
    with writing(sitting.session):
        sitting.session.get_one(Candidacy, left.id).left_at = sitting.now - timedelta(minutes=1)
    assert sitting.names(("unseen", "6m")) == set()
    assert sitting.names(("unseen", "5m")) == {"away"}
    assert sitting.names(("unseen", "1m")) == {"away", "left since"}


def test_not_saved_for_so_long(sitting: Sitting) -> None:
    """In progress only. Who has saved nothing yet has had the time since their start."""
    now = sitting.now
    sitting.add("saves", saved_at=now)
    sitting.add("quiet", saved_at=now - timedelta(minutes=10))
    sitting.add("began", saved_at=None, started_at=now - timedelta(minutes=20))
    for name in ("paused", "submitted", "withdrawn"):
        sitting.add(name, saved_at=now - timedelta(hours=1), **{f"{name}_at": now})
    sitting.add("waits", saved_at=None, started_at=None)
    assert sitting.names(("unsaved", "10m")) == {"quiet", "began"}
    assert sitting.names(("unsaved", "11m")) == {"began"}
    assert sitting.names(("unsaved", "1h")) == set()


@pytest.fixture
def two_rooms(hall: Hall) -> tuple[Hall, Test, dict[str, int]]:
    test, other = hall.test("Algebra"), hall.test("Biology")
    ids = {room: hall.candidacy(test, room=room).id for room in ("Aula Magna", "Aula magna", "")} | {
        "elsewhere": hall.candidacy(other, room="Aula magna").id
    }
    return hall, test, ids


def test_a_room_limit_is_exact_and_of_one_test(two_rooms: tuple[Hall, Test, dict[str, int]], session: Session) -> None:
    """R6: no filter reaches out of somebody's room, by case or by test."""
    hall, test, ids = two_rooms
    limited = access_scope(session, hall.contributor(test, room="Aula magna"), Right.WATCH, utcnow())
    assert found(session, within=limited) == {ids["Aula magna"]}
    for pair in (("q", "aula"), ("room", "Aula Magna"), ("test", str(test.id)), ("status", "offline")):
        assert found(session, pair, within=limited) <= {ids["Aula magna"]}


def test_the_access_window(hall: Hall, session: Session) -> None:
    """Contributors from 60 minutes before the start until closing, planners at any time."""
    now = utcnow()
    for role, starts_in, closed, gets_in in (
        (Role.INVIGILATOR, timedelta(minutes=61), False, False),
        (Role.INVIGILATOR, timedelta(minutes=60), False, True),
        (Role.CHIEF_INVIGILATOR, timedelta(minutes=60, seconds=1), False, False),
        (Role.CHIEF_INVIGILATOR, timedelta(days=-3), False, True),
        (Role.INVIGILATOR, timedelta(hours=-1), True, False),
        (Role.CHIEF_INVIGILATOR, timedelta(hours=-1), True, False),
        (Role.PLANNER, timedelta(days=30), False, True),
        (Role.PLANNER, timedelta(days=-30), True, True),
    ):
        title = f"{role} {starts_in}"
        test = hall.test(title, starts_at=now + starts_in, closed_at=now if closed else None)
        one = hall.candidacy(test, started_at=None).id
        within = access_scope(session, hall.contributor(test, role=role), Right.WATCH, now)
        assert found(session, within=within, now=now) == ({one} if gets_in else set()), (role, starts_in, closed)
