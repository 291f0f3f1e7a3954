"""All tables. Import models from here: `from webapp.models import Candidacy`."""

from webapp.models.exams import Answer, Attendance, Candidacy, Contribution, Question, Role, Test
from webapp.models.log import LogEntry, LogHead, LogSubject
from webapp.models.messages import Delivery, Message
from webapp.models.people import EndedSession, SessionClaims, SignInBudget, User, parse_session_id, still_counts

__all__ = [
    "Answer", "Attendance", "Candidacy", "Contribution", "Delivery", "EndedSession", "LogEntry", "LogHead",
    "LogSubject", "Message", "Question", "Role", "SessionClaims", "SignInBudget", "Test", "User", "parse_session_id",
    "still_counts",
]  # fmt: skip
