"""An exam as every server gets it: an invigilator, and candidates who sign in one after the other."""

from __future__ import annotations

from tests.hall import Hall
from tests.server import PASSWORD
from webapp.accounts.passwords import hash_password


def hold_exam(hall: Hall, candidates: int) -> list[str]:
    """A test that runs now, with the invigilator `ines`; gives the candidates' usernames."""
    test, secret = hall.test("Algebra"), hash_password(PASSWORD)
    hall.contributor(test, user=hall.person("Ines", username="ines", password_hash=secret))
    names = [f"candidate{number}" for number in range(1, candidates + 1)]
    for name in names:
        hall.candidacy(test, hall.person(name.title(), username=name, password_hash=secret))
    hall.session.rollback()
    return names
