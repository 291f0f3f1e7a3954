"""Who sees what of the log (R14): one place gives the conditions for entries and for the people named in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from webapp.access import AccessScope, Right, access_scope, is_contributor
from webapp.exceptions import NotAllowed
from webapp.models import LogEntry, LogSubject, User


def concerning(subject: ColumnElement[bool]) -> ColumnElement[bool]:
    """Entries with a subject for which the condition holds, also in a query that joins the subjects."""
    return select(LogSubject.entry_id).where(LogSubject.entry_id == LogEntry.id, subject).correlate(LogEntry).exists()


@dataclass(frozen=True)
class Sight:
    """What one person sees: administrators all; planners and chiefs what concerns their tests (a chief limited to a
    room: what concerns somebody there); everyone what they did themselves, with all whom it concerned."""

    actor_id: int
    scope: AccessScope

    def own(self) -> ColumnElement[bool]:
        """Entries that this person made."""
        return and_(LogEntry.actor_id == self.actor_id, ~LogEntry.action.startswith("sign_in."))

    def subject_within(self) -> ColumnElement[bool]:
        """Subjects of this person's tests and rooms, as they were then."""
        if self.scope.everything:
            return true()
        whole = [test_id for test_id in self.scope.roles if test_id not in self.scope.rooms]
        parts: list[ColumnElement[bool]] = [LogSubject.test_id.in_(whole)] if whole else []
        parts += [
            and_(LogSubject.test_id == test_id, LogSubject.room == room) for test_id, room in self.scope.rooms.items()
        ]
        return or_(false(), *parts)

    def entries(self) -> ColumnElement[bool]:
        """The entries that this person may see."""
        if self.scope.everything:
            return true()
        concerned = concerning(self.subject_within())
        return or_(self.own(), concerned) if self.scope else self.own()

    def subjects(self) -> ColumnElement[bool]:
        """The subjects that this person may see; for a query that joins them to their entries."""
        return true() if self.scope.everything else or_(self.own(), self.subject_within())


def sight_of(session: Session, actor: User, now: datetime) -> Sight:
    """What `actor` sees of the log, whether their tests are still open or not.

    Raises `NotAllowed` for who neither works in any test nor runs the installation.
    """
    if not actor.is_admin and not is_contributor(session, actor):
        raise NotAllowed("candidates have no log")
    return Sight(actor.id, access_scope(session, actor, Right.READ_LOG, now, window=False))
