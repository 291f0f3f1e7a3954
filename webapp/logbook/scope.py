"""Who sees what of the log (R14): the conditions for entries and for the candidacies named in them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session

from webapp.access import AccessScope, Right, access_scope, is_contributor
from webapp.exceptions import NotAllowed
from webapp.models import LogEntry, LogSubject, User


def concerns(subject: ColumnElement[bool]) -> ColumnElement[bool]:
    """Entries with a subject for which the condition holds, also in a query that joins the subjects."""
    return select(LogSubject.entry_id).where(LogSubject.entry_id == LogEntry.id, subject).correlate(LogEntry).exists()


@dataclass(frozen=True)
class LogScope:
    """What one person sees of the log.

    Administrators see all of it. Planners and chief invigilators see what concerns their tests, or their room of a
    test. Everyone sees what they did themselves, with everybody whom it concerned.
    """

    actor_id: int
    tests: AccessScope

    def entries(self) -> ColumnElement[bool]:
        """The entries that this person may see."""
        if self.tests.everything:
            return true()
        return or_(self._own(), concerns(self.tests.condition(LogSubject))) if self.tests else self._own()

    def subjects(self) -> ColumnElement[bool]:
        """The subjects that this person may see, for a query that joins them to their entries."""
        return true() if self.tests.everything else or_(self._own(), self.tests.condition(LogSubject))

    def _own(self) -> ColumnElement[bool]:
        return and_(LogEntry.actor_id == self.actor_id, ~LogEntry.action.startswith("sign_in."))


def log_scope(session: Session, actor: User, now: datetime) -> LogScope:
    """What `actor` sees of the log, whether their tests are still open or not.

    Raises `NotAllowed` for a person who neither works in a test nor runs the installation.
    """
    if not actor.is_admin and not is_contributor(session, actor):
        raise NotAllowed("candidates have no log")
    return LogScope(actor.id, access_scope(session, actor, Right.READ_LOG, now, window=False))
