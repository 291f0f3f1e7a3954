"""The database is away for 20 s while a server runs: 503, streams stay, nothing is lost, all comes back by itself."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.databases import Database, application_on
from tests.databases import _migrate as migrate
from tests.hall import Hall
from tests.nightly import at_night, clock_factors
from tests.postgres import Cluster, Postgres
from tests.server import ENDED, PASSWORD, Listener, Person, Server, close_all
from webapp.accounts.passwords import hash_password
from webapp.extensions import db

pytestmark = [pytest.mark.server, pytest.mark.only_on("postgresql")]
AWAY_SECONDS = 20.0
NAMES = ("ada", "bob", "eve")
Answer = tuple[str, int, str | None, float]
"""Address, status, `Retry-After`, and how long it took."""


@pytest.fixture
def server(own_postgres: Postgres, database_kind: str, tmp_path: Path, factor: int) -> Iterator[Server]:
    """A server with a PostgreSQL of its own; `ines` may send to three candidates."""
    database = Database(database_kind, Cluster(own_postgres.address).migrated(migrate), tmp_path)
    with application_on(database) as app, app.app_context():
        hall, secret = Hall(db.session()), hash_password(PASSWORD)
        test = hall.test("Algebra")
        hall.contributor(test, user=hall.person("Ines", username="ines", password_hash=secret))
        for name in NAMES:
            hall.candidacy(test, hall.person(name.title(), username=name, password_hash=secret))
        hall.session.rollback()
    with Server(database, clock_factor=factor) as running:
        yield running
    close_all()


def shut_down(postgres: Postgres) -> Callable[[], None]:
    postgres.end()
    return postgres.start


def freeze(postgres: Postgres) -> Callable[[], None]:
    postgres.send(signal.SIGSTOP)
    return lambda: postgres.send(signal.SIGCONT)


def ask(person: Person, address: str, until: float, pause: float, answers: list[Answer]) -> None:
    """One request after the other, as an impatient person does."""
    while time.monotonic() < until:
        asked = time.monotonic()
        if address.startswith("POST "):
            answer = person.post(address.removeprefix("POST "), text="typed", version="0")
        else:
            answer = person.http.get(address)
        answers.append((address, answer.status_code, answer.headers.get("Retry-After"), time.monotonic() - asked))
        time.sleep(pause)


def ping(people: list[Person], until: float, pause: float) -> None:
    """Their pages' signs of life, which need no database."""
    for person in cycle(people):
        if time.monotonic() > until:
            return
        asked = time.monotonic()
        assert person.post("/ping").status_code == 204
        assert time.monotonic() - asked < 1
        time.sleep(pause)


@clock_factors
@pytest.mark.parametrize(("go_away", "bound"), [(freeze, 14.0), *at_night((shut_down, 2.0))])
def test_away_for_20_seconds(
    server: Server, own_postgres: Postgres, go_away: Callable[[Postgres], Callable[[], None]], bound: float, factor: int
) -> None:
    away, bound = AWAY_SECONDS / factor, bound / factor
    ines, *people = (Person(server.url, name) for name in ("ines", *NAMES))
    streams = [Listener(person) for person in people]
    fields = ines.compose("Before", scope="filtered", q="algebra")
    assert ines.post("/messages", **fields).status_code == 201
    for stream in streams:
        stream.wait_for(lambda stream=stream: stream.ids() == ["1"])  # type: ignore[misc]
    come_back = go_away(own_postgres)
    began = time.monotonic()
    answers: list[Answer] = []

    addresses = ["/inbox", "/inbox/new", "/tests/1", "POST /tests/1/submit"]
    until = began + away - bound - 1 / factor
    askers = [people[n % 3].at(server.url) for n in range(len(addresses))]
    threads = [
        Thread(target=ask, args=(*who, until, 0.5 / factor, answers)) for who in zip(askers, addresses, strict=True)
    ]
    for thread in threads:
        thread.start()
    ping(people, began + away, 1 / factor)
    for thread in threads:
        thread.join()
    come_back()
    back = time.monotonic()
    assert len(answers) >= len(addresses)
    assert {(status, retry) for _, status, retry, _ in answers} == {(503, "5")}, answers
    assert max(taken for *_, taken in answers) < bound
    # the first request may still be answered 503
    assert people[0].http.get("/inbox").status_code in (200, 503)
    assert people[0].http.get("/inbox").status_code == 200
    ines.send_until_answered("After", scope="filtered", q="algebra")
    for stream in streams:
        stream.wait_for(lambda stream=stream: len(stream.ids()) == 2)  # type: ignore[misc]
        assert ENDED not in stream.events
        assert [name for name, *_ in stream.events].count("beat") >= 2
    assert time.monotonic() - back < 10
    time.sleep(6 / factor)  # a batch of presence
    assert ines.http.get("/monitor").status_code == 200
    assert 'data-count="3"' in ines.http.get("/monitor", params={"status": "online"}).text
    assert 'data-count="0"' in ines.http.get("/monitor", params={"warning": "was_offline"}).text
    said = server.log.read_text()
    assert "Traceback" not in said
    assert len([line for line in said.splitlines() if line.startswith("{")]) < 30, said
    assert httpx.get(f"{server.url}/readyz").text == "ready\n"
