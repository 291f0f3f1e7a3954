"""The send transaction: message, deliveries and log entry together, or nothing (R1). A message's way begins here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, insert, select
from sqlalchemy.orm import Session

from webapp import metrics
from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.exceptions import BadParameter, NotAllowed
from webapp.logbook.append import Actor, Head, append, lock_head, write_subjects
from webapp.logbook.chain import Subject
from webapp.logbook.reading import MESSAGE_SENT
from webapp.messaging.audience import CANDIDACIES_OF_A_PERSON, Kind, Selection, Tokens, count, sender_scope
from webapp.messaging.refusals import AudienceChanged, ContentChanged
from webapp.messaging.text import checked
from webapp.models import Delivery, LogSubject, Message, Role, User
from webapp.monitor.query import check_values
from webapp.monitor.words import filter_in_words

KEY = re.compile(r"[!-~]{1,64}")
DELIVERIES: Any = Delivery.__table__
_NUMBER: Any = bindparam("message", type_=Message.id.type)

# made once: nobody else sends while one of these runs
EARLIER = (
    select(Message)
    .where(Message.sender_id == bindparam("sender"), Message.idempotency_key == bindparam("key"))
    .execution_options(**PREPARED)
)
DELIVER = (
    insert(DELIVERIES)
    .from_select(
        ["message_id", "user_id"],
        select(_NUMBER, LogSubject.user_id).distinct().where(LogSubject.entry_id == _NUMBER),
    )
    .execution_options(**PREPARED)
)
"""One delivery for each person of the candidacies just written."""


@dataclass(frozen=True)
class Draft:
    """What a compose form posts."""

    subject: str
    body: str
    selection: Selection
    audience: str
    """The token of what the dialog showed; empty for a list."""
    idempotency_key: str


@dataclass(frozen=True)
class Sent:
    """A sending that is committed."""

    message: Message
    user_ids: list[int]
    repeated: bool
    """The form had been posted before; this is its first answer again (R2)."""


Announce = Callable[[Message, list[int]], None]


def send(
    session: Session,
    sender: User,
    draft: Draft,
    *,
    now: datetime,
    limit: int,
    tokens: Tokens,
    announce: Announce,
) -> Sent:
    """Send a message once to everyone the draft's selection reaches, and announce it after the commit.

    `limit` is in persons. Raises `BadText`, `ContentChanged`, `NotAllowed`, `NotFound`, `TooManyRecipients`,
    `NoRecipients`, `AudienceChanged` or `BadParameter`; nothing is written then.
    """
    if not KEY.fullmatch(draft.idempotency_key):
        raise BadParameter("idempotency_key", draft.idempotency_key)
    subject, body = checked(draft.subject, draft.body)
    draft = replace(draft, subject=subject, body=body)
    try:
        sent = _committed(session, sender, draft, now, limit, tokens, uncounted=True)
    except _Others:
        sent = _committed(session, sender, draft, now, limit, tokens, uncounted=False)
    if not sent.repeated:
        metrics.MESSAGES_SENT.inc()
        metrics.DELIVERIES.inc(len(sent.user_ids))
        announce(sent.message, sent.user_ids)
    return sent


class _Others(Exception):
    """Those who were written down without being counted first are not those whom the dialog showed."""


def _committed(
    session: Session, sender: User, draft: Draft, now: datetime, limit: int, tokens: Tokens, *, uncounted: bool
) -> Sent:
    # what follows the commit asks the database nothing: on PostgreSQL each question lets 1,500 streams go first
    with writing(session, keep=True):
        return _send(session, sender, draft, now, limit, tokens, uncounted=uncounted)


def _send(
    session: Session, sender: User, draft: Draft, now: datetime, limit: int, tokens: Tokens, *, uncounted: bool
) -> Sent:
    """Inside the transaction. The log's head is locked first: from here to the commit nobody else sends."""
    head = lock_head(session)
    if earlier := _earlier(session, sender.id, draft.idempotency_key):
        if earlier.content_digest != content_digest(draft):
            raise ContentChanged(earlier.id)
        return Sent(earlier, [], repeated=True)
    scope = sender_scope(session, sender, now)
    selection, shown = _as_shown(draft, tokens)
    selection = selection.settled(session, sender, now)
    words = filter_in_words(session, selection.filter) if selection.listed is None else []
    if uncounted and shown and len(shown) <= limit:
        check_values(session, scope, selection.filter)
        subjects = _write_as_shown(session, head, selection.query(scope, now), shown)
    else:
        found = count(session, selection, scope, now, limit)
        if shown is None:
            raise AudienceChanged(joined=None, left=None)
        subjects = _deliver(session, head, selection.query(scope, now))
        _check_people(subjects, shown, found)
    role = scope.highest_role({row.test_id for row in subjects})
    if role is None:
        raise NotAllowed("no role in these tests")
    message = _message(head, sender, role, draft, selection, subjects, now)
    _log(session, head, message, selection, words, subjects)
    session.add(message)
    session.flush()
    return Sent(message, sorted({row.user_id for row in subjects}), repeated=False)


