"""The columns of a candidacy that lists are searched and sorted by."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import JSON, Integer, Update, bindparam, cast, column, func, select, update
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
NAMES = [searched.key for searched in SEARCHED]
Place = tuple[str, str]
"""Room and seat."""


def _write(*names: str) -> Update:
    """Sets these columns in all candidacies of `texts`: candidacy id → their values, in this order."""
    entry = func.json_each(bindparam("texts", type_=JSON)).table_valued("key", column("value", JSON))
    values = {name: entry.c.value[place].as_string() for place, name in enumerate(names)}
    return update(Candidacy).where(Candidacy.id == cast(entry.c.key, Integer)).values(values)


WRITE_TEXTS = _write("search_text", "sort_name", "sort_number")
WRITE_PLACES = _write("search_text", "room", "seat")


def refresh_search_text(
    session: Session, candidacy_ids: Collection[int], places: Mapping[int, Place] = MappingProxyType({})
) -> None:
    """Write what these candidacies are searched and sorted by; call it in the transaction that changes any of it.

    With `places`, which has them all, they are moved there by the same statement.
    """
    rows = session.execute(
        select(Candidacy.id, Candidacy.test_id, *SEARCHED)
        .join(User, User.id == Candidacy.user_id)
        .join(Test, Test.id == Candidacy.test_id)
        .where(id_in(Candidacy.id, candidacy_ids, many=True))
        .order_by(Candidacy.id)
    ).all()
    planners = _planners(session, {row.test_id for row in rows})
    fold = cache(fold_for_search)  # most places are those of many
    values = {}
    for row in rows:
        place = places.get(row.id, (row.room, row.seat))
        searched = row._asdict() | dict(zip(("room", "seat"), place, strict=True))
        folded = (fold(searched[name]) for name in NAMES)
        search_text = SEPARATOR.join([*folded, *planners[row.test_id]])
        others = place if places else (row.name.casefold(), natural_sort_key(row.number))
        values[row.id] = [search_text, *others]
    if values:
        session.connection().execute(WRITE_PLACES if places else WRITE_TEXTS, {"texts": values})


def _planners(session: Session, test_ids: Collection[int]) -> dict[int, list[str]]:
    """Test id → the names of its planners, folded, in order of name."""
    planner = id_in(Contribution.test_id, test_ids), Contribution.role == Role.PLANNER
    rows = select(Contribution.test_id, User.name).join(User, User.id == Contribution.user_id).where(*planner)
    names = defaultdict(list)
    for test_id, name in session.execute(rows.order_by(User.name)):
        names[test_id].append(fold_for_search(name))
    return names
