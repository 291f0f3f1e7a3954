"""The columns of a candidacy that lists are searched and sorted by."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.db.sql import id_in
from webapp.models import Candidacy, Contribution, Role, Test, User
from webapp.text.normalization import fold_for_search, natural_sort_key

SEPARATOR = "\x1f"
"""Keeps the columns apart: a phrase is found in one column only. Nobody can type this character, and no result of
`fold_for_search()` contains it."""
PLACES = (Candidacy.group_name, Candidacy.room, Candidacy.building, Candidacy.seat, Candidacy.question_set)
SEARCHED: tuple[Any, ...] = (Candidacy.number, User.name, *PLACES, Test.title)
"""The search text has these, and the names of the test's planners."""


def refresh_search_text(session: Session, candidacy_ids: Collection[int]) -> None:
    """Write what these candidacies are searched and sorted by; call it in the transaction that changes any of it."""
    rows = session.execute(
        select(Candidacy.id, Candidacy.test_id, *SEARCHED)
        .join(User, User.id == Candidacy.user_id)
        .join(Test, Test.id == Candidacy.test_id)
        .where(id_in(Candidacy.id, candidacy_ids, many=True))
        .order_by(Candidacy.id)
    ).all()
    planners = _planners(session, {row.test_id for row in rows})
    values = []
    for candidacy_id, test_id, *texts in rows:
        number, name, *_ = texts
        search_text = SEPARATOR.join(map(fold_for_search, [*texts, *planners[test_id]]))
        sorted_by = {"sort_name": name.casefold(), "sort_number": natural_sort_key(number)}
        values.append({"id": candidacy_id, "search_text": search_text, **sorted_by})
    if values:
        session.execute(update(Candidacy), values)


def _planners(session: Session, test_ids: Collection[int]) -> dict[int, list[str]]:
    """Test id → the names of its planners, in order of name."""
    planner = id_in(Contribution.test_id, test_ids), Contribution.role == Role.PLANNER
    rows = select(Contribution.test_id, User.name).join(User, User.id == Contribution.user_id).where(*planner)
    names = defaultdict(list)
    for test_id, name in session.execute(rows.order_by(User.name)):
        names[test_id].append(name)
    return names
