"""The candidate's side: dashboard, exam page, answers, submission, and the export of a test."""
