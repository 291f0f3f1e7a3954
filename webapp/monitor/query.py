"""The one query definition behind the count, the rows and the audience of "send to all" (R17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.access import AccessScope
from webapp.db.sql import contains, phrase_parameters, phrase_shape
from webapp.db.types import EPOCH, UtcDateTime, microseconds
from webapp.models import Attendance, Candidacy, Test, User
from webapp.models.status import Moment, Progress, has_progress, has_warning, is_online, sitting
from webapp.models.status import Warning as CandidateWarning
from webapp.monitor.filters import Filter
from webapp.monitor.periods import bounds
from webapp.text.normalization import fold_for_search

MOMENTS: dict[str, InstrumentedAttribute[Any]] = {
    "seen": Candidacy.last_seen,
    "started": Candidacy.started_at,
    "saved": Candidacy.saved_at,
    "submitted": Candidacy.submitted_at,
    "test_start": Test.starts_at,
    "test_end": Test.ends_at,
}
EDGES = ("since", "until")
ANY_VALUE = {"within": "1m", "after": "1970-01-02T00:00", "before": "1970-01-02T00:00"}
"""Of each kind of time filter: the kind alone decides which of its edges are open."""
ABOUT_THE_TEST = frozenset({"warning", "test_start", "test_end"})
"""Names whose conditions look at the test."""
FEW_TESTS = 4
"""Of so many, every candidacy is looked at sooner than an index over all tests is."""
KEPT = 64
"""Conditions that are kept: making one of a warning takes milliseconds. Those for any moment are some twenty."""
PLAIN_COLUMNS: dict[str, InstrumentedAttribute[str]] = {
    "room": Candidacy.room,
    "group": Candidacy.group_name,
}


def select_candidacies(scope: AccessScope, filter: Filter, now: Moment) -> Select[int]:  # noqa: A002 the field's word
    """Ids of the candidacies within `reach` that `filter` matches at `now`, in no order.

    Drawn from `sitting()`, so that others add columns with `.with_only_columns(…)` and order them without
    touching which rows there are.
    """
    conditions = _conditions(filter, now, narrow=is_narrow(scope, filter))
    return select(Candidacy.id).select_from(sitting()).where(scope.condition(), *conditions)


def matching_alone(
    scope: AccessScope,
    filter: Filter,  # noqa: A002
    now: Moment,
    *,
    named: bool = False,
    by_index: bool = True,
) -> Select[int]:
    """The same ids, from the tables only that the filter asks about: to count half a million, and to find a page.

    Each candidacy has a test and a person: what is left out takes no row away, and adds none. With `named`, both are
    there. Without `by_index`, a phrase is looked for in each text, which is quicker where many have it.
    """
    conditions = _conditions(filter, now, narrow=is_narrow(scope, filter), by_index=by_index)
    return _drawn_from(filter, named=named).where(scope.condition(), *conditions)


def walking(scope: AccessScope, filter: Filter, now: Moment) -> Select[int]:  # noqa: A002
    """The same ids where they are known to be many, for whoever takes a page of them in the order of names.

    A database that looks for each of these conditions by an index finds them all and then has to sort them; one that
    walks along the names soon has met enough. It knows neither how many they are nor how they are spread, so what it
    could look up is wrapped for it. Not the test: names are in order within each.
    """
    narrow = is_narrow(scope, filter)
    plain = replace(filter, q="", choices=tuple(one for one in filter.choices if one[0] == "test"), times=())
    wrapped = replace(filter, choices=tuple(one for one in filter.choices if one[0] != "test"))
    conditions = [
        *_conditions(plain, now, narrow=narrow),
        *map(_wrapped, _conditions(wrapped, now, narrow=False, by_index=False)),
    ]
    return _drawn_from(filter).where(scope.condition(), *conditions)


def _wrapped(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same, so that no database looks it up in an index."""
    return func.coalesce(condition, false())


def searched(filter: Filter) -> list[str]:  # noqa: A002
    """What the searched text of a candidacy must have in it: the phrase, or each of its words."""
    phrase = fold_for_search(filter.q)
    if not phrase:
        return []
    return phrase.split(" ") if filter.by_words else [phrase]


def resolve_phrase(session: Session, scope: AccessScope, filter: Filter, now: datetime) -> Filter:  # noqa: A002
    """The filter that looks for the words of its phrase if nobody within reach, and within its other conditions, has
    the phrase itself. Asks the database only where there are several words."""
    if not filter.has_several_words:
        return filter
    somebody = session.connection().execute(matching_alone(scope, filter, now).limit(1)).first()
    return replace(filter, by_words=somebody is None)


