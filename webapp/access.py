"""Who may see and do what. Every query on candidates starts from `reach()`; nothing else decides rights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, or_, select, true
from sqlalchemy.orm import Session

from webapp.database import PLANNED_ONCE, Instant
from webapp.models import Contribution, Role, RosterEntry, Test, User

ENTRY_BEFORE_START = timedelta(minutes=60)
"""Contributors get in this long before the start."""


class Right(StrEnum):
    """Something that can be allowed in a test."""

    WATCH = "watch"
    SEND = "send"
    READ_LOG = "read_log"
    """All entries of the test; everyone reads their own sendings besides."""


EVERY_ROLE = frozenset(Role)
MAY: dict[Right, frozenset[Role]] = {
    Right.WATCH: EVERY_ROLE,
    Right.SEND: EVERY_ROLE,
    Right.READ_LOG: frozenset({Role.CHIEF_INVIGILATOR, Role.PLANNER}),
}
ADMINISTRATORS_MAY = frozenset({Right.WATCH, Right.READ_LOG})
"""An administrator runs the installation: sees all, but speaks to candidates only with a role in their test."""
ANY_TIME = frozenset({Role.PLANNER})
"""Roles without an access window: planners set a test up before and close it after."""
RANK = [Role.INVIGILATOR, Role.CHIEF_INVIGILATOR, Role.PLANNER]


@dataclass(frozen=True)
class Reach:
    """The candidacies within somebody's reach: all, or those of whole tests and of single rooms."""

    everything: bool
    roles: dict[int, Role]
    """Test id → the role there, for every test within reach."""
    rooms: dict[int, str]
    """Test id → the only room, for contributors limited to one (exact name, case included)."""

    def __bool__(self) -> bool:
        return self.everything or bool(self.roles)

    def __hash__(self) -> int:
        return hash((self.everything, frozenset(self.roles.items()), frozenset(self.rooms.items())))

    def condition(self) -> ColumnElement[bool]:
        """The SQL condition on `RosterEntry` that every list, count and audience of this person carries (R6, R17)."""
        if self.everything:
            return true()
        whole = [test_id for test_id in self.roles if test_id not in self.rooms]
        parts: list[ColumnElement[bool]] = [RosterEntry.test_id.in_(whole)] if whole else []
        parts += [and_(RosterEntry.test_id == test, RosterEntry.room == room) for test, room in self.rooms.items()]
        return or_(false(), *parts)

    def test_condition(self, test_id: Any = Test.id) -> ColumnElement[bool]:
        """The same for lists of tests, or for anything that has a test's number and no room."""
        return true() if self.everything else test_id.in_(self.roles)

    def highest_role(self, test_ids: set[int]) -> Role | None:
        """The weightiest role in any of these tests (a message carries it as its sender's role)."""
        held = [self.roles[test_id] for test_id in test_ids if test_id in self.roles]
        return max(held, key=RANK.index, default=None)


def reach(session: Session, actor: User, right: Right, now: datetime, *, window: bool = True) -> Reach:
    """What `actor` may exercise `right` on at `now`.

    The access window runs from 60 minutes before a test's start until it is closed; with `window=False` (the log)
    it does not count. Reads the contributions afresh: inside a transaction the answer is the transaction's (R6).
    """
    said = {"actor": actor.id, "until": now + ENTRY_BEFORE_START}
    held = session.connection().execute(_held(right, window), said).all()
    return Reach(
        everything=actor.is_admin and right in ADMINISTRATORS_MAY,
        roles={test_id: Role(role) for test_id, role, _ in held},
        rooms={test_id: room for test_id, _, room in held if room is not None},
    )


@cache
def _held(right: Right, window: bool) -> Select[int, Role, str | None]:
    """What somebody holds; made and planned once, because every refresh of every monitor asks."""
    query = (
        select(Contribution.test_id, Contribution.role, Contribution.room)
        .join(Test, Test.id == Contribution.test_id)
        .where(Contribution.user_id == bindparam("actor"), Contribution.role.in_(MAY[right]))
        .execution_options(**{PLANNED_ONCE: True})
    )
    if not window:
        return query
    entered = and_(Test.starts_at <= bindparam("until", type_=Instant), Test.closed_at.is_(None))
    return query.where(or_(Contribution.role.in_(ANY_TIME), entered))


def is_contributor(session: Session, actor: User) -> bool:
    """Whether this person works in any test at all, open or not."""
    return session.scalar(select(Contribution.id).where(Contribution.user_id == actor.id).limit(1)) is not None


def is_candidate(session: Session, actor: User) -> bool:
    """Whether this person sits any test at all."""
    return session.scalar(select(RosterEntry.id).where(RosterEntry.user_id == actor.id).limit(1)) is not None
