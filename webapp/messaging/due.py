"""Sends scheduled messages when they are due, in whichever process looks first (R29).

Every process looks twice a second. For a message before each one's own end that is one cheap statement without rights
and filter: has anybody's moment come who is not decided on? Only then the audience is asked, and written, under the
lock of the log's head: of several processes one does it, and the others find it done.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, select, type_coerce
from sqlalchemy.orm import Session

from webapp import metrics
from webapp.access import AccessScope, Right, access_scope
from webapp.db.sql import PREPARED, id_in
from webapp.db.transactions import writing
from webapp.db.types import MINUTE, UtcDateTime
from webapp.logbook.append import lock_head
from webapp.messaging.audience import Selection
from webapp.messaging.batches import Batch, decide, finish, has_it, log_missed, write_batch
from webapp.messaging.forecast import EVERYBODY, Installation, lasting, restored, rights_reason, tests_of
from webapp.messaging.sending import Announce
from webapp.models import Candidacy, Schedule, ScheduledPerson, ScheduleState, Test, User
from webapp.models.status import own_end
from webapp.monitor.query import select_candidacies

LOOK_SECONDS = 0.5
TOO_LATE = timedelta(seconds=60)
"""So long after its moment a message is not sent any more: "15 minutes left" would not be true."""
END_LOOK_SECONDS = 10.0
"""How often a process looks whether anybody can still come due."""
NOW: Any = bindparam("moment", type_=UtcDateTime())
WAITING = (
    select(Schedule.id, Schedule.at, Schedule.minutes, Schedule.due_after, Schedule.audience)
    .where(Schedule.state == ScheduleState.WAITING)
    .order_by(Schedule.id)
    .execution_options(**PREPARED)
)


@dataclass
class _Watch:
    """The statements with which a process looks at a schedule before each one's own end."""

    came_due: Select[Any]
    to_come: Select[Any]
    next_end_look: float = 0.0

    def has_come_due(self, session: Session, now: datetime) -> bool:
        """Whether somebody's moment has come who is not decided on."""
        return session.connection().execute(self.came_due, {"moment": now}).first() is not None

    def is_over(self, session: Session, now: datetime) -> bool:
        """Whether nobody can come due any more; looked at every `END_LOOK_SECONDS`."""
        if time.monotonic() < self.next_end_look:
            return False
        self.next_end_look = time.monotonic() + END_LOOK_SECONDS
        return session.connection().execute(self.to_come, {"moment": now}).first() is None


class DueSchedules:
    """The look of one process."""

    def __init__(self) -> None:
        self._watches: dict[Any, _Watch] = {}

    def step(self, session: Session, installation: Installation) -> None:
        """Send what is due. A schedule that fails does not keep others from going out; its error is raised at last."""
        now = installation.clock()
        errors: list[Exception] = []
        rows = session.connection().execute(WAITING).all()
        self._watches = {row: self._watches.get(row) or _watch(row, installation.zone) for row in rows if not row.at}
        for row in rows:
            try:
                if row.at <= now if row.at else self._comes_due(session, row, now):
                    send_due(session, row.id, installation)
            except Exception as error:  # noqa: BLE001 raised below
                errors.append(error)
        if errors:
            raise errors[0]

    def _comes_due(self, session: Session, row: Any, now: datetime) -> bool:
        watch = self._watches[row]
        return watch.has_come_due(session, now) or watch.is_over(session, now)


def _watch(schedule: Any, zone: ZoneInfo) -> _Watch:
    due = _came_due(schedule, zone, NOW).limit(1)
    to_come = _may_reach(schedule, zone).where(own_end() > NOW, ~has_it(schedule.id)).limit(1)
    return _Watch(due.execution_options(**PREPARED), to_come.execution_options(**PREPARED))


def _may_reach(schedule: Any, zone: ZoneInfo) -> Select[Any]:
    """The candidacies that a schedule may reach as long as their tests are open, whatever rights and states are."""
    selection = lasting(restored(schedule.audience, zone))
    query = select_candidacies(EVERYBODY, selection.filter, schedule.due_after).where(Test.closed_at.is_(None))
    return query if selection.listed is None else query.where(id_in(Candidacy.id, selection.listed, many=True))


def _came_due(schedule: Any, zone: ZoneInfo, now: Any) -> Select[Any]:
    """Those of them whose moment has come, after the time was chosen, and whose persons are not decided on."""
    due = _due_at(schedule)
    noted = select(ScheduledPerson.user_id).where(ScheduledPerson.schedule_id == schedule.id)
    # a list that is read once, because later on nearly everybody has it
    has_got_it = Candidacy.user_id.in_(noted.where(ScheduledPerson.message_id.is_not(None)))
    is_decided = noted.where(ScheduledPerson.user_id == Candidacy.user_id, ScheduledPerson.due_at >= due).exists()
    # nobody has less time than the test, so the candidacies of a test with more time left need not be read
    test_is_near = type_coerce(type_coerce(Test.ends_at, BigInteger) - schedule.minutes * MINUTE, UtcDateTime) <= now
    query = _may_reach(schedule, zone)
    return query.where(test_is_near, due <= now, due > schedule.due_after, ~has_got_it, ~is_decided)


def _due_at(schedule: Any) -> ColumnElement[datetime]:
    return type_coerce(type_coerce(own_end(), BigInteger) - schedule.minutes * MINUTE, UtcDateTime)


