"""The end of a server, and a new one in its place (SIGTERM, SIGHUP): in order, and nothing is lost or repeated."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from threading import Thread

import pytest

from tests.databases import Database
from tests.hall import Hall
from tests.server import ENDED, PASSWORD, Listener, Person, Server
from tests.until import until
from webapp.accounts.passwords import hash_password

pytestmark = pytest.mark.server
RESTARTS = 2


@pytest.fixture
def server(hall: Hall, database: Database) -> Iterator[Server]:
    test, secret = hall.test("Algebra"), hash_password(PASSWORD)
    hall.contributor(test, user=hall.person("Ines", username="ines", password_hash=secret))
    for name in ("ada", "bob", "eve"):
        hall.candidacy(test, hall.person(name.title(), username=name, password_hash=secret))
    with Server(database) as running:
        yield running


def see_a_killed_worker_replaced(server: Server) -> None:
    """It serves streams again."""
    killed = server.worker_pid()
    os.kill(killed, signal.SIGKILL)
    until(lambda: server.worker_pids() not in ([], [killed]), 60)
    Listener(Person(server.url, "ada")).close()


@pytest.mark.one_database
def test_sigterm_tells_each_stream_when_to_come_back_and_does_not_wait_for_idle_connections(server: Server) -> None:
    see_a_killed_worker_replaced(server)
    listeners = [Listener(Person(server.url, name)) for name in ("ada", "bob", "eve")]
    idle = Person(server.url, "ines")  # its connection is kept alive for 75 s
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 10
    for one in listeners:
        one.wait_for(lambda one=one: one.events[-1] == ENDED)  # type: ignore[misc]
        name, _, milliseconds = one.events[-2]
        assert name == "restart"
        assert 0 < int(milliseconds) <= 1100
    assert "Traceback" not in server.log.read_text()
    assert idle


@pytest.mark.nightly
@pytest.mark.one_database("postgresql")
def test_sighup_in_the_middle_of_sendings_loses_and_repeats_nothing(server: Server) -> None:
    """Somebody sends on and on, and repeats what got no answer, while the worker is replaced again and again."""
    ines = Person(server.url, "ines")
    listeners = [Listener(Person(server.url, name)) for name in ("ada", "bob", "eve")]
    people = [Person(server.url, name) for name in ("ada", "bob", "eve")]
    seen: dict[int, set[str]] = {number: set() for number in range(3)}
    running = True

    def watch(number: int) -> None:
        """A candidate's page: reads its stream, and opens the next where one ends."""
        listener = listeners[number]
        while running:
            seen[number].update(listener.ids())
            if listener.events and listener.events[-1] == ENDED:
                seen[number].update(listener.ids())
                listener = Listener(people[number])
            time.sleep(0.02)
        seen[number].update(listener.ids())

    watchers = [Thread(target=watch, args=(number,)) for number in range(3)]
    for watcher in watchers:
        watcher.start()
    sent = 0
    for restart in range(RESTARTS):
        replaced = server.worker_pid()
        server.reload()
        last = time.monotonic() + 60
        while server.worker_pid() == replaced or sent < 8 * (restart + 1):
            assert time.monotonic() < last, "the worker was not replaced"
            ines.send_until_answered(f"Message {sent + 1}", scope="filtered", q="algebra")
            sent += 1
    deadline = time.monotonic() + 45
    while any(len(one) < sent for one in seen.values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    running = False
    for watcher in watchers:
        watcher.join()
    wanted = {str(number) for number in range(1, sent + 1)}
    assert [wanted - one for one in seen.values()] == [set()] * 3, "lost"
    assert [one - wanted for one in seen.values()] == [set()] * 3, "sent twice"
