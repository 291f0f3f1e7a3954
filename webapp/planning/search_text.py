"""The columns of a candidacy that lists are searched and sorted by."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.db.sql import id_in
from webapp.models import Candidacy, Contribution, Role, Test, User
from webapp.text.normalization import fold_for_search, natural_sort_key

SEPARATOR = "\x1f"
"""Keeps the columns apart: a phrase is found in one column only. Nobody can type this character, and no result of
`fold_for_search()` contains it."""
SEARCHED = ("number", "name", "group_name", "room", "building", "seat", "question_set", "title")


def refresh_search_text(session: Session, candidacy_ids: Collection[int]) -> None:
    """Write what these candidacies are searched and sorted by; call it in the transaction that changes any of it.

    The search text has the candidate ID, name, group, room, building, seat, question set, test title and planners.
    """
    places = (getattr(Candidacy, name) for name in SEARCHED[2:-1])
    rows = session.execute(
        select(Candidacy.id, Candidacy.test_id, Candidacy.number, User.name, *places, Test.title)
        .join(User, User.id == Candidacy.user_id)
        .join(Test, Test.id == Candidacy.test_id)
        .where(id_in(Candidacy.id, candidacy_ids))
        .order_by(Candidacy.id)
    ).all()
    if not rows:
        return
    planners = planners_of(session, {row.test_id for row in rows})
    texts = []
    for row in rows:
        parts = [*(getattr(row, name) for name in SEARCHED), *planners.get(row.test_id, [])]
        search_text = SEPARATOR.join(map(fold_for_search, parts))
        sorted_by = {"sort_name": row.name.casefold(), "sort_number": natural_sort_key(row.number)}
        texts.append({"id": row.id, "search_text": search_text, **sorted_by})
    session.execute(update(Candidacy), texts)


def planners_of(session: Session, test_ids: Collection[int]) -> dict[int, list[str]]:
    """Test id → the names of its planners, in order of name."""
    rows = session.execute(
        select(Contribution.test_id, User.name)
        .join(User, User.id == Contribution.user_id)
        .where(id_in(Contribution.test_id, test_ids), Contribution.role == Role.PLANNER)
        .order_by(User.name)
    )
    names = defaultdict(list)
    for test_id, name in rows:
        names[test_id].append(name)
    return names
