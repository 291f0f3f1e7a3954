"""The candidate's side: dashboard, exam page, answers, submission, and the export of a test."""

from webapp.exams.views import init_app

__all__ = ["init_app"]
