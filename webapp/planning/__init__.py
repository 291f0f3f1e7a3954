"""Planning: rosters are imported, tests are closed and opened again."""

from datetime import timedelta

import structlog
from flask import Flask, current_app

from webapp.clock import utcnow
from webapp.extensions import db
from webapp.planning.closing import close_ended_tests

LOOK_SECONDS = 60.0
"""How often a process looks for tests that are over."""
log = structlog.get_logger(__name__)


def init_app(app: Flask) -> None:
    """Have tests close by themselves, if the settings say after how many hours."""
    if app.config["SETTINGS"].close_after_hours:
        app.extensions["examhall_push"].every(LOOK_SECONDS, close_tests)


def close_tests() -> None:
    """Close the tests that ended long enough ago; needs an application context."""
    hours = current_app.config["SETTINGS"].close_after_hours
    for test in close_ended_tests(db.session(), now=utcnow(), after=timedelta(hours=hours)):
        log.info("test closed", test=test.title, date=f"{test.start_date}", hours_after_its_end=hours)
