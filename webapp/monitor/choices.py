"""What the filters offer: the tests, rooms and groups within somebody's reach."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Reach
from webapp.models import RosterEntry, Test
from webapp.monitor.filters import FIXED_VALUES
from webapp.monitor.words import NONE_ASSIGNED, VALUES, test_in_words

Offer = tuple[str, str]
"""A filter's value and its words."""


@dataclass(frozen=True)
class Choices:
    """Filter name → what can be ticked there."""

    test: list[Offer]
    room: list[Offer]
    group: list[Offer]

    def offers(self, name: str) -> list[Offer]:
        """The values of one filter, in the order in which they are offered."""
        if name in FIXED_VALUES:
            return [(value, str(VALUES[name][value])) for value in FIXED_VALUES[name]]
        offered: list[Offer] = getattr(self, name)
        return offered


def choices(session: Session, reach: Reach) -> Choices:
    """Three statements; only rooms and groups that somebody within reach has."""
    tests = session.execute(
        select(Test.id, Test.title, Test.start_date)
        .where(reach.test_condition())
        .order_by(Test.starts_at.desc(), Test.title)
    ).all()
    titles = [title for _, title, _ in tests]
    return Choices(
        test=[(str(number), test_in_words(title, f"{day}", titles)) for number, title, day in tests],
        room=[(one, one or str(NONE_ASSIGNED["room"])) for one in _distinct(session, reach, RosterEntry.room)],
        group=[(one, one or str(NONE_ASSIGNED["group"])) for one in _distinct(session, reach, RosterEntry.group_name)],
    )


def _distinct(session: Session, reach: Reach, column: object) -> list[str]:
    query = select(column).where(reach.condition()).distinct().order_by(column)  # type: ignore[call-overload]
    return list(session.scalars(query))
