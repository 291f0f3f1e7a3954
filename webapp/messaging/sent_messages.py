"""What was sent to candidates whom a person may see (R14), for them to read and to use again."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, true
from sqlalchemy.orm import Session

from webapp.access import Right, access_scope
from webapp.logbook.reading import MESSAGE_SENT, LogScope, concerns, entry_details, log_scope
from webapp.models import LogEntry, LogSubject, Message, User


@dataclass(frozen=True)
class SentMessage:
    """One message as its page shows it to one reader."""

    entry: LogEntry
    message: Message | None
    """None once it is pruned: what the log has stays."""
    subjects: list[LogSubject]
    """Those whom the reader may see; of their own messages, all."""
    hidden: int
    """How many people it went to besides."""
    is_in_log: bool
    """Whether the reader may see the log entry too."""
    corrected_by: Message | None
    """The newest message that takes its place, of those that the reader may read."""

    @property
    def detail(self) -> dict[str, Any]:
        """The text, and the audience in words, as they were sent."""
        return dict(json.loads(self.entry.detail))

    @property
    def persons(self) -> int:
        """How many people within the reader's reach it went to, each counted once (R5)."""
        return len({subject.user_id for subject in self.subjects})


def reading_scope(session: Session, actor: User, now: datetime) -> LogScope:
    """The messages that `actor` may read: those of their log, and those that reached somebody whom they watch now.

    Of the latter they see the recipients within their reach. Raises `NotAllowed` for candidates.
    """
    log = log_scope(session, actor, now)
    watched = access_scope(session, actor, Right.WATCH, now)
    is_message = LogEntry.action == MESSAGE_SENT
    if watched.everything:
        return LogScope(is_message, true(), watched)
    in_reach = watched.condition(LogSubject)
    return LogScope(and_(is_message, or_(log.entries, concerns(in_reach))), or_(log.subjects, in_reach), log.tests)


def load_sent_message(session: Session, reader: User, message_id: int, now: datetime) -> SentMessage:
    """A message with its recipients. Raises `NotFound` for one that the reader may not see, as for none at all."""
    scope = reading_scope(session, reader, now)
    entry, subjects, hidden = entry_details(session, scope, message_id)
    in_log = select(LogEntry.id).where(LogEntry.id == entry.id, log_scope(session, reader, now).entries)
    corrections = select(Message).join(LogEntry, LogEntry.id == Message.id).where(Message.corrects_id == entry.id)
    newest = corrections.where(scope.entries).order_by(Message.id.desc()).limit(1)
    return SentMessage(
        entry,
        session.get(Message, entry.id),
        subjects,
        hidden,
        is_in_log=session.scalar(in_log) is not None,
        corrected_by=session.scalar(newest),
    )
