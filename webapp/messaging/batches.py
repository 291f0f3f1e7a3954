"""What a schedule writes: batches, each a message with a log entry of its own; whom it missed; its end (R29).

All of it within `writing(session)`, with the head of the log locked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, delete, exists, insert, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.db.sql import id_in
from webapp.exceptions import NotAllowed
from webapp.logbook.append import Actor, append, lock_head, write_subjects
from webapp.messaging.audience import Selection
from webapp.messaging.draft import Draft
from webapp.messaging.sending import write_message
from webapp.models import Candidacy, Message, Schedule, ScheduledPerson, ScheduleState, User
from webapp.monitor.words import filter_in_words

MADE, CHANGED, CANCELLED, MISSED = "schedule.made", "schedule.changed", "schedule.cancelled", "schedule.missed"


class Batch(NamedTuple):
    """A message of a schedule that is written, to be announced after the commit."""

    message: Message
    user_ids: list[int]


def has_it(schedule_id: int) -> ColumnElement[bool]:
    """Whether the person of a candidacy has got a schedule's message."""
    return exists().where(
        ScheduledPerson.schedule_id == schedule_id,
        ScheduledPerson.user_id == Candidacy.user_id,
        ScheduledPerson.message_id.is_not(None),
    )


def write_batch(
    session: Session,
    schedule: Schedule,
    scope: AccessScope,
    selection: Selection,
    candidacy_ids: Iterable[int] | None,
    now: datetime,
) -> Batch:
    """Write the message for those of these candidacies (None: all) whom the audience reaches now, except who has it.

    The sender is the author of the schedule, with the role of now.
    """
    author = session.get_one(User, schedule.author_id)
    query = selection.query(scope, now).where(~has_it(schedule.id))
    if candidacy_ids is not None:
        query = query.where(id_in(Candidacy.id, candidacy_ids, many=True))
    head = lock_head(session)
    subjects = write_subjects(session, head, query)
    role = scope.highest_role({subject.test_id for subject in subjects})
    if role is None:
        raise NotAllowed("no role in these tests")
    draft = Draft(schedule.subject, schedule.body, selection, level=schedule.level, schedule_id=schedule.id)
    message = write_message(session, head, author, role, draft, selection, subjects, now)
    user_ids = sorted({subject.user_id for subject in subjects})
    decide(session, schedule, dict.fromkeys(user_ids, now), message_id=message.id)
    return Batch(message, user_ids)


def decide(
    session: Session,
    schedule: Schedule,
    due_of: Mapping[int, datetime],
    *,
    message_id: int | None = None,
    missed: bool = False,
) -> None:
    """Note for persons (user id → when it was due) what has become of the schedule, in place of what was noted."""
    noted = ScheduledPerson.schedule_id == schedule.id, ScheduledPerson.message_id.is_(None)
    these = delete(ScheduledPerson).where(*noted, id_in(ScheduledPerson.user_id, due_of, many=True))
    rows = [
        {"schedule_id": schedule.id, "user_id": user_id, "message_id": message_id, "missed": missed, "due_at": due}
        for user_id, due in due_of.items()
    ]
    if rows:
        session.connection().execute(these)
        session.connection().execute(insert(ScheduledPerson), rows)


def finish(session: Session, schedule: Schedule, now: datetime, reason: str, concerned: Select[Any]) -> None:
    """End a schedule: it is sent if anybody got it, else missed for `reason`, or the one noted before."""
    got = select(ScheduledPerson.user_id).where(
        ScheduledPerson.schedule_id == schedule.id, ScheduledPerson.message_id.is_not(None)
    )
    schedule.ended_at = now
    if session.scalar(got.limit(1)) is not None:
        schedule.state = ScheduleState.SENT
        return
    schedule.state = ScheduleState.MISSED
    schedule.reason = schedule.reason or reason
    log_missed(session, schedule, now, concerned)


def log_missed(session: Session, schedule: Schedule, now: datetime, concerned: Select[Any]) -> None:
    """Log under the author's name that a schedule did not go out, and to whom."""
    author = session.get_one(User, schedule.author_id)
    log(session, schedule, Actor(author.id, author.name, ""), now, MISSED, concerned, reason=schedule.reason)


def log(
    session: Session,
    schedule: Schedule,
    actor: Actor,
    now: datetime,
    action: str,
    concerned: Select[Any],
    **more: Any,
) -> None:
    """Log what has become of a schedule, or what was done with it, with the candidacies that a query finds."""
    head = lock_head(session)
    subjects = write_subjects(session, head, concerned)
    detail = {**content(schedule), **more}
    append(session, head, at=now, actor=actor, action=action, detail=detail, subjects=subjects)


def content(schedule: Schedule) -> dict[str, Any]:
    """A schedule as log entries tell it."""
    when = {"minutes": schedule.minutes} if schedule.at is None else {"at": schedule.at.isoformat()}
    return {
        "schedule": schedule.id, "subject": schedule.subject, "body": schedule.body, "level": schedule.level, **when,
    }  # fmt: skip


def audience(session: Session, schedule: Schedule, selection: Selection) -> dict[str, Any]:
    """Whom it is for, as the log entry of its making tells it."""
    words = filter_in_words(session, selection.filter) if selection.listed is None else []
    return {"audience": json.loads(schedule.audience), "audience_words": words}
