"""The people of a sent message once more, as far as somebody may still reach them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import false, func, select
from sqlalchemy.orm import Session

from webapp.exceptions import NotFound
from webapp.logbook.reading import MAX_NUMBER
from webapp.messaging.audience import Selection, sender_scope
from webapp.messaging.sent_messages import reading_scope
from webapp.models import Candidacy, LogEntry, LogSubject, Message, Test, User
from webapp.monitor.filters import Filter


@dataclass(frozen=True)
class Again:
    """Whom a message reached, seen by somebody who writes to them once more."""

    message: Message
    candidacies: dict[int, int]
    """Candidacy id → user id, of those who can be reached; of a person, all candidacies that the message was for."""
    everybody: frozenset[int]
    """The ids of all candidacies that the message was for."""
    in_closed_tests: int
    """People who cannot be reached because their tests are closed."""
    elsewhere: int
    """People who cannot be reached because they are in other tests or rooms than the sender's."""

    @property
    def selection(self) -> Selection:
        """Those who can be reached, as picked candidacies."""
        return Selection(Filter(), tuple(sorted(self.candidacies)))

    @property
    def left_out(self) -> int:
        """How many people cannot be reached."""
        return self.in_closed_tests + self.elsewhere


def find_message(session: Session, reader: User, message_id: int, now: datetime) -> Message:
    """A message that `reader` may read (R14). Raises `NotFound` for any other one."""
    scope = reading_scope(session, reader, now)
    query = select(Message).join(LogEntry, LogEntry.id == Message.id).where(Message.id == message_id, scope.entries)
    message = session.scalar(query) if message_id <= MAX_NUMBER else None
    if message is None:
        raise NotFound(f"message {message_id}")
    return message


def find_again(session: Session, sender: User, message_id: int, now: datetime) -> Again:
    """Whom `sender` may reach of those whom a message reached. Raises as `find_message` and `sender_scope`."""
    message = find_message(session, sender, message_id, now)
    scope = sender_scope(session, sender, now)
    is_reachable = func.coalesce(scope.condition(Candidacy), false())
    query = (
        select(LogSubject.candidacy_id, LogSubject.user_id, is_reachable, Test.closed_at)
        .outerjoin(Candidacy, Candidacy.id == LogSubject.candidacy_id)
        .outerjoin(Test, Test.id == Candidacy.test_id)
        .where(LogSubject.entry_id == message_id)
    )
    rows = session.execute(query).all()
    candidacies = {candidacy_id: user_id for candidacy_id, user_id, reachable, _ in rows if reachable}
    missing = {user_id for _, user_id, *_ in rows} - set(candidacies.values())
    closed = {user_id for _, user_id, _, closed_at in rows if closed_at is not None} & missing
    everybody = frozenset(row.candidacy_id for row in rows)
    return Again(message, candidacies, everybody, len(closed), len(missing - closed))
