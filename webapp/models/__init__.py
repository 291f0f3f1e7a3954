"""All tables. Import models from here: `from webapp.models import Candidacy`."""

from webapp.models.exams import Answer, Attendance, Candidacy, Contribution, Question, Role, Test
from webapp.models.log import LogEntry, LogHead, LogSubject
from webapp.models.messages import Delivery, Message
from webapp.models.people import EndedSession, KeptSession, SignInAttempt, User, kept_id, still_counts
from webapp.models.presence import Presence

__all__ = [
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
    "Presence",
    "Question",
    "Role",
    "SignInAttempt",
    "Test",
    "User",
    "kept_id",
    "still_counts",
]
