"""All tables. Import models from here: `from webapp.models import Candidacy`."""

from webapp.models.exams import Absence, Answer, Attendance, Candidacy, Contribution, Question, Role, Test
from webapp.models.hall import CandidateAction, HelpRequest, Incident, IncidentCandidacy, SavedView
from webapp.models.log import LogEntry, LogHead, LogSubject
from webapp.models.messages import Delivery, Level, Message, QuickText, Schedule, ScheduledPerson, ScheduleState
from webapp.models.people import SESSION_COUNTS, EndedSession, SessionClaims, SignInBudget, User, parse_session_id

__all__ = [
    "SESSION_COUNTS", "Absence", "Answer", "Attendance", "Candidacy", "CandidateAction", "Contribution", "Delivery",
    "EndedSession", "HelpRequest", "Incident", "IncidentCandidacy", "Level", "LogEntry", "LogHead", "LogSubject",
    "Message", "Question", "QuickText", "Role", "SavedView", "Schedule", "ScheduleState", "ScheduledPerson",
    "SessionClaims", "SignInBudget", "Test", "User", "parse_session_id",
]  # fmt: skip
