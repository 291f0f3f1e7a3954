"""The log: append, verify, show (R14, R15)."""

from webapp.logbook.views import init_app

__all__ = ["init_app"]