def is_narrow(scope: AccessScope, filter: Filter) -> bool:  # noqa: A002
    """Whether only a few tests are looked at, which their own indexes find at once."""
    return 0 < len(_tests_of(scope, filter)) <= FEW_TESTS


def _tests_of(scope: AccessScope, filter: Filter) -> list[int]:  # noqa: A002
    """The only tests that are looked at; none if it is all there are."""
    within = (scope.tests or ()) if scope.everything else scope.roles
    return sorted(map(int, filter.values("test") or within))


def _drawn_from(filter: Filter, *, named: bool = False) -> Select[int]:  # noqa: A002
    """The ids of all candidacies, joined to the test if the filter asks about it, and to both if they are `named`."""
    query = select(Candidacy.id)
    if named or _asks_about(filter, ABOUT_THE_TEST):
        query = query.join(Test, Test.id == Candidacy.test_id)
    return query.join(User, User.id == Candidacy.user_id) if named else query


def _asks_about(filter: Filter, names: frozenset[str]) -> bool:  # noqa: A002
    return any(name.rpartition("_")[0] in names or name in names for name, _ in filter.choices + filter.times)


def _conditions(
    filter: Filter,  # noqa: A002
    now: Moment,
    *,
    narrow: bool,
    by_index: bool = True,
) -> Iterator[ColumnElement[bool]]:
    """Each condition of a filter.

    If it is `narrow`, nothing is looked up but room and group, within these tests: everybody with a flag, or with these
    letters in the name, in the whole country takes longer to find than to look at the candidacies of a few tests.
    """
    if filter.q:
        for place, phrase in enumerate(searched(filter)):
            name = None if isinstance(now, datetime) else f"phrase_{place}"
            yield contains(Candidacy.search_text, phrase, by_index=by_index and not narrow, name=name)
    for name, values in filter.choices:
        if name == "test":
            yield Candidacy.test_id.in_([int(value) for value in values])
            continue
        condition = _any_of(name, values, now)
        looked_up = not narrow or name in PLAIN_COLUMNS
        yield condition if looked_up else _wrapped(condition)
    for name, values in filter.times:
        condition = or_(*(_in_time(filter, name, place, now) for place in range(len(values))))
        yield _wrapped(condition) if narrow else condition


def _any_of(name: str, values: Sequence[str], now: Moment) -> ColumnElement[bool]:
    if name in PLAIN_COLUMNS:
        return PLAIN_COLUMNS[name].in_(values)
    return or_(*(_one_of(name, value, now) for value in values))


@lru_cache(maxsize=KEPT)
def _one_of(name: str, value: str, now: Moment) -> ColumnElement[bool]:
    match name:
        case "progress":
            return has_progress(Progress(value))
        case "status":
            return is_online(now) if value == "online" else ~is_online(now)
        case "warning":
            return has_warning(CandidateWarning(value), now)
        case "flag":
            return Candidacy.flagged.is_(value == "yes")
    if (name, value) == ("attendance", "unset"):
        return Candidacy.attendance.is_(None)
    return Candidacy.attendance == Attendance(value)


def _in_time(filter: Filter, name: str, place: int, now: Moment) -> ColumnElement[bool]:  # noqa: A002
    column, value = MOMENTS[name.rpartition("_")[0]], filter.values(name)[place]
    at = now if isinstance(now, datetime) else EPOCH
    since, until = (
        moment if moment is None or at is now else bindparam(f"{name}_{place}_{edge}", type_=UtcDateTime)
        for edge, moment in zip(EDGES, bounds(name, value, at, filter.zone), strict=True)
    )
    return and_(
        column >= since if since is not None else true(),
        column < until if until is not None else true(),
    )


def in_general(filter: Filter) -> Filter:  # noqa: A002
    """The same for all filters whose statements for any moment (`NOW`) differ in parameters only.

    Who types a phrase asks at every letter, and whoever changes a time asks again: one statement does for all of them.
    """
    return replace(
        filter,
        q=" ".join(map(phrase_shape, searched(filter))),
        times=tuple((name, (ANY_VALUE[name.rpartition("_")[2]],) * len(values)) for name, values in filter.times),
    )


def parameters(filter: Filter, now: datetime) -> dict[str, Any]:  # noqa: A002
    """What a statement that was made for any moment takes at this one, and for this filter, by name."""
    edges = {
        f"{name}_{place}_{edge}": moment
        for name, values in filter.times
        for place, value in enumerate(values)
        for edge, moment in zip(EDGES, bounds(name, value, now, filter.zone), strict=True)
    }
    phrases = {
        key: spelling
        for place, phrase in enumerate(searched(filter))
        for key, spelling in phrase_parameters(phrase, f"phrase_{place}").items()
    }
    return {"now": microseconds(now), **phrases, **edges}
