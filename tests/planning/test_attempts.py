"""What a new candidacy knows of its person from the start."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.planning.papers import bring_in, candidate, roster
from tests.planning.test_importing import candidacy, person
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy


def test_whoever_is_online_is_so_in_a_test_that_comes_in_only_now(session: Session) -> None:
    """Presence is the person's: of a new candidacy, and of one that they take over from somebody else."""
    bring_in(session, roster(candidate(1), candidate(2, test="Botany", candidate_id="B2")))
    seen, left = utcnow(), utcnow() - timedelta(minutes=1)
    with writing(session):
        one = session.scalars(select(Candidacy).where(Candidacy.number == "C1")).one()
        one.last_seen, one.left_at = seen, left
    bring_in(
        session, roster(candidate(1), candidate(1, test="Botany", candidate_id="B2"), candidate(3, candidate_id="C3"))
    )
    taken_over, new = candidacy(session, "B2"), candidacy(session, "C3")
    assert (taken_over.user_id, taken_over.last_seen, taken_over.left_at) == (person(session, "u1").id, seen, left)
    assert new.last_seen is None
    bring_in(session, roster(candidate(4, candidate_id="C1")))
    assert (candidacy(session, "C1").user_id, candidacy(session, "C1").last_seen) == (person(session, "u4").id, None)
    bring_in(session, roster(candidate(1, test="Civics", candidate_id="V1")))
    assert (candidacy(session, "V1").last_seen, candidacy(session, "V1").left_at) == (seen, left)
