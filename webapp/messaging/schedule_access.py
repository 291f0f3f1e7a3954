"""Who may see and change schedules: their authors, and who watches all of their tests."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import AccessScope, Right, access_scope
from webapp.db.types import MAX_ID
from webapp.exceptions import NotFound
from webapp.messaging.batches import content
from webapp.messaging.forecast import restored, tests_of
from webapp.models import Schedule, User


@dataclass(frozen=True)
class ScheduleRights:
    """What a person may see and do."""

    actor: User
    reads: AccessScope
    manages: AccessScope

    def may_see(self, session: Session, schedule: Schedule) -> bool:
        """The author, chiefs and planners who watch all of its tests, and administrators."""
        if schedule.author_id == self.actor.id or self.reads.everything:
            return True
        return _has_all(self.reads, _tests(session, schedule))

    def may_change(self, session: Session, schedule: Schedule) -> bool:
        """The author, and chiefs and planners of all of its tests."""
        return schedule.author_id == self.actor.id or _has_all(self.manages, _tests(session, schedule))


def _tests(session: Session, schedule: Schedule) -> set[int]:
    return tests_of(session, restored(schedule.audience, ZoneInfo("UTC")))  # tests are the same in any zone


def _has_all(scope: AccessScope, tests: set[int]) -> bool:
    """Whether all of these tests are in the scope as a whole, and there are any."""
    return bool(tests) and tests <= scope.roles.keys() - scope.rooms.keys()


def schedule_rights(session: Session, actor: User, now: datetime) -> ScheduleRights:
    """What a person may see and do now; the log's rights last beyond the end of a test."""
    reads = access_scope(session, actor, Right.READ_LOG, now, window=False)
    return ScheduleRights(actor, reads, access_scope(session, actor, Right.MANAGE, now))


def find_schedule(session: Session, actor: User, schedule_id: int, now: datetime, *, lock: bool = False) -> Schedule:
    """A schedule that `actor` may see. Raises `NotFound`."""
    query = select(Schedule).where(Schedule.id == schedule_id).execution_options(populate_existing=True)
    schedule = session.scalar(query.with_for_update() if lock else query) if schedule_id <= MAX_ID else None
    if schedule is None or not schedule_rights(session, actor, now).may_see(session, schedule):
        raise NotFound(f"schedule {schedule_id}")
    return schedule


def version_of(schedule: Schedule) -> str:
    """Another one after each change: a form for an earlier version is refused."""
    return hashlib.sha256(json.dumps(content(schedule), sort_keys=True).encode()).hexdigest()[:16]
