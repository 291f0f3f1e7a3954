"""What a search finds a candidacy by follows the files."""

from __future__ import annotations

from sqlalchemy.orm import Session

from tests.planning.papers import Count, bring_in, candidate, contributors, roster, staff
from tests.planning.test_importing import person, text_of


def test_candidates_are_found_by_their_planner(session: Session) -> None:
    bring_in(session, roster(candidate(1)), contributors(staff("p", role="planner", name="Åsa Planér")))
    assert "asa planer" in text_of(session, "C1")
    bring_in(session, roster(candidate(1)), contributors(staff("p", role="planner", name="Eva Ny")))
    assert "eva ny" in text_of(session, "C1")
    assert "asa" not in text_of(session, "C1")
    bring_in(session, roster(candidate(1)), contributors(staff("p", role="invigilator", name="Eva Ny")))
    assert "eva ny" not in text_of(session, "C1")


def test_a_new_name_is_found_in_every_test_of_the_person(session: Session) -> None:
    bring_in(session, roster(candidate(1), candidate(1, test="Botany", candidate_id="B1")))
    report = bring_in(session, roster(candidate(1, name="New Name")))
    assert report.people == Count(0, 1, 0)
    assert "new name" in text_of(session, "B1")
    assert person(session, "u1").epoch == 0
