"""The send transaction: message, deliveries and log entry together, or nothing (R1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Session

from webapp import metrics
from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.db.types import microseconds
from webapp.exceptions import NotAllowed
from webapp.help_requests.answers import check_answer, claim_by_answer
from webapp.logbook.append import Actor, Head, Subject, append, lock_head
from webapp.logbook.reading import MESSAGE_SENT
from webapp.messaging.again import find_again
from webapp.messaging.audience import PostedForm, Selection, Tokens, sender_scope, write_audience
from webapp.messaging.corrections import check_role, choose_recipients, close_earlier, find_standing
from webapp.messaging.draft import Draft, check_key
from webapp.messaging.exceptions import ContentChanged
from webapp.messaging.text import check_text
from webapp.models import Candidacy, Delivery, Level, LogSubject, Message, Role, Schedule, User
from webapp.models.status import NOW, is_online
from webapp.monitor.words import filter_in_words

_message_id: Any = bindparam("message_id", type_=Message.id.type)
WRITE_DELIVERIES = (
    insert(Delivery)
    .from_select(
        ["message_id", "user_id"],
        select(_message_id, LogSubject.user_id).distinct().where(LogSubject.entry_id == _message_id),
    )
    .execution_options(**PREPARED)
)
_persons_online = (
    select(LogSubject.user_id)
    .join(Candidacy, Candidacy.id == LogSubject.candidacy_id)
    .where(LogSubject.entry_id == _message_id, is_online(NOW))
    .distinct()
    .subquery()
)
COUNT_ONLINE = select(func.count()).select_from(_persons_online).execution_options(**PREPARED)

Announce = Callable[[Message, list[int]], None]
"""Pushes a committed message to the persons with these user ids."""


class Sent(NamedTuple):
    """A message that is committed."""

    message: Message
    online: int
    """How many of its recipients are online."""


def send(
    session: Session, sender: User, draft: Draft, *, now: datetime, limit: int, tokens: Tokens, announce: Announce
) -> Sent:
    """Send a message once to everyone the draft's selection reaches, and announce it after the commit.

    A form that is posted again gets its first message (R2). `limit` is in persons. Raises `BadText`, `ContentChanged`,
    `NotAllowed`, `NotFound`, `TooManyRecipients`, `NoRecipients`, `AudienceChanged`, `MessageWithdrawn` or
    `BadParameter`; nothing is written then.
    """
    check_key(draft.idempotency_key)
    subject, body = check_text(draft.subject, draft.body)
    draft = replace(draft, subject=subject, body=body)
    with writing(session, keep=True):
        head = lock_head(session)  # from here to the commit nobody else sends
        earlier = find_earlier(session, sender, draft)
        if isinstance(earlier, Message):
            return Sent(earlier, _count_online(session, earlier, now))
        scope = sender_scope(session, sender, now)
        again = None if draft.corrects is None else find_again(session, sender, draft.corrects, now)
        chosen = choose_recipients(again, draft.selection) if again else draft.selection
        form = PostedForm(chosen, draft.audience, tokens)
        selection, subjects = write_audience(session, head, sender, scope, form, now, limit)
        role = scope.highest_role({subject.test_id for subject in subjects})
        if role is None:
            raise NotAllowed("no role in these tests")
        user_ids = sorted({subject.user_id for subject in subjects})
        help_request = None
        if draft.help_request is not None:
            help_request = check_answer(session, draft.help_request, {subject.candidacy_id for subject in subjects})
        corrected = find_standing(session, again.message, user_ids) if again else None
        if corrected:
            check_role(corrected, sender, role)
        message = write_message(session, head, sender, role, draft, selection, subjects, now, corrected)
        if corrected:
            close_earlier(session, message, user_ids)
        if help_request is not None:
            claim_by_answer(session, help_request, sender, role, now)
        online = _count_online(session, message, now)  # before the commit: after it the recipients would wait for it
    metrics.MESSAGES_SENT.inc()
    metrics.DELIVERIES.inc(len(user_ids))
    announce(message, user_ids)
    return Sent(message, online)


def find_earlier(session: Session, sender: User, draft: Draft) -> Message | Schedule | None:
    """What the form with this key has sent or scheduled already (R2). Raises `ContentChanged` if that was another."""
    key = draft.idempotency_key
    message = session.scalar(select(Message).filter_by(sender_id=sender.id, idempotency_key=key))
    if message is not None and message.content_digest != draft.digest:
        raise ContentChanged(message.id)
    schedule = session.scalar(select(Schedule).filter_by(author_id=sender.id, idempotency_key=key))
    if schedule is not None and schedule.content_digest != draft.digest:
        raise ContentChanged(schedule_id=schedule.id)
    return message or schedule


def _count_online(session: Session, message: Message, now: datetime) -> int:
    return session.connection().scalar(COUNT_ONLINE, {"message_id": message.id, "now": microseconds(now)}) or 0


def write_message(
    session: Session,
    head: Head,
    sender: User,
    role: Role,
    draft: Draft,
    selection: Selection,
    subjects: Sequence[Subject],
    now: datetime,
    corrected: Message | None = None,
) -> Message:
    """Write the message, numbered by the log, one delivery for each person, and the log entry (R5, R14)."""
    audience = selection.described()
    content = {
        "subject": draft.subject,
        "body": draft.body,
        "persons": len({subject.user_id for subject in subjects}),
        "candidacies": len(subjects),
    }
    message = Message(
        id=head.number + 1,
        sender_id=sender.id,
        sender_name=sender.name,
        sender_role=role,
        sent_at=now,
        audience=json.dumps(audience, sort_keys=True),
        level=draft.level,
        help_request_id=draft.help_request,
        schedule_id=draft.schedule_id,
        corrects_id=corrected and corrected.id,
        idempotency_key=draft.idempotency_key,
        content_digest=draft.digest,
        **content,
    )
    session.add(message)
    session.flush()
    session.connection().execute(WRITE_DELIVERIES, {"message_id": message.id})
    words = filter_in_words(session, selection.filter) if selection.listed is None else []
    if draft.level is not Level.NORMAL:
        content["level"] = draft.level
    if draft.help_request is not None:
        content["help_request"] = draft.help_request
    if draft.schedule_id is not None:
        content["schedule"] = draft.schedule_id
    if corrected is not None:
        content["corrects"] = corrected.id
    detail = {**content, "audience": audience, "audience_words": words}
    actor = Actor(sender.id, sender.name, role.value)
    append(session, head, at=now, actor=actor, action=MESSAGE_SENT, detail=detail, subjects=subjects)
    return message
