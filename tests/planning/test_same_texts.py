"""What looks the same in a roster is the same."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.databases import SECRET_KEY
from tests.planning.papers import Count, bring_in, candidate, contributors, problems, roster, staff
from tests.planning.test_importing import person
from webapp.accounts.passwords import verify
from webapp.accounts.signing_in import sign_in
from webapp.clock import utcnow
from webapp.models import Candidacy, Contribution, Test

HALLS = ["Hall 2", "Hall  2", "Hall\u00a02", "Hall\u200b 2", " Hall\u3000\u20072\ufeff", "Hall 2\u00ad"]


def test_four_spellings_make_one_room_and_case_makes_two(session: Session) -> None:
    lines = [candidate(n, room=room, group=room, test=room) for n, room in enumerate([*HALLS, "hall 2"])]
    bring_in(session, roster(*lines), contributors(staff(test=HALLS[2], room=HALLS[1])))
    assert set(session.scalars(select(Candidacy.room))) == {"Hall 2", "hall 2"}
    assert set(session.scalars(select(Candidacy.group_name))) == {"Hall 2", "hall 2"}
    assert set(session.scalars(select(Test.title))) == {"Hall 2", "hall 2"}
    assert session.scalars(select(Contribution.room)).all() == ["Hall 2"]


def test_one_id_and_one_username_however_they_are_spelled(session: Session) -> None:
    found = problems(
        session, roster(candidate(1), candidate(2, candidate_id="C\u200b1"), candidate(3, username="u\u2060 1"))
    )
    assert found == ["roster.csv, line 3, candidate_id: “C1” is already in line 2, in the same test"]
    found = problems(session, roster(candidate(1), candidate(2, username="U\u200b1")))
    assert any("username: “u1” already sits this test in line 2" in problem for problem in found)


def test_an_import_with_other_spaces_changes_nothing(session: Session) -> None:
    bring_in(session, roster(candidate(1, name="Anna Lund", username="anna lund")))
    again = bring_in(
        session,
        roster(candidate(1, name="Anna\u00a0 Lund", username="Anna  Lund\u200e", room=" Hall\t1".replace("\t", " "))),
    )
    assert (again.people, again.candidacies) == (Count(0, 0, 1), Count(0, 0, 1))


def test_the_ends_of_a_password_that_nobody_sees_do_not_count(session: Session) -> None:
    """At the import and at the sign-in alike; inside, each space counts."""
    in_file = ["long enough", " long enough  ", "long enough\u200b"]
    names = [f"anna  lund {number}" for number in range(3)]
    lines = [candidate(n, password=password, username=names[n]) for n, password in enumerate(in_file)]
    bring_in(session, roster(*lines))
    given = {"address": "", "device_cookie": "", "secret_key": SECRET_KEY, "now": utcnow()}
    for number, password in enumerate(in_file):
        user_id = person(session, f"anna lund {number}").id
        for typed in ("long enough", "long enough ", "\u00a0long enough\u200b"):
            found = sign_in(session, f"Anna\u00a0Lund {number} ", typed, **given)
            assert found.id == user_id, (password, typed)
            assert not verify(found.password_hash, "long  enough"), password
