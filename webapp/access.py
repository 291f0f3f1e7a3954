"""Who may see and do what: every query on candidates starts from an `AccessScope`, and nothing else decides rights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, or_, select, true
from sqlalchemy.orm import Session

from webapp.db.sql import PREPARED
from webapp.db.types import UtcDateTime
from webapp.exceptions import NotAllowed
from webapp.models import Candidacy, Contribution, Role, Test, User

ENTRY_BEFORE_START = timedelta(minutes=60)
"""How long before its start a test opens to staff."""


class Right(StrEnum):
    """What a role can allow in a test."""

    WATCH = "watch"
    SEND = "send"
    READ_LOG = "read_log"
    """All entries of the test. Everybody may read what they sent and did."""
    HELP_SIGN_IN = "help_sign_in"
    """Give a candidate a new password, or unlock their sign-in."""
    NOTE = "note"
    """Flag candidates, and note their attendance, their ID check, and a text."""
    MANAGE = "manage"
    """Pause and resume, give time, change room and seat, withdraw and readmit; incidents."""
    REOPEN = "reopen"
    """Take a submission back."""
    SHARE_VIEWS = "share_views"
    """Show a saved view of the monitor to all staff of the test."""
    SET_HELP = "set_help"
    """Name what candidates may ask for help with."""
    SET_TEXTS = "set_texts"
    """Write quick texts for all staff of the test."""


MAY: dict[Right, frozenset[Role]] = {
    Right.WATCH: frozenset(Role),
    Right.SEND: frozenset(Role),
    Right.READ_LOG: frozenset({Role.CHIEF_INVIGILATOR, Role.PLANNER}),
    Right.HELP_SIGN_IN: frozenset({Role.CHIEF_INVIGILATOR, Role.PLANNER}),
    Right.NOTE: frozenset(Role),
    Right.MANAGE: frozenset({Role.CHIEF_INVIGILATOR, Role.PLANNER}),
    Right.REOPEN: frozenset({Role.PLANNER}),
    Right.SHARE_VIEWS: frozenset({Role.PLANNER}),
    Right.SET_HELP: frozenset({Role.PLANNER}),
    Right.SET_TEXTS: frozenset({Role.PLANNER}),
}
ADMINISTRATORS_MAY = frozenset({Right.WATCH, Right.READ_LOG})
"""In all tests. To send messages, an administrator needs a role in the test."""
ANY_TIME = frozenset({Role.PLANNER})
"""Roles without an access window, because planners prepare tests and close them."""
UNTIL_CLOSED = frozenset({Right.SEND, Right.NOTE, Right.MANAGE, Right.REOPEN, Right.SET_HELP, Right.SET_TEXTS})
"""Rights that end for everybody when a test is closed (R26)."""


@dataclass(frozen=True)
class AccessScope:
    """The candidacies on which a person has a right: all, or those of whole tests and of single rooms."""

    everything: bool
    roles: dict[int, Role]
    """Test id → the person's role there."""
    rooms: dict[int, str]
    """Test id → the only room, for tests in which the person is limited to one."""
    tests: frozenset[int] | None = None
    """Narrows `everything` to these tests; None for all."""
    open_tests: frozenset[int] = frozenset()
    """The tests that are open to staff now."""
    closed_tests: frozenset[int] = frozenset()
    """The tests with a role that are closed."""
    all_are_open: bool = False
    """Whether `open_tests` are all tests of the scope."""

    def __bool__(self) -> bool:
        return self.everything or bool(self.roles)

    def __hash__(self) -> int:
        return hash((self.everything, self.tests, *self.roles, *self.rooms.items()))

    def open_now(self) -> AccessScope:
        """The part in open tests, which lists show unless their filter names tests (R26)."""
        if self.all_are_open:
            return self
        if self.everything:
            return replace(self, tests=self.open_tests)
        return replace(
            self,
            roles={test_id: role for test_id, role in self.roles.items() if test_id in self.open_tests},
            rooms={test_id: room for test_id, room in self.rooms.items() if test_id in self.open_tests},
        )

    def condition(self, rows: Any = Candidacy) -> ColumnElement[bool]:
        """The SQL condition on candidacies that every list, count and audience of this person carries (R6, R17).

        `rows` is the model to look at: any that has a test's id and a room.
        """
        if self.everything:
            return self.test_condition(rows.test_id)
        whole = [test_id for test_id in self.roles if test_id not in self.rooms]
        parts: list[ColumnElement[bool]] = [rows.test_id.in_(whole)] if whole else []
        parts += [and_(rows.test_id == test, rows.room == room) for test, room in self.rooms.items()]
        return or_(false(), *parts)

    def test_condition(self, test_id: Any = Test.id) -> ColumnElement[bool]:
        """The same for what has a test's id and no room, such as tests."""
        if self.everything and self.tests is None:
            return true()
        is_in_scope: ColumnElement[bool] = test_id.in_(sorted(self.roles if self.tests is None else self.tests))
        return is_in_scope

    def tests_with(self, right: Right) -> frozenset[int]:
        """The tests in which the person's role allows another right too, now."""
        ended = self.closed_tests if right in UNTIL_CLOSED else frozenset()
        return frozenset(test_id for test_id, role in self.roles.items() if role in MAY[right]) - ended

    def highest_role(self, test_ids: set[int]) -> Role | None:
        """The highest role in any of these tests, which a message shows as its sender's."""
        roles = {self.roles[test_id] for test_id in test_ids & self.roles.keys()}
        return max(roles, key=list(Role).index, default=None)


