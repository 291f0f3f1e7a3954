"""What an import writes, what it leaves alone, and what a second one changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from tests.planning.papers import (
    STAFF_COLUMNS,
    Count,
    Report,
    bring_in,
    candidate,
    contributors,
    everything,
    person,
    problems,
    roster,
    staff,
)
from tests.until import until
from webapp.db.transactions import WRITE, writing
from webapp.extensions import db
from webapp.models import Attendance, Candidacy, Contribution, Question, Test, User

DATA = Path(__file__).parent.parent / "data"
ROSTER = (DATA / "roster.csv").read_bytes()
STAFF = (DATA / "contributors.csv").read_bytes()


def total(session: Session, model: type) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(model)) or 0


def candidacy(session: Session, number: str) -> Candidacy:
    session.rollback()
    return session.scalars(select(Candidacy).where(Candidacy.number == number)).one()


def text_of(session: Session, number: str) -> str:
    """What a search finds a candidacy by."""
    return session.scalars(select(Candidacy.search_text).where(Candidacy.number == number)).one()


@pytest.mark.thorough
@pytest.mark.one_database
def test_the_real_roster_comes_in_whole_and_twice_changes_nothing(session: Session, tmp_path: Path) -> None:
    out = tmp_path / "passwords.csv"
    report = bring_in(session, ROSTER, STAFF, credentials=out)
    assert report.tests == Count(3, 0, 0)
    assert report.people == Count(1783, 0, 0)
    assert report.candidacies == Count(1900, 0, 0)
    assert report.contributors == Count(19, 0, 0)
    assert report.passwords_made == 1783
    rooms = set(session.scalars(select(Candidacy.room)))
    assert {"Aula Magna", "Aula magna"} <= rooms
    before, passwords = everything(session), out.read_bytes()
    again = bring_in(session, ROSTER, STAFF, credentials=out)
    assert again.people == Count(0, 0, 1783)
    assert again.candidacies == Count(0, 0, 1900)
    assert (again.tests, again.contributors, again.passwords_made) == (Count(0, 0, 3), Count(0, 0, 19), 0)
    assert everything(session) == before
    assert out.read_bytes() == passwords


def test_the_database_knows_how_many_came(session: Session) -> None:
    """Else PostgreSQL plans the first sending to a hall as one to a handful."""
    bring_in(session, roster(*map(candidate, range(40))))
    if session.get_bind().dialect.name == "postgresql":
        known = text("SELECT reltuples FROM pg_class WHERE oid = 'candidacy'::regclass")
    else:
        known = text("SELECT stat FROM sqlite_stat1 WHERE tbl = 'candidacy' AND idx = 'ix_candidacy_test_id_room'")
    assert str(session.scalar(known)).split(".")[0].split()[0] == "40"


def test_times_are_local_and_days_too(session: Session) -> None:
    """Trap 24: 00:30 in Stockholm is the evening before in UTC."""
    bring_in(session, roster(candidate(1, test_start="2026-11-24T00:30")))
    test = session.scalars(select(Test)).one()
    assert test.starts_at == datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert test.start_date == date(2026, 11, 24)


def test_an_hour_shown_twice_is_the_first(session: Session) -> None:
    """Trap 24: on 25 October 2026 Stockholm has 02:30 in summer time and again in winter time."""
    bring_in(session, roster(candidate(1, test_start="2026-10-25T02:30", test_end="2026-10-25T06:00")))
    test = session.scalars(select(Test)).one()
    assert test.starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert test.ends_at == datetime(2026, 10, 25, 5, 0, tzinfo=UTC)


def test_fields_arrive_where_they_belong(session: Session) -> None:
    line = candidate(
        1, group=" G 1 ", building="North", seat="1A", question_set="Set A", extra_minutes="30", name="Ka\u0308llström"
    )
    bring_in(session, b"\xef\xbb\xbf" + roster(line))
    one = candidacy(session, "C1")
    assert (one.group_name, one.room, one.building, one.seat) == ("G 1", "Hall 1", "North", "1A")
    assert (one.question_set, one.extra_minutes) == ("Set A", 30)
    assert person(session, "u1").name == "Källström"
    assert person(session, "u1").email == "u1@example.org"


def test_every_test_has_a_question_to_answer(session: Session) -> None:
    bring_in(session, roster(candidate(1), candidate(2, test="Botany")))
    questions = session.execute(select(Question.position, Question.prompt)).all()
    assert [tuple(one) for one in questions] == [(1, ""), (1, "")]


def test_a_changed_line_updates_its_candidacy_only(session: Session) -> None:
    bring_in(session, roster(candidate(1), candidate(2)))
    untouched = text_of(session, "C2")
    report = bring_in(session, roster(candidate(1, room="Hall 2", extra_minutes="15"), candidate(2)))
    assert report.candidacies == Count(0, 1, 1)
    assert report.people == Count(0, 0, 2)
    one = candidacy(session, "C1")
    assert (one.room, one.extra_minutes) == ("Hall 2", 15)
    assert "hall 2" in text_of(session, "C1")
    assert text_of(session, "C2") == untouched


def test_a_test_that_moves_keeps_its_candidacies(session: Session) -> None:
    bring_in(session, roster(candidate(1)))
    report = bring_in(session, roster(candidate(1, test_start="2026-11-24T09:00")))
    assert report.tests == Count(0, 1, 0)
    assert session.scalars(select(Test)).one().starts_at == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert total(session, Question) == 1


def test_who_is_not_in_the_file_stays(session: Session) -> None:
    bring_in(session, roster(candidate(1), candidate(2)), contributors(staff()))
    bring_in(session, roster(candidate(1)), contributors(staff("inv2")))
    assert (total(session, Candidacy), total(session, Contribution)) == (2, 2)


def test_contributors_get_role_and_room_and_can_be_changed(session: Session) -> None:
    bring_in(session, roster(candidate(1)), contributors(staff(room="Hall 1")))
    report = bring_in(session, roster(candidate(1)), contributors(staff(role="chief_invigilator")))
    assert report.contributors == Count(0, 1, 0)
    held = session.scalars(select(Contribution)).one()
    assert (held.role, held.room) == ("chief_invigilator", None)


def test_contributors_of_a_stored_test_and_of_one_day_of_two(session: Session) -> None:
    second = candidate(1, test_start="2026-11-25T08:00", test_end="2026-11-25T12:00")
    bring_in(session, roster(candidate(1), second))
    columns = (*STAFF_COLUMNS, "test_start")
    bring_in(
        session,
        roster(candidate(2, test="Botany")),
        contributors(staff(test_start="2026-11-25"), columns=columns),
    )
    day = session.scalar(select(Test.start_date).join(Contribution, Contribution.test_id == Test.id))
    assert day == date(2026, 11, 25)


def test_two_candidates_swap_their_numbers(session: Session) -> None:
    bring_in(session, roster(candidate(1), candidate(2)))
    with writing(session):
        for one in session.scalars(select(Candidacy)):
            one.started_at = None
    bring_in(session, roster(candidate(1, candidate_id="C2"), candidate(2, candidate_id="C1")))
    assert candidacy(session, "C1").user_id == person(session, "u2").id
    assert candidacy(session, "C2").user_id == person(session, "u1").id


def test_another_person_takes_a_place_that_was_not_begun(session: Session) -> None:
    bring_in(session, roster(candidate(1)))
    with writing(session):
        one = session.scalars(select(Candidacy)).one()
        one.flagged, one.attendance, one.id_checked, one.note = True, Attendance.PRESENT, True, "Person 1 feels ill"
    report = bring_in(session, roster(candidate(2, candidate_id="C1")))
    assert report.candidacies == Count(0, 1, 0)
    assert candidacy(session, "C1").user_id == person(session, "u2").id
    taken = candidacy(session, "C1")
    assert (taken.flagged, taken.attendance, taken.id_checked, taken.note) == (False, None, False, "")
    assert "person 2" in text_of(session, "C1")


def test_a_number_moves_on_while_its_holder_gets_another(session: Session) -> None:
    bring_in(session, roster(candidate(1)))
    bring_in(session, roster(candidate(1, candidate_id="C9"), candidate(2, candidate_id="C1")))
    assert candidacy(session, "C9").user_id == person(session, "u1").id
    assert candidacy(session, "C1").user_id == person(session, "u2").id


def test_nobody_takes_the_place_of_somebody_who_has_started(session: Session) -> None:
    bring_in(session, roster(candidate(1)))
    with writing(session):
        one = session.scalars(select(Candidacy)).one()
        one.started_at = datetime(2026, 11, 24, 8, tzinfo=UTC)
    before = everything(session)
    (said,) = problems(session, roster(candidate(2, candidate_id="C1")))
    assert said == "roster.csv, line 2, candidate_id: “C1” belongs to another person, who has started"
    assert everything(session) == before


def test_a_number_of_somebody_outside_the_file_is_not_taken(session: Session) -> None:
    bring_in(session, roster(candidate(1), candidate(2)))
    (said,) = problems(session, roster(candidate(2, candidate_id="C1")))
    assert "who is not in the file" in said


# Passwords and the file that hands them out


@pytest.mark.thorough
@pytest.mark.one_database("postgresql")
def test_a_dry_run_writes_nothing_at_all(session: Session, tmp_path: Path) -> None:
    out = tmp_path / "passwords.csv"
    report = bring_in(session, ROSTER, STAFF, credentials=out, dry_run=True)
    assert report.candidacies == Count(1900, 0, 0)
    assert not out.exists()
    assert everything(session) == []


def test_a_room_that_the_roster_empties_is_still_one_of_its_test(session: Session) -> None:
    """A contributor may be limited to a room until everybody has moved, in one import with the move."""
    bring_in(session, roster(candidate(1)))
    assert problems(session, roster(candidate(1, room="Hall 2")), contributors(staff(room="Hall 1"))) == []


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize(
    "second",
    [
        [candidate(1, room="Hall 2"), candidate(2, candidate_id="C9"), candidate(3, test="Botany")],
        [candidate(1, name="Renamed"), candidate(2, room="Hall 2"), candidate(3, test="Botany")],
        [candidate(1, room="Hall 2"), candidate(2), candidate(3, test="Botany", test_end="2026-11-24T13:00")],
    ],
    ids=["another candidate ID", "another name", "another end of a test"],
)
def test_candidacies_are_locked_in_order_as_presence_locks_them(
    app: Flask, session: Session, second: list[dict[str, str]]
) -> None:
    """An import that waited for one while it holds a later one would end in a deadlock with presence."""
    bring_in(session, roster(candidate(1), candidate(2), candidate(3, test="Botany")))
    first, *later = session.scalars(select(Candidacy.id).order_by(Candidacy.id))
    locked = select(Candidacy.id).with_for_update(nowait=True)
    bring_in_behind(app, session, second, locked.where(Candidacy.id == first), locked.where(Candidacy.id.in_(later)))


@pytest.mark.only_on("postgresql")
def test_a_test_is_locked_before_its_candidacies_as_closing_locks_them(app: Flask, session: Session) -> None:
    bring_in(session, roster(candidate(1)))
    locked = select(Candidacy.id).with_for_update(nowait=True)
    second = [candidate(1, room="Hall 2", test_end="2026-11-24T13:00"), candidate(2, test_end="2026-11-24T13:00")]
    bring_in_behind(app, session, second, select(Test.id).with_for_update(), locked)


@pytest.mark.only_on("postgresql")
def test_people_are_locked_before_tests_as_a_role_locks_them(app: Flask, session: Session) -> None:
    """An import that waited for a person while it holds candidacies would end in a deadlock with a planner's role."""
    bring_in(session, roster(candidate(1)))
    second = [candidate(1, name="Renamed", room="Hall 2")]
    later = select(Candidacy.id).join(Candidacy.test).with_for_update(nowait=True)
    bring_in_behind(app, session, second, select(User.id).with_for_update(), later)


def bring_in_behind(
    app: Flask, session: Session, lines: list[dict[str, str]], first: Select[int], later: Select[int]
) -> None:
    """Import while another transaction has locked `first`; it can lock `later` while the import waits for it."""
    session.rollback()

    def bring_in_again() -> Report:
        with app.app_context():
            return bring_in(db.session(), roster(*lines))

    other = db.engine.connect().execution_options(**{WRITE: True})
    with ThreadPoolExecutor(1) as threads, other, other.begin():
        other.execute(first)
        report = threads.submit(bring_in_again)
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        until(lambda: report.done() or session.scalar(waiting))
        assert not report.done()
        assert other.execute(later).all()
    assert report.result().candidacies.changed
