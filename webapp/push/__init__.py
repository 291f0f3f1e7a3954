"""Push: streams, hub, bus, sweep and presence. Knows user ids and bytes, nothing of exams."""

from webapp.push.views import init_app

__all__ = ["init_app"]