def send_due(session: Session, schedule_id: int, installation: Installation) -> None:
    """Send what is due of a schedule, note what is missed, and end it after the last. Announces after the commit."""
    with writing(session, keep=True):
        lock_head(session)  # nobody else sends it, changes it or cancels it meanwhile
        schedule = session.get(Schedule, schedule_id, with_for_update=True, populate_existing=True)
        if schedule is None or schedule.state != ScheduleState.WAITING:
            return
        send = _send_before_end if schedule.at is None else _send_at
        batch = send(session, schedule, installation.clock(), installation)
    if batch is not None:
        tell(batch, installation.announce)


def tell(batch: Batch, announce: Announce) -> None:
    """Count and announce a committed batch."""
    metrics.MESSAGES_SENT.inc()
    metrics.DELIVERIES.inc(len(batch.user_ids))
    announce(batch.message, batch.user_ids)


def _scope_of(session: Session, schedule: Schedule, selection: Selection, now: datetime) -> AccessScope | None:
    """Where the author may send now; None if in none of the tests that the schedule is for."""
    author = session.get_one(User, schedule.author_id, populate_existing=True)
    scope = access_scope(session, author, Right.SEND, now)
    is_allowed = author.deactivated_at is None and bool(scope.roles.keys() & tests_of(session, selection))
    return scope if is_allowed else None


def _send_at(session: Session, schedule: Schedule, now: datetime, installation: Installation) -> Batch | None:
    if schedule.at is None or schedule.at > now:
        return None
    selection = restored(schedule.audience, installation.zone)
    scope = _scope_of(session, schedule, selection, now)
    author = session.get_one(User, schedule.author_id)
    if scope is None:
        reason = rights_reason(session, tests_of(session, selection))
        finish(session, schedule, now, reason, lasting(selection).query(EVERYBODY, now))
        return None
    selection = selection.resolve_phrase(session, author, now)
    query = selection.query(scope, now).where(~has_it(schedule.id))
    persons = _persons(session, query)
    batch = None
    reason = "late" if now - schedule.at > TOO_LATE else _refusal(persons, installation.limit)
    if not reason:
        batch = write_batch(session, schedule, scope, selection, None, now)
    finish(session, schedule, now, reason, query)
    return batch


def _refusal(persons: int, limit: int) -> str:
    """Why a batch cannot go to so many persons; empty if it can."""
    if not persons:
        return "no_recipients"
    return "too_many_recipients" if persons > limit else ""


def _persons(session: Session, query: Select[Any]) -> int:
    return len(set(session.scalars(query.with_only_columns(Candidacy.user_id, maintain_column_froms=True))))


def _send_before_end(session: Session, schedule: Schedule, now: datetime, installation: Installation) -> Batch | None:
    selection = restored(schedule.audience, installation.zone)
    due = _due_at(schedule).label("due")
    came_due = _came_due(schedule, installation.zone, now).add_columns(Candidacy.user_id, due)
    found = session.execute(came_due.order_by(due)).all()
    scope = _scope_of(session, schedule, selection, now)
    if found and scope is None:
        reason = rights_reason(session, tests_of(session, selection))
        finish(session, schedule, now, reason, lasting(selection).query(EVERYBODY, now))
        return None
    batch = None
    if found and scope is not None:
        selection = selection.resolve_phrase(session, session.get_one(User, schedule.author_id), now)
        batch = _decide_on(session, schedule, scope, selection, found, now, installation)
    may_reach = _may_reach(schedule, installation.zone)
    if session.scalar(may_reach.where(own_end() > now, ~has_it(schedule.id)).limit(1)) is None:
        is_closed = session.scalar(may_reach.limit(1)) is None
        reason = "no_open_test" if is_closed else "no_recipients"
        finish(session, schedule, now, reason, may_reach.join(User, User.id == Candidacy.user_id))
    return batch


def _decide_on(
    session: Session,
    schedule: Schedule,
    scope: AccessScope,
    selection: Selection,
    found: Any,
    now: datetime,
    installation: Installation,
) -> Batch | None:
    """Send to whom the audience has of those who came due, note who is too late, and who is not in it."""
    query = selection.query(scope, now)
    reached = set(session.scalars(query.where(id_in(Candidacy.id, [row.id for row in found], many=True))))
    in_time = {row.user_id: row for row in found if row.id in reached and now - row.due <= TOO_LATE}
    late = {row.user_id: row.due for row in found if row.id in reached and row.user_id not in in_time}
    others = {row.user_id: row.due for row in found if row.user_id not in in_time and row.user_id not in late}
    decide(session, schedule, others)
    if late:
        _miss(session, schedule, late, query, "late", now)
    if not in_time:
        return None
    if len(in_time) > installation.limit:
        due_of = {user_id: row.due for user_id, row in in_time.items()}
        _miss(session, schedule, due_of, query, "too_many_recipients", now)
        return None
    ids = [row.id for row in found if row.id in reached and row.user_id in in_time]
    return write_batch(session, schedule, scope, selection, ids, now)


def _miss(
    session: Session,
    schedule: Schedule,
    due_of: Mapping[int, datetime],
    query: Select[Any],
    reason: str,
    now: datetime,
) -> None:
    """Note that a schedule could not go to these persons when it was due."""
    decide(session, schedule, due_of, missed=True)
    schedule.reason = reason
    log_missed(session, schedule, now, query.where(id_in(Candidacy.user_id, due_of, many=True)))
