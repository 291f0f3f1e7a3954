"""The denormalised text that the monitor's search looks in: one per candidacy."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.models import Candidacy, Contribution, Role, Test, User

SEPARATOR = "\x1f"
"""Keeps the columns apart: a phrase is found in one column only, and nobody can type this character."""


def folded(text: str) -> str:
    """The form in which text is searched: composed and case folded, so that `ß` finds `SS` and `É` finds `é`."""
    return unicodedata.normalize("NFC", text.replace(SEPARATOR, "").casefold())


def refresh_search_text(session: Session, candidacy_ids: Sequence[int]) -> None:
    """Write the search text of these candidacies anew; call it in the transaction that changed what is in it.

    In it: candidate ID, name, group, room, building, seat, question set, test title, the test's planners.
    """
    rows = session.execute(
        select(Candidacy, User.name, Test.title)
        .join(User, User.id == Candidacy.user_id)
        .join(Test, Test.id == Candidacy.test_id)
        .where(Candidacy.id.in_(candidacy_ids))
    ).all()
    planners = planners_of(session, {candidacy.test_id for candidacy, _, _ in rows})
    session.execute(
        update(Candidacy),
        [
            {
                "id": one.id,
                "sort_name": folded(name),
                "search_text": SEPARATOR.join(
                    folded(part)
                    for part in (
                        one.number, name, one.group_name, one.room, one.building, one.seat, one.question_set,
                        title, *planners.get(one.test_id, []),
                    )
                ),
            }
            for one, name, title in rows
        ],
    )  # fmt: skip


def planners_of(session: Session, test_ids: set[int]) -> dict[int, list[str]]:
    """Test id → the names of its planners, in order of name."""
    names: dict[int, list[str]] = {}
    for test_id, name in session.execute(
        select(Contribution.test_id, User.name)
        .join(User, User.id == Contribution.user_id)
        .where(Contribution.test_id.in_(test_ids), Contribution.role == Role.PLANNER)
        .order_by(User.name)
    ):
        names.setdefault(test_id, []).append(name)
    return names
