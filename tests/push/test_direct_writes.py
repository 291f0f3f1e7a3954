"""An event that is written at once, past a writer that has nothing to do: the same events, once, in the same order."""

from __future__ import annotations

import errno
import socket
from threading import Thread

import pytest

from tests.databases import Database
from tests.hall import Hall
from tests.push.reading import read
from tests.server import PASSWORD, Person, Server
from tests.until import until
from webapp.accounts.passwords import hash_password
from webapp.push.events import BEAT
from webapp.push.stream import Stream, _write_chunk

LARGE = "🔔" * 4000
"""Sixteen thousand bytes: some dozens of them fill what a system keeps for a client that does not read."""


class Line:
    """A line to a client that has room for so many events at a time."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.written: list[bytes] = []

    def write(self, event: bytes) -> bool:
        if self.room:
            self.room -= 1
            self.written.append(event)
            return True
        return False


def test_each_event_once_whoever_writes_it() -> None:
    """While the writer is busy, and when the line has no room, events wait for the writer."""
    line = Line(room=2)
    stream = Stream(1, "s", line.write)
    written: list[bytes] = []
    stream.put(2, b"two")  # nobody waits yet: it is left to the writer
    writer = Thread(target=lambda: written.extend(stream.events([(1, b"one")])), daemon=True)
    writer.start()
    until(lambda: stream._idle, 5)
    for number in (1, 3, 3, 4, 5, 5, 6):
        stream.put(number, b"%d" % number)
    stream.end()
    writer.join(timeout=5)
    assert line.written == [b"3", b"4"]
    assert written == [BEAT + b"one", b"two", b"5", b"6"]


def test_what_had_to_wait_is_written_before_what_comes_after_it() -> None:
    """Though the line has room again, and its writer has not woken yet."""
    line = Line(room=0)
    stream = Stream(1, "s", line.write)
    stream._idle = True
    stream.put(1, b"one")
    line.room = 1
    stream.put(2, b"two")
    stream.end()
    assert read(stream) == [BEAT, b"one", b"two"]
    assert line.written == []


def test_nothing_follows_a_part_of_an_event() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.settimeout(5)
        assert not _write_chunk(ours, LARGE.encode() * 100)
        while theirs.recv(65_536):
            pass  # until its end, which a line that stays open never has
        assert not _write_chunk(ours, b"next")


class ResetSocket(socket.socket):
    """A connection that its client resets after a part of an event."""

    def shutdown(self, _how: int) -> None:
        raise OSError(errno.ENOTCONN, "not connected")


def test_r8_a_reset_connection_does_not_stop_the_round_of_the_others() -> None:
    ours, theirs = socket.socketpair()
    with theirs, ResetSocket(fileno=ours.detach()) as client:
        client.setblocking(False)
        assert not _write_chunk(client, LARGE.encode() * 100)


@pytest.mark.server
@pytest.mark.one_database
def test_who_does_not_read_gets_whole_events_or_none(hall: Hall, database: Database) -> None:
    """R9: the line is closed where an event does not fit; chunks before that are whole, and no message comes twice."""
    test, secret = hall.test("Algebra"), hash_password(PASSWORD)
    hall.contributor(test, user=hall.person("Ines", username="ines", password_hash=secret))
    for name in ("ada", "bob"):
        hall.candidacy(test, hall.person(name.title(), username=name, password_hash=secret))
    hall.session.rollback()
    with Server(database) as server:
        ada, ines = Person(server.url, "ada"), Person(server.url, "ines")
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", server.port))
            cookie = "; ".join(f"{name}={value}" for name, value in ada.http.cookies.items())
            line.sendall(f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
            assert line.recv(1) == b"H"
            fields = ines.compose("Ring", scope="filtered", q="algebra")
            for number in range(230):
                fields = {**fields, "body": LARGE, "idempotency_key": f"ring-{number}"}
                assert ines.post("/messages", **fields).status_code == 201
            got = everything(line)
        ids = ids_of_whole_chunks(got)
        assert 1 < len(ids) < 230
        assert ids == sorted(set(ids))
        assert Person(server.url, "bob").http.get("/inbox/new").text.count("<article") == 230


def everything(line: socket.socket) -> bytes:
    """What was sent until the end, or until nothing comes any more."""
    line.settimeout(3)
    got = b""
    try:
        while more := line.recv(65_536):
            got += more
    except (TimeoutError, ConnectionResetError):
        return got
    return got


def ids_of_whole_chunks(answer: bytes) -> list[int]:
    """The ids of the events in an answer of chunks, of which only the last may be cut."""
    _, _, rest = answer.partition(b"\r\n\r\n")
    ids = []
    while b"\r\n" in rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        chunk, end, rest = rest[:length], rest[length : length + 2], rest[length + 2 :]
        if len(chunk) < length:
            break
        assert end == b"\r\n"
        ids += [int(row[4:]) for row in chunk.decode().split("\n") if row.startswith("id: ")]
    return ids