def access_scope(session: Session, actor: User, right: Right, now: datetime, *, window: bool = True) -> AccessScope:
    """The candidacies on which `actor` has `right` at `now`, read in the session's transaction (R6).

    The access window runs from 60 minutes before a test's start until it is closed. With `window=False` (the log) it
    does not count.
    """
    parameters = {"actor": actor.id, "until": now + ENTRY_BEFORE_START}
    contributions = session.connection().execute(_contributions(right, window), parameters).all()
    everything = actor.is_admin and right in ADMINISTRATORS_MAY
    tests = session.connection().execute(ALL_TESTS, parameters).all() if everything and window else contributions
    return AccessScope(
        everything=everything,
        roles={row.test_id: Role(row.role) for row in contributions},
        rooms={row.test_id: row.room for row in contributions if row.room is not None},
        open_tests=frozenset(row.test_id for row in tests if row.is_open),
        closed_tests=frozenset(row.test_id for row in contributions if row.closed_at is not None),
        all_are_open=all(row.is_open for row in tests),
    )


def watched_scope(session: Session, actor: User, now: datetime) -> AccessScope:
    """All that `actor` may watch. Raises `NotAllowed` for somebody who works in no test."""
    scope = access_scope(session, actor, Right.WATCH, now)
    if not scope and not is_contributor(session, actor):
        raise NotAllowed("no staff")
    return scope


IS_OPEN = and_(Test.starts_at <= bindparam("until", type_=UtcDateTime), Test.closed_at.is_(None))
"""Whether a test is open to staff."""
ALL_TESTS = select(Test.id.label("test_id"), IS_OPEN.label("is_open")).execution_options(**PREPARED)


@cache
def _contributions(right: Right, window: bool) -> Select[int, Role, str | None, datetime | None, bool]:
    """The tests and rooms in which a person has a right. Built once: every refresh of a monitor runs it."""
    query = (
        select(Contribution.test_id, Contribution.role, Contribution.room, Test.closed_at, IS_OPEN.label("is_open"))
        .join(Test, Test.id == Contribution.test_id)
        .where(Contribution.user_id == bindparam("actor"), Contribution.role.in_(MAY[right]))
        .execution_options(**PREPARED)
    )
    if not window:
        return query
    query = query.where(or_(Contribution.role.in_(ANY_TIME), IS_OPEN))
    return query.where(Test.closed_at.is_(None)) if right in UNTIL_CLOSED else query


def is_contributor(session: Session, actor: User) -> bool:
    """Whether this person has a role in any test, open or not."""
    return session.scalar(select(Contribution.id).where(Contribution.user_id == actor.id).limit(1)) is not None


def is_candidate(session: Session, actor: User) -> bool:
    """Whether this person is a candidate of any test."""
    return session.scalar(select(Candidacy.id).where(Candidacy.user_id == actor.id).limit(1)) is not None


def sits_an_open_test(session: Session, actor: User) -> bool:
    """Whether this person is a candidate of a test that is not closed yet."""
    candidacies = select(Candidacy.id).join(Test, Test.id == Candidacy.test_id)
    is_open = Candidacy.user_id == actor.id, Test.closed_at.is_(None)
    return session.scalar(candidacies.where(*is_open).limit(1)) is not None
