"""The monitor over half a million candidacies in forty running tests: each single filter, and phrases of all kinds."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import text

from tests.assets import weights
from tests.bench.figures import Run, median, p99, percentile
from tests.bench.hall import BODY
from tests.bench.large_hall import LargeHall, build
from tests.databases import Database, settings_for
from tests.hall import signed_in
from webapp import create_app
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.db.types import microseconds
from webapp.extensions import db
from webapp.models import User
from webapp.monitor.filters import CHOICES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROUNDS = 5
LIMITS = {"PostgreSQL": (40, 120), "SQLite": (60, 600)}
"""Milliseconds at p95: within a test, and over all of them."""
NEWEST_OF_A_CANDIDATE = "SELECT max(last_seen) FROM candidacy"
HALF_A_MINUTE = 30_000_000
BATCHES = 6
"""In which everybody is heard of within half a minute: all at once would make PostgreSQL's table twice as large."""
HEARD_AGAIN = "UPDATE candidacy SET last_seen = last_seen + :by, left_at = left_at + :by WHERE id % :batches = :part"
PHRASES = (
    "Lind", "lindström", "Margareta", "a", "å", "100042", "A100", "sal b110", "Sal H2", "Group 07", "campus n", "12c",
    "Set B", "algebra", "exam office", "zzzz", "%", "ström å", "7",
)  # fmt: skip


@dataclass
class Measured:
    """One single filter."""

    words: str
    count: int
    seconds: list[float]


def single_filters() -> list[dict[str, str]]:
    """None, each phrase, each value of each filter, each kind of time filter."""
    half_an_hour_ago = f"{utcnow() - timedelta(minutes=30):%Y-%m-%dT%H:%M}"
    chosen: list[dict[str, str]] = [{}, *({"q": phrase} for phrase in PHRASES)]
    chosen += [{name: value} for name, choice in CHOICES.items() for value in choice.values]
    chosen += [{"test": "1"}, {"room": "Sal B110"}, {"group": "Group 07"}]
    for name in ("seen", "started", "saved", "submitted", "test_start", "test_end"):
        chosen += [{f"{name}_within": value} for value in ("5m", "1h", "today")]
        chosen += [{f"{name}_{kind}": half_an_hour_ago} for kind in ("after", "before")]
    return chosen


def measure_monitor(run: Run, database: Database, candidacies: int, name: str) -> None:
    """Build the large hall in an empty database and ask for the monitor's fragment as each refresh does."""
    app = create_app(settings_for(database))
    begun = time.perf_counter()
    with app.app_context():
        upgrade()
        large_hall = build(db.session(), utcnow(), candidacies)
    run.add("monitor", f"{name}: {large_hall.candidacies:,} candidacies built", time.perf_counter() - begun, "s")
    of_a_test, over_all = LIMITS[name]
    for scope, user_id, limit in (
        ("a test", large_hall.chief_id, of_a_test),
        ("all tests", large_hall.admin_id, over_all),
    ):
        measured = _measure(app, user_id)
        every = [one * 1e3 for each in measured for one in each.seconds]
        run.add("monitor", f"{name}, {scope}: any single filter or search, median", median(every), "ms")
        run.add(
            "monitor", f"{name}, {scope}: any single filter or search, p95", percentile(every, 0.95), "ms",
            limit, target=f"≤ {limit} ms",
        )  # fmt: skip
        for slow in sorted(measured, key=lambda one: -median(one.seconds))[:4]:
            words = f"{name}, {scope}: slow: {slow.words or 'no filter'} ({slow.count:,})"
            run.add("monitor", words, median(slow.seconds) * 1e3, "ms")
    _measure_send_to_all(run, app, large_hall, name)
    if name == "PostgreSQL":
        page = _client(app, large_hall.chief_id).get("/monitor").text
        weight = sum(weights(page).values()) / 1000
        run.add("monitor", "first load of the page with all assets", weight, "KB", 250, target="≤ 250 KB")
    with app.app_context():
        db.engine.dispose()


class Timed:
    """The application, with how long it took to answer the last request: without what the client takes to ask."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self.seconds = 0.0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        begun = time.perf_counter()
        answer = self._application(environ, start_response)
        self.seconds = time.perf_counter() - begun
        return answer


def _measure(app: Flask, user_id: int) -> list[Measured]:
    client = _client(app, user_id)
    timed = app.wsgi_app = Timed(app.wsgi_app)  # type: ignore[method-assign]
    gc.collect()
    gc.freeze()  # as gunicorn.conf.py does
    found = []
    for chosen in single_filters():
        if not found or len(found) % 10 == 0:
            _keep_alive(app)
        address, seconds = f"/monitor?{urlencode(chosen)}", []
        for _ in range(ROUNDS):
            answer = client.get(address, headers={"HX-Request": "true"})
            seconds.append(timed.seconds)
            if answer.status_code != 200:
                raise RuntimeError(answer.text)
        count = re.search(r'data-count="(\d+)"', answer.text)
        found.append(Measured(urlencode(chosen), int(count[1]) if count else 0, seconds))
    return found


def _client(app: Flask, user_id: int) -> FlaskClient:
    with app.app_context():
        return signed_in(app, db.session.get_one(User, user_id))


def _keep_alive(app: Flask) -> None:
    """Everybody who was heard of lately is heard of again: a measurement takes longer than somebody stays online."""
    with app.app_context():
        now = microseconds(utcnow())
        newest = db.session.scalar(text(NEWEST_OF_A_CANDIDATE)) or now
        if now - newest < HALF_A_MINUTE:
            return
        for part in range(BATCHES):
            with writing(db.session()):
                db.session.execute(text(HEARD_AGAIN), {"by": now - newest, "batches": BATCHES, "part": part})
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE candidacy"))


def _measure_send_to_all(run: Run, app: Flask, large_hall: LargeHall, name: str) -> None:
    """To the 1,500 of three groups of a test, out of all of these."""
    client = _client(app, large_hall.chief_id)
    groups = [("group", f"Group {number:02}") for number in (1, 2, 3)]
    opened, sent = [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        dialog = client.get(
            "/messages/new?" + urlencode([("scope", "filtered"), *groups]), headers={"HX-Request": "true"}
        )
        opened.append(time.perf_counter() - begun)
        fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', dialog.text)
        form = urlencode([*fields, ("subject", "Ten more minutes"), ("body", BODY)])
        begun = time.perf_counter()
        answer = client.post("/messages", data=form, content_type="application/x-www-form-urlencoded")
        sent.append(time.perf_counter() - begun)
        if answer.status_code != 303:
            raise RuntimeError(answer.text)
    run.add("monitor", f"{name}: dialog for 1,500 of them, median", median(opened) * 1e3, "ms")
    run.add("monitor", f"{name}: sent to 1,500 of them, p99", p99(sent) * 1e3, "ms")
