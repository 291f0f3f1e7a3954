"""All tables. Import models from here: `from webapp.models import Candidacy`."""

from webapp.models.exams import (
    ATTEMPTS,
    ENTRIES,
    TEXTS,
    Answer,
    Attendance,
    Candidacy,
    Contribution,
    Question,
    Role,
    RosterEntry,
    SearchText,
    Test,
)
from webapp.models.log import LogEntry, LogHead, LogSubject
from webapp.models.messages import Delivery, Message
from webapp.models.people import EndedSession, KeptSession, SignInBudget, User, kept_id, still_counts

__all__ = [
    "ATTEMPTS",
    "ENTRIES",
    "TEXTS",
    "Answer",
    "Attendance",
    "Candidacy",
    "Contribution",
    "Delivery",
    "EndedSession",
    "KeptSession",
    "LogEntry",
    "LogHead",
    "LogSubject",
    "Message",
    "Question",
    "Role",
    "RosterEntry",
    "SearchText",
    "SignInBudget",
    "Test",
    "User",
    "kept_id",
    "still_counts",
]
