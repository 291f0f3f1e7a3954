"""The denormalised text that the monitor's search looks in: one per candidacy."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.models import Candidacy, Contribution, Role, Test, User
from webapp.text.normalization import fold_for_search, natural_sort_key

SEPARATOR = "\x1f"
"""Keeps the columns apart: a phrase is found in one column only. Nobody can type this character, and no result of
`fold_for_search()` contains it."""
PLACE = ("group_name", "room", "building", "seat", "question_set")


def refresh_search_text(session: Session, candidacy_ids: Sequence[int]) -> None:
    """Write the search text of these candidacies anew; call it in the transaction that changed what is in it.

    In it: candidate ID, name, group, room, building, seat, question set, test title, the test's planners.
    """
    if not candidacy_ids:
        return
    columns = [getattr(Candidacy, name) for name in ("id", "test_id", "number", *PLACE)]
    rows = session.execute(
        select(*columns, User.name.label("name"), Test.title.label("title"))
        .join(User, User.id == Candidacy.user_id)
        .join(Test, Test.id == Candidacy.test_id)
        .where(Candidacy.id.in_(candidacy_ids))
        .order_by(Candidacy.id)
    ).all()
    planners = planners_of(session, {row.test_id for row in rows})
    texts = [
        {
            "id": row.id,
            "sort_name": row.name.casefold(),
            "sort_number": natural_sort_key(row.number),
            "search_text": SEPARATOR.join(
                fold_for_search(part)
                for part in (
                    row.number, row.name, *(getattr(row, name) for name in PLACE), row.title,
                    *planners.get(row.test_id, []),
                )
            ),
        }
        for row in rows
    ]  # fmt: skip
    session.execute(update(Candidacy), texts)


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
