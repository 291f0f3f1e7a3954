"""What looks the same in a roster is the same, at its import and in what is there already."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.databases import SECRET_KEY
from tests.logbook.entries import attempt
from tests.planning.papers import bring_in, candidate, contributors, problems, roster, staff
from tests.planning.test_importing import person
from webapp.accounts.passwords import verify
from webapp.accounts.signing_in import sign_in
from webapp.clock import utcnow
from webapp.extensions import db
from webapp.models import Contribution, RosterEntry, Test, User
from webapp.planning.importing import Count

HALLS = ["Hall 2", "Hall  2", "Hall\u00a02", "Hall\u200b 2", " Hall\u3000\u20072\ufeff", "Hall 2\u00ad"]


def test_four_spellings_make_one_room_and_case_makes_two(session: Session) -> None:
    lines = [candidate(n, room=room, group=room, test=room) for n, room in enumerate([*HALLS, "hall 2"])]
    bring_in(session, roster(*lines), contributors(staff(test=HALLS[2], room=HALLS[1])))
    assert set(session.scalars(select(RosterEntry.room))) == {"Hall 2", "hall 2"}
    assert set(session.scalars(select(RosterEntry.group_name))) == {"Hall 2", "hall 2"}
    assert set(session.scalars(select(Test.title))) == {"Hall 2", "hall 2"}
    assert session.scalars(select(Contribution.room)).all() == ["Hall 2"]


def test_one_id_and_one_username_however_they_are_spelled(session: Session) -> None:
    found = problems(
        session, roster(candidate(1), candidate(2, candidate_id="C\u200b1"), candidate(3, username="u\u2060 1"))
    )
    assert found == ["roster.csv, line 3, candidate_id: “C1” stands in line 2 already, in the same test"]
    found = problems(session, roster(candidate(1), candidate(2, username="U\u200b1")))
    assert any("username: “u1” sits this test in line 2 already" in problem for problem in found)


def test_an_import_with_other_spaces_changes_nothing(session: Session) -> None:
    bring_in(session, roster(candidate(1, name="Anna Lund", username="anna lund")))
    again = bring_in(
        session,
        roster(candidate(1, name="Anna\u00a0 Lund", username="Anna  Lund\u200e", room=" Hall\t1".replace("\t", " "))),
    )
    assert (again.people, again.candidacies) == (Count(0, 0, 1), Count(0, 0, 1))


@pytest.mark.parametrize("typed", ["long enough", "long enough ", "\u00a0long enough\u200b"])
@pytest.mark.parametrize("in_file", ["long enough", " long enough  ", "long enough\u200b"])
def test_the_ends_of_a_password_that_nobody_sees_do_not_count(session: Session, in_file: str, typed: str) -> None:
    """At the import and at the sign-in alike; inside, each space counts."""
    bring_in(session, roster(candidate(1, password=in_file, username="anna  lund")))
    user = person(session, "anna lund")
    given = {"address": "", "device_cookie": "", "secret_key": SECRET_KEY, "now": utcnow()}
    assert sign_in(session, "Anna\u00a0Lund ", typed, **given).id == user.id
    assert not verify(user.password_hash, "long  enough")


def test_what_is_stored_becomes_what_it_looks_like(app: Flask, session: Session) -> None:
    """A migration; where that would make two of one test the same, both stay as they are."""
    bring_in(session, roster(*(candidate(n, name="Åsa Öst") for n in range(1, 4))), contributors(staff(room="Hall 1")))
    session.close()
    downgrade(revision="0015")
    attempt(
        db.session(),
        "UPDATE candidacy SET room = 'Hall\u00a0 1', number = 'C\u200b1' WHERE number = 'C2'",
        "UPDATE candidacy SET number = 'C  3' WHERE number = 'C3'",
        "UPDATE contribution SET room = 'Hall  1'",
        "UPDATE user_account SET name = 'Åsa  O\u0308st', sign_in_name = 'u\u00ad1' WHERE sign_in_name = 'u1'",
        "UPDATE user_account SET sign_in_name = 'u\u00ad2' WHERE sign_in_name = 'u3'",
        "UPDATE search_text SET text = 'åsa öst\x1fhall  1'",
    )
    db.session.remove()
    upgrade()
    session = db.session()
    assert set(session.scalars(select(RosterEntry.room))) == {"Hall 1"}
    assert sorted(session.scalars(select(RosterEntry.number))) == ["C 3", "C1", "C\u200b1"]
    assert session.scalars(select(Contribution.room)).all() == ["Hall 1"]
    assert sorted(session.scalars(select(User.sign_in_name))) == ["inv1", "u1", "u2", "u\u00ad2"]
    assert set(session.scalars(select(User.name))) == {"Inge", "Åsa Öst"}
    assert set(session.scalars(text("SELECT text FROM search_text"))) == {"asa ost\x1fhall 1"}
