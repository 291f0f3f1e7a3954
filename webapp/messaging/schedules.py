"""Schedules are made from a compose form, changed and cancelled until they are due (R29)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from webapp.access import Right, access_scope
from webapp.db.transactions import writing
from webapp.exceptions import BadParameter, NotAllowed
from webapp.logbook.append import Actor, lock_head
from webapp.messaging import batches
from webapp.messaging.batches import CANCELLED, CHANGED, MADE, Batch, content, write_batch
from webapp.messaging.draft import Draft, check_key
from webapp.messaging.due import tell
from webapp.messaging.exceptions import ScheduleChanged, ScheduleEnded
from webapp.messaging.forecast import Forecast, Installation, author_and_audience, look_ahead, stored, tests_of
from webapp.messaging.schedule_access import find_schedule, schedule_rights, version_of
from webapp.messaging.sending import find_earlier
from webapp.messaging.text import check_text
from webapp.messaging.when import When
from webapp.models import Level, Schedule, ScheduleState, User


def make_schedule(session: Session, author: User, draft: Draft, installation: Installation) -> Schedule:
    """Keep a message that is to go out later; those who have fewer minutes already get it at once if the form says so.

    A form that is posted again gets its first schedule (R2). Raises `BadText`, `BadTime`, `ContentChanged`,
    `NotAllowed`, `NotFound`, `TooManyRecipients`, `NoRecipients` or `BadParameter`; nothing is written then.
    """
    check_key(draft.idempotency_key)
    if draft.corrects is not None or draft.help_request is not None:
        raise BadParameter("when", draft.when.kind)  # what it answers is of now
    subject, body = check_text(draft.subject, draft.body)
    draft = replace(draft, subject=subject, body=body)
    with writing(session, keep=True):
        lock_head(session)
        earlier = find_earlier(session, author, draft)
        if isinstance(earlier, Schedule):
            return earlier
        now = installation.clock()
        forecast = look_ahead(session, author, draft.selection, draft.when, now=now, installation=installation)
        schedule = Schedule(
            author_id=author.id,
            created_at=now,
            due_after=now,
            subject=subject,
            body=body,
            level=draft.level,
            audience=stored(forecast.selection),
            at=forecast.timing.at,
            minutes=forecast.timing.minutes,
            idempotency_key=draft.idempotency_key,
            content_digest=draft.digest,
        )
        session.add(schedule)
        session.flush()
        audience = batches.audience(session, schedule, forecast.selection)
        _log(session, schedule, author, installation, MADE, **audience)
        batch = _send_to_late(session, schedule, draft.when, forecast, now)
    if batch is not None:
        tell(batch, installation.announce)
    return schedule


@dataclass(frozen=True)
class Change:
    """What the form of a schedule says."""

    subject: str
    body: str
    level: Level
    when: When
    version: str
    """Of the schedule that the form has shown."""


def change_schedule(
    session: Session, actor: User, schedule_id: int, change: Change, installation: Installation
) -> Schedule:
    """Change text, level and time of a schedule that waits.

    Raises `NotFound`, `NotAllowed`, `ScheduleEnded`, `ScheduleChanged`, and as `make_schedule`.
    """
    subject, body = check_text(change.subject, change.body)
    batch = None
    with writing(session, keep=True):
        lock_head(session)
        now = installation.clock()
        schedule = _find_to_change(session, actor, schedule_id, now)
        _check_waiting(schedule)
        if version_of(schedule) != change.version:
            raise ScheduleChanged("changed since the form was shown")
        before, forecast = content(schedule), None
        if change.when.content[:2] != When.of(schedule.at, schedule.minutes, installation.zone).content[:2]:
            author, selection = author_and_audience(session, schedule, installation.zone)
            forecast = look_ahead(session, author, selection, change.when, now=now, installation=installation)
            schedule.at, schedule.minutes, schedule.due_after = *forecast.timing, now
        schedule.subject, schedule.body, schedule.level = subject, body, change.level
        session.flush()
        if before == content(schedule):
            return schedule
        _log(session, schedule, actor, installation, CHANGED, before=before)
        if forecast is not None:
            batch = _send_to_late(session, schedule, change.when, forecast, now)
    if batch is not None:
        tell(batch, installation.announce)
    return schedule


def cancel_schedule(session: Session, actor: User, schedule_id: int, installation: Installation) -> Schedule:
    """Cancel a schedule; what has gone out stays. Twice is as once.

    Raises `NotFound`, `NotAllowed`, and `ScheduleEnded` for one that is sent or missed.
    """
    with writing(session, keep=True):
        lock_head(session)
        now = installation.clock()
        schedule = _find_to_change(session, actor, schedule_id, now)
        if schedule.state == ScheduleState.CANCELLED:
            return schedule
        _check_waiting(schedule)
        schedule.state, schedule.ended_at = ScheduleState.CANCELLED, now
        _log(session, schedule, actor, installation, CANCELLED)
    return schedule


def _find_to_change(session: Session, actor: User, schedule_id: int, now: datetime) -> Schedule:
    """A schedule, locked, that the actor may change. Raises `NotFound` or `NotAllowed`."""
    schedule = find_schedule(session, actor, schedule_id, now, lock=True)
    if not schedule_rights(session, actor, now).may_change(session, schedule):
        raise NotAllowed("not in charge of all its tests")
    return schedule


def _check_waiting(schedule: Schedule) -> None:
    if schedule.state != ScheduleState.WAITING:
        raise ScheduleEnded(schedule.state)


def _log(
    session: Session, schedule: Schedule, actor: User, installation: Installation, action: str, **more: Any
) -> None:
    """Log what was done, with the candidacies that the author would reach now."""
    now = installation.clock()
    author, selection = author_and_audience(session, schedule, installation.zone)
    role = access_scope(session, actor, Right.WATCH, now, window=False).highest_role(tests_of(session, selection))
    concerned = selection.query(access_scope(session, author, Right.SEND, now), now)
    batches.log(
        session, schedule, Actor(actor.id, actor.name, role.value if role else ""), now, action, concerned, **more
    )


def _send_to_late(session: Session, schedule: Schedule, when: When, forecast: Forecast, now: datetime) -> Batch | None:
    """The batch of those who have fewer minutes already, if the form says that they get it at once."""
    if not when.late or not forecast.late:
        return None
    ids = [end.candidacy_id for end in forecast.late]
    return write_batch(session, schedule, forecast.scope, forecast.selection, ids, now)
