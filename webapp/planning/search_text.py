"""The denormalised text that the monitor's search looks in: one per candidacy."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from webapp.models import TEXTS, Contribution, Role, RosterEntry, SearchText, Test, User
from webapp.text.normalization import fold_for_search, natural_sort_key

SEPARATOR = "\x1f"
"""Keeps the columns apart: a phrase is found in one column only. Nobody can type this character, and no result of
`fold_for_search()` contains it."""


def refresh_search_text(session: Session, candidacy_ids: Sequence[int]) -> None:
    """Write the search text of these candidacies anew; call it in the transaction that changed what is in it.

    In it: candidate ID, name, group, room, building, seat, question set, test title, the test's planners.
    """
    if not candidacy_ids:
        return
    rows = session.execute(
        select(RosterEntry, User.name, Test.title)
        .join(User, User.id == RosterEntry.user_id)
        .join(Test, Test.id == RosterEntry.test_id)
        .where(RosterEntry.id.in_(candidacy_ids))
    ).all()
    planners = planners_of(session, {entry.test_id for entry, _, _ in rows})
    sorted_by = [
        {"id": entry.id, "sort_name": name.casefold(), "sort_number": natural_sort_key(entry.number)}
        for entry, name, _ in rows
    ]
    session.execute(update(RosterEntry), sorted_by)
    session.execute(delete(SearchText).where(SearchText.candidacy_id.in_(candidacy_ids)))
    texts = [
        {
            "candidacy_id": entry.id,
            "test_id": entry.test_id,
            "text": SEPARATOR.join(
                fold_for_search(part)
                for part in (
                    entry.number, name, entry.group_name, entry.room, entry.building, entry.seat, entry.question_set,
                    title, *planners.get(entry.test_id, []),
                )
            ),
        }
        for entry, name, title in rows
    ]  # fmt: skip
    session.execute(insert(TEXTS), texts)


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
