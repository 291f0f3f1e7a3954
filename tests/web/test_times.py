"""How pages tell a moment: with the date only where the time of day alone would mislead."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from webapp.clock import utcnow
from webapp.web.templating import time_tag

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize(("ago", "is_dated"), [(0, False), (11, False), (25, True), (-25, True)])
def test_a_brief_moment_has_a_date_where_it_needs_one(app: Flask, ago: int, is_dated: bool) -> None:
    """Neither what was just now nor what was some hours ago, though it may have been yesterday."""
    moment = utcnow() - timedelta(hours=ago)
    with app.test_request_context():
        shown = time_tag(moment, "brief").striptags()
    assert shown == (f"{moment.day} {moment:%b %H:%M}" if is_dated else f"{moment:%H:%M}")
