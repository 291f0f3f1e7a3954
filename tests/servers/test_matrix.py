"""Each server of docs/deployment.md, started by the command line that stands there: every candidate is reached."""

from __future__ import annotations

import time

import pytest

from tests.databases import Database
from tests.hall import Hall
from tests.server import ENDED, Listener, Person, Server
from tests.servers.documented import CommandLine, command_lines
from tests.servers.exam import hold_exam, idle_connections

CANDIDATES = 24
"""More than any of the command lines has threads."""
BROWSERS = 1100
"""More than a server has file descriptors by default, or than `select` can watch."""
AT_ONCE = 5.0
"""On a busy machine; what a server keeps back comes with the next beat, up to fifteen seconds later."""
GIVEN_BACK_WITHIN = 30.0
BEAT_WITHIN = 25.0
"""One is due after fifteen seconds; if it were lost, the next one would come after thirty."""
BEAT = ("beat", "", "")
THREADED = {"gunicorn gthread", "waitress", "granian", "cheroot", "flask run"}
GEVENT = {"gunicorn", "uwsgi"}


def each_server(by_day: set[str]) -> pytest.MarkDecorator:
    """Where it matters one with threads by day, as every other test has greenlets; all the others at night.

    A server's tests stay together, and the servers run beside each other.
    """

    def marks(line: CommandLine) -> list[pytest.MarkDecorator]:
        together = pytest.mark.xdist_group(f"server {line.name}")
        return [together] if line.name in by_day else [together, pytest.mark.nightly]

    return pytest.mark.parametrize(
        "line", [pytest.param(line, id=line.name, marks=marks(line)) for line in command_lines()]
    )


pytestmark = pytest.mark.server


def test_the_document_names_them_all() -> None:
    """Every server that is promised; where streams take threads there are more candidates than streams."""
    assert {one.name for one in command_lines()} == THREADED | GEVENT
    for one in command_lines():
        assert (one.streams < CANDIDATES) == (one.name in THREADED)


@each_server({"waitress"})
@pytest.mark.only_on("postgresql")
def test_every_candidate_is_reached_by_stream_or_by_polling(line: CommandLine, hall: Hall, database: Database) -> None:
    names = hold_exam(hall, CANDIDATES)
    with Server(database, environ=line.environ, command=line.at) as server:
        candidates, ines = [Person(server.url, name) for name in names], Person(server.url, "ines")
        streams, polling = [], []
        for person in candidates:
            listener = Listener(person)
            if listener.status == 200:
                streams.append(listener)
                listener.wait_for(lambda listener=listener: listener.events[:1] == [BEAT], AT_ONCE)  # type: ignore[misc]
            else:
                polling.append(person)
        assert len(streams) == min(line.streams, CANDIDATES)
        for person in polling:
            refused = person.http.get("/stream")
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) > 0

        begun = time.monotonic()
        assert [person.http.get("/").status_code for person in candidates] == [200] * CANDIDATES
        assert ines.http.get("/monitor").status_code == 200
        assert time.monotonic() - begun < AT_ONCE + CANDIDATES * 0.2, "streams hold pages up"

        assert ines.send("To all", scope="filtered", q="algebra").status_code == 201
        for listener in streams:
            listener.wait_for(lambda listener=listener: listener.ids() == ["1"], AT_ONCE)  # type: ignore[misc]
        for person in polling:
            assert 'id="message-1"' in person.http.get("/inbox/new").text

        streams[0].wait_for(lambda: any(one.events.count(BEAT) > 1 for one in streams), BEAT_WITHIN)


@each_server(set())
@pytest.mark.only_on("sqlite")
def test_a_stream_that_is_closed_is_given_back_and_the_server_ends_when_told(
    line: CommandLine, hall: Hall, database: Database
) -> None:
    """What is sent meanwhile, or a beat, finds that nobody is there. Idle connections of a whole hall hold nothing."""
    names = hold_exam(hall, 3)
    environ = {"EXAMHALL_STREAMS_PER_PROCESS": "2"}
    with Server(database, environ=environ, command=line.at) as server, idle_connections(server.port, BROWSERS):
        first, second, third = (Person(server.url, name) for name in names)
        leaving, staying = Listener(first), Listener(second)
        assert [leaving.status, staying.status, Listener(third).status] == [200, 200, 503]
        leaving.close()
        ines, deadline, sent = Person(server.url, "ines"), time.monotonic() + GIVEN_BACK_WITHIN, 0
        while (taken := Listener(third)).status == 503:
            assert time.monotonic() < deadline, "the stream of somebody who has left is still held"
            sent += 1
            assert ines.send(f"Message {sent}", scope="filtered", q="algebra").status_code == 201
            time.sleep(0.2)
        for listener in (taken, staying):
            listener.wait_for(lambda listener=listener: len(listener.ids()) == sent)  # type: ignore[misc]

        server.stop()
        for listener in (taken, staying):
            listener.wait_for(lambda listener=listener: listener.events[-1] == ENDED)  # type: ignore[misc]