def content_digest(draft: Draft) -> str:
    """What makes two posts the same message: subject, body, and what chose the audience (R2)."""
    selection = replace(draft.selection, frozen=None).described()
    content = json.dumps([draft.subject, draft.body, selection], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _earlier(session: Session, sender_id: int, key: str) -> Message | None:
    return session.scalar(EARLIER, {"sender": sender_id, "key": key})


def _as_shown(draft: Draft, tokens: Tokens) -> tuple[Selection, frozenset[int] | None]:
    """What is sent to, and the persons whom the dialog showed: nobody for a list, which names its candidacies.

    None if the form does not say whom it had shown, or says it with a token that was made for another selection.
    """
    selection, token = draft.selection, tokens.read(draft.audience, draft.selection)
    if token and token.kind is Kind.FROZEN:
        return selection.held_fast(token.ids, by_words=token.by_words), frozenset()
    if selection.listed is not None and not draft.audience:
        return selection, frozenset()
    return selection, None if token is None else frozenset(token.ids)


def _write_as_shown(session: Session, head: Head, query: Select[Any], shown: frozenset[int]) -> list[Subject]:
    """Write down whom a query finds, if they are those whom the dialog showed; raises `_Others` otherwise.

    They seldom are not, and counting 1,500 took a tenth of the time of a sending. However many it finds by now, not
    many more than were shown are written before they are refused.
    """
    most = len(shown) * CANDIDACIES_OF_A_PERSON
    subjects = _deliver(session, head, query.limit(most + 1))
    if len(subjects) > most or {row.user_id for row in subjects} != shown:
        raise _Others
    return subjects


def _check_people(subjects: Sequence[Subject], shown: frozenset[int], found: int) -> None:
    """Raises `AudienceChanged` unless those who were written down are those whom the dialog showed (R3, R4).

    A list is counted again: on PostgreSQL every statement sees its own moment, and people may have moved since it was
    counted.
    """
    if shown:
        now = frozenset(row.user_id for row in subjects)
        if now != shown:
            raise AudienceChanged(joined=len(now - shown), left=len(shown - now))
    elif len(subjects) != found:
        raise AudienceChanged(joined=max(0, len(subjects) - found), left=max(0, found - len(subjects)))


def _deliver(session: Session, head: Head, query: Select[Any]) -> list[Subject]:
    """Write down whom a query finds for the log, and one delivery for each person of them (R5)."""
    subjects = write_subjects(session, head, query)
    session.connection().execute(DELIVER, {"message": head.number + 1})
    return subjects


def _message(
    head: Head,
    sender: User,
    role: Role,
    draft: Draft,
    selection: Selection,
    subjects: Sequence[Subject],
    now: datetime,
) -> Message:
    """The message, numbered by the log."""
    return Message(
        id=head.number + 1,
        sender_id=sender.id,
        sender_name=sender.name,
        sender_role=role,
        subject=draft.subject,
        body=draft.body,
        sent_at=now,
        audience=json.dumps(selection.described(), sort_keys=True),
        persons=len({row.user_id for row in subjects}),
        candidacies=len(subjects),
        idempotency_key=draft.idempotency_key,
        content_digest=content_digest(draft),
    )


def _log(
    session: Session,
    head: Head,
    message: Message,
    selection: Selection,
    words: Sequence[str],
    subjects: Sequence[Subject],
) -> None:
    append(
        session,
        head,
        at=message.sent_at,
        actor=Actor(message.sender_id, message.sender_name, message.sender_role.value),
        action=MESSAGE_SENT,
        detail={
            "subject": message.subject,
            "body": message.body,
            "audience": selection.described(),
            "audience_words": words,
            "persons": message.persons,
            "candidacies": message.candidacies,
        },
        subjects=subjects,
    )
