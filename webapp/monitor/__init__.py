"""The monitor: a live list of candidates with search and filters."""

from webapp.monitor.views import init_app

__all__ = ["init_app"]
