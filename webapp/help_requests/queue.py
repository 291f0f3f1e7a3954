"""The side of staff: who asks, who is going, and what is done (R31). Rights are checked in the transaction (R6)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from webapp.access import AccessScope, Right, access_scope, watched_scope
from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.exceptions import NotFound
from webapp.help_requests.asking import write_entry
from webapp.help_requests.exceptions import AlreadyClaimed, AlreadyOver, NotTheirs
from webapp.logbook.append import Actor, Head, lock_head
from webapp.models import Candidacy, HelpRequest, Role, Test, User

HELP_WAITING = "X-Examhall-Help"
"""The header that tells open pages of staff how many wait for help."""
MOST_SHOWN = 200
WAITS = and_(HelpRequest.ended_at.is_(None), Candidacy.withdrawn_at.is_(None))
"""Whether a request is in the queue: open, and of somebody who still takes part."""
# read with every refresh of a monitor, whose list shows the candidacies that ask: usually there is none
OPEN_REQUESTS = (
    select(HelpRequest.candidacy_id, HelpRequest.claimed_by.is_not(None).label("is_claimed"))
    .join(Candidacy, Candidacy.id == HelpRequest.candidacy_id)
    .where(WAITS)
    .execution_options(**PREPARED)
)
_claimer = aliased(User)
COLUMNS: tuple[Any, ...] = (
    HelpRequest.id, HelpRequest.candidacy_id, HelpRequest.kind, HelpRequest.text, HelpRequest.asked_at,
    HelpRequest.claimed_by, HelpRequest.claimed_at, _claimer.name.label("claimed_name"),
    User.name, Candidacy.number, Candidacy.room, Candidacy.seat, Candidacy.test_id, Test.title,
)  # fmt: skip


@dataclass(frozen=True)
class Queue:
    """The requests that one person sees, as their page shows them."""

    requests: list[Any]
    """Rows of `COLUMNS`, the oldest first."""
    tests_to_help: frozenset[int]
    """The tests in which this person may go, answer, and say that it is done."""
    person_id: int
    now: datetime

    @property
    def waiting(self) -> int:
        """To how many of them nobody goes."""
        return sum(row.claimed_by is None for row in self.requests)

    def minutes(self, row: Any) -> int:
        """For how long somebody has been waiting."""
        return max(0, int((self.now - row.asked_at).total_seconds() // 60))

    @property
    def tag(self) -> str:
        """A digest of what the page shows, so that the same is not sent again."""
        shown = [(*row, self.minutes(row)) for row in self.requests], sorted(self.tests_to_help), self.person_id
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]


def load_queue(session: Session, actor: User, now: datetime) -> Queue:
    """The requests of candidates whom `actor` watches in tests that are open now. Raises as `watched_scope`."""
    scope = watched_scope(session, actor, now)
    query = (
        select(*COLUMNS)
        .join(Candidacy, Candidacy.id == HelpRequest.candidacy_id)
        .join(Test, Test.id == Candidacy.test_id)
        .join(User, User.id == Candidacy.user_id)
        .outerjoin(_claimer, _claimer.id == HelpRequest.claimed_by)
        .where(WAITS, scope.open_now().condition())
        .order_by(HelpRequest.asked_at, HelpRequest.id)
        .limit(MOST_SHOWN)
    )
    return Queue(list(session.execute(query)), scope.tests_with(Right.SEND), actor.id, now)


def open_requests(session: Session) -> dict[int, bool]:
    """Candidacy → whether somebody is going, of all that ask: for lists, which show only whom their reader sees."""
    return {row.candidacy_id: row.is_claimed for row in session.connection().execute(OPEN_REQUESTS)}


def count_waiting(session: Session, scope: AccessScope, asking: dict[int, bool]) -> int:
    """How many of those who ask are within a scope and open now, and nobody goes to them."""
    if all(asking.values()):
        return 0
    return session.connection().scalar(select_count_of_waiting(scope)) or 0


def select_count_of_waiting(scope: AccessScope) -> Select[int]:
    """How many ask within a scope, in tests that are open now, and nobody goes to them."""
    waits = select(func.count(HelpRequest.id)).join(Candidacy, Candidacy.id == HelpRequest.candidacy_id)
    is_seen = WAITS, HelpRequest.claimed_by.is_(None), scope.open_now().condition()
    return waits.where(*is_seen).execution_options(**PREPARED)


def claim(session: Session, actor: User, request_id: int, *, now: datetime) -> None:
    """Say that `actor` is going; saying it again changes nothing.

    Raises `NotFound`, `NotTheirs`, `AlreadyClaimed` and `AlreadyOver`.
    """
    with writing(session):
        head = lock_head(session)
        help_request, role = _find(session, actor, request_id, now)
        _refuse_if_over(session, help_request)
        write_claim(session, head, help_request, actor, role, now)


def write_claim(
    session: Session, head: Head, help_request: HelpRequest, actor: User, role: Role, now: datetime
) -> Head:
    """Note who goes, within a transaction that has locked the head of the log. Raises `AlreadyClaimed`."""
    if help_request.claimed_by == actor.id:
        return head
    if help_request.claimed_by is not None:
        raise AlreadyClaimed(_name_of(session, help_request.claimed_by))
    help_request.claimed_by, help_request.claimed_at = actor.id, now
    return write_entry(session, head, help_request, _log_actor(actor, role), "help.claimed", now)


def release(session: Session, actor: User, request_id: int, *, now: datetime) -> None:
    """Say that `actor` is not going after all; who manages the test says it for others too.

    Raises `NotFound`, `NotTheirs`, `AlreadyClaimed` and `AlreadyOver`.
    """
    with writing(session):
        head = lock_head(session)
        help_request, role = _find(session, actor, request_id, now)
        _refuse_if_over(session, help_request)
        if help_request.claimed_by is None:
            return
        name = _name_of(session, help_request.claimed_by)
        if help_request.claimed_by != actor.id and not _reaches(session, actor, Right.MANAGE, help_request, now):
            raise AlreadyClaimed(name)
        help_request.claimed_by = help_request.claimed_at = None
        write_entry(session, head, help_request, _log_actor(actor, role), "help.released", now, of=name)


def finish(session: Session, actor: User, request_id: int, *, now: datetime) -> None:
    """Say that it is done, whoever went; saying it again changes nothing.

    Raises `NotFound`, `NotTheirs`, and `AlreadyOver` if anybody else has ended it.
    """
    with writing(session):
        head = lock_head(session)
        help_request, role = _find(session, actor, request_id, now)
        if help_request.ended_at is not None and help_request.ended_by == actor.id:
            return
        _refuse_if_over(session, help_request)
        help_request.ended_at, help_request.ended_by = now, actor.id
        write_entry(session, head, help_request, _log_actor(actor, role), "help.done", now)


def _find(session: Session, actor: User, request_id: int, now: datetime) -> tuple[HelpRequest, Role]:
    """A request that `actor` may act on, as it is until the commit, and their role there."""
    visible = watched_scope(session, actor, now)
    help_request, test_id = _row(session, request_id, visible.condition())
    if help_request is None:
        raise NotFound(f"request for help {request_id}")
    role = access_scope(session, actor, Right.SEND, now).highest_role({test_id})
    if role is None or not _reaches(session, actor, Right.SEND, help_request, now):
        raise NotTheirs("no role here that carries this")
    return help_request, role


def _reaches(session: Session, actor: User, right: Right, help_request: HelpRequest, now: datetime) -> bool:
    return _row(session, help_request.id, access_scope(session, actor, right, now).condition())[0] is not None


def _row(session: Session, request_id: int, condition: ColumnElement[bool]) -> tuple[HelpRequest | None, int]:
    query = select(HelpRequest, Candidacy.test_id).join(Candidacy, Candidacy.id == HelpRequest.candidacy_id)
    row = session.execute(query.where(HelpRequest.id == request_id, condition)).one_or_none()
    return (None, 0) if row is None else (row[0], row[1])


def _refuse_if_over(session: Session, help_request: HelpRequest) -> None:
    if help_request.ended_at is not None:
        own = select(Candidacy.user_id).where(Candidacy.id == help_request.candidacy_id)
        by_staff = help_request.ended_by is not None and help_request.ended_by != session.scalar(own)
        raise AlreadyOver(_name_of(session, help_request.ended_by) if by_staff and help_request.ended_by else "")


def _name_of(session: Session, user_id: int) -> str:
    return session.get_one(User, user_id).name


def _log_actor(actor: User, role: Role) -> Actor:
    return Actor(actor.id, actor.name, role.value)
