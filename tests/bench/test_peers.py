"""The peers do what the bench measures: a message reaches the streams of those it was sent to, whole, and no other."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.bench.peers import Peer, ProgramMissing, program
from tests.bench.peers.flask_sse import FlaskSse
from tests.bench.peers.nchan import Nchan

pytestmark = pytest.mark.nightly
RECIPIENTS = [1, 2, 3, 4, 5]
PAYLOAD = ("Ten more minutes for you, “Räksmörgås” & <b>all</b> \\ of 中文 🎓: " * 12).encode()


@pytest.fixture(params=[FlaskSse, Nchan])
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    """Each peer, running; skips where its programs are not installed, which in CI is a failure."""
    kind: Callable[[], Peer] = request.param
    try:
        made = kind()
    except ProgramMissing as missing:
        pytest.skip(str(missing))
    with made:
        yield made


def test_a_message_comes_to_exactly_those_it_is_sent_to(peer: Peer) -> None:
    """Whoever was left out gets the next message first."""
    with ExitStack() as closing:
        streams = {one: closing.enter_context(_open(peer, one)) for one in RECIPIENTS}
        asyncio.run(peer.opened(len(RECIPIENTS)))
        assert asyncio.run(peer.send([1, 3, 5], PAYLOAD)) > 0
        asyncio.run(peer.send(RECIPIENTS, b"the next one"))
        told = {one: _events(stream, until=b"the next one") for one, stream in streams.items()}
    assert told == {one: [PAYLOAD] * (one in {1, 3, 5}) for one in RECIPIENTS}
    assert peer.version.startswith({"flask-sse": "Flask-SSE 1.", "Nchan": "Nchan 1."}[peer.name])


def test_a_stream_counts_when_it_is_open(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No measurement begins before all have subscribed; and at the end nobody listens any more."""
    monkeypatch.setattr("tests.bench.peers.OPEN_SECONDS", 0.3)
    with _open(peer, 1):
        asyncio.run(peer.opened(1))
        with pytest.raises(TimeoutError, match=f"{peer.name} holds 1 of 2 streams"):
            asyncio.run(peer.opened(2))
    peer.__exit__(None, None, None)
    deadline = time.monotonic() + 5  # a killed process lets go of its port in a moment
    while _accepts(peer.port):
        assert time.monotonic() < deadline


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("peer", [Nchan], indirect=True)
def test_more_channels_than_a_request_takes(peer: Peer) -> None:
    """The last of 600 gets it too."""
    with _open(peer, 600) as stream:
        asyncio.run(peer.opened(1))
        asyncio.run(peer.send(range(1, 601), PAYLOAD))
        asyncio.run(peer.send([600], b"the next one"))
        assert _events(stream, until=b"the next one") == [PAYLOAD]


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The bench says what to install."""
    with pytest.raises(ProgramMissing, match="no nothing-such found; on Debian or Ubuntu: apt-get install a-package"):
        program("nothing-such", "a-package")
    monkeypatch.setattr("tests.bench.peers.nchan.MODULE", tmp_path / "none.so")
    monkeypatch.setattr("tests.bench.peers.nchan.program", lambda name, _package: name)
    with pytest.raises(ProgramMissing, match="apt-get install libnginx-mod-nchan"):
        Nchan()


def _open(peer: Peer, recipient: int) -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", peer.port), timeout=10)
    stream.sendall(peer.request(recipient))
    return stream


def _events(stream: socket.socket, until: bytes) -> list[bytes]:
    """The data of the events that come before this one."""
    with HTTPResponse(stream) as answer:
        answer.begin()
        assert (answer.status, answer.headers.get_content_type()) == (200, "text/event-stream")
        found: list[bytes] = []
        while line := answer.readline():
            field, _, value = line.rstrip(b"\n").partition(b":")
            if field == b"data":
                found.append(value.removeprefix(b" "))
            if found and found[-1] == until:
                return found[:-1]
    raise AssertionError(f"the stream ended after {found}")
