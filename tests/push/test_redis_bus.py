"""The bus over a real Redis: two processes, and a Redis that dies, stands still, or comes back (R8)."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from redis import Redis

from tests.databases import Database, application_on
from tests.hall import Hall
from tests.push.reading import read
from tests.redis_server import RedisServer
from tests.server import PASSWORD, Listener, Person, Server
from tests.until import until
from webapp.accounts.passwords import hash_password
from webapp.push.bus import STEP_SECONDS, RedisBus
from webapp.push.events import Announcement, GroupEvent, UserEvent
from webapp.push.hub import Hub

CANDIDATES = ("ada", "bob", "eve")
SECRET = "one installation's secret key"


@pytest.fixture
def here_and_there(hall: Hall, database: Database, redis: RedisServer) -> Iterator[tuple[Server, Server]]:
    """Two servers over one database and one Redis; `ines` may send to three candidates."""
    test, secret = hall.test("Algebra"), hash_password(PASSWORD)
    hall.contributor(test, user=hall.person("Ines", username="ines", password_hash=secret))
    for name in CANDIDATES:
        hall.candidacy(test, hall.person(name.title(), username=name, password_hash=secret))
    hall.session.rollback()
    with ExitStack() as stack:
        environ = {"EXAMHALL_REDIS_URL": redis.url}
        yield tuple(stack.enter_context(Server(database, environ=environ)) for _ in range(2))  # type: ignore[misc]


@pytest.mark.server
@pytest.mark.one_database("postgresql")
def test_r8_across_processes_with_redis_without_it_and_with_it_again(
    here_and_there: tuple[Server, Server], redis: RedisServer
) -> None:
    here, there = here_and_there
    ines = Person(here.url, "ines")
    listeners = [Listener(Person(there.url, name)) for name in CANDIDATES]
    until(lambda: "ready" in ines.http.get("/readyz").text)
    until(lambda: listeners[0].events and subscribers(redis) == 2)
    sent = 0

    def send_and_see(within: float) -> float:
        """How many seconds the sending took."""
        nonlocal sent
        begun = time.monotonic()
        assert ines.send(f"Message {sent + 1}", scope="filtered", q="algebra").status_code == 201
        taken = time.monotonic() - begun
        sent += 1
        for one in listeners:
            one.wait_for(lambda one=one: str(sent) in one.ids(), within)  # type: ignore[misc]
        return taken

    before = published(redis)
    for _ in range(5):
        send_and_see(within=3)
    until(lambda: published(redis) - before >= 5)  # the sweep may have been faster than a busy process's publisher
    # per process a listener and a publisher; only one of the processes has published. And this question's own
    until(lambda: int(redis.figures("clients")["connected_clients"]) <= 2 * 2 + 1)  # type: ignore[call-overload]
    assert published(redis) - before == 5, "one PUBLISH per sending, whatever the number of recipients"
    redis.signal(signal.SIGKILL)
    send_and_see(within=3)
    until(lambda: "message bus" in ines.http.get("/readyz").text)
    send_and_see(within=3)
    redis.start()
    until(lambda: ines.http.get("/readyz").text == "ready\n", 15)
    send_and_see(within=3)
    redis.signal(signal.SIGSTOP)
    try:
        taken = [send_and_see(within=3) for _ in range(3)]
        assert min(taken) < STEP_SECONDS, "each sending waited for Redis"
        until(lambda: "message bus" in ines.http.get("/readyz").text)
        send_and_see(within=3)
    finally:
        redis.signal(signal.SIGCONT)
    until(lambda: ines.http.get("/readyz").text == "ready\n", 15)
    send_and_see(within=3)
    assert [one.ids() for one in listeners] == [[str(number) for number in range(1, sent + 1)]] * 3
    said = here.log.read_text()
    assert said.count("Redis does not answer") == said.count("Redis answers again") == 2


def channel(redis: RedisServer) -> str:
    """The one channel that somebody listens to."""
    with Redis(port=redis.port) as asking:
        channels = asking.pubsub_channels()
        assert len(channels) <= 1  # type: ignore[arg-type]
        return channels[0].decode() if channels else "none yet"  # type: ignore[index,union-attr]


def subscribers(redis: RedisServer) -> int:
    """How many processes listen to it."""
    with Redis(port=redis.port) as asking:
        return int(asking.pubsub_numsub(channel(redis))[0][1])  # type: ignore[index]


def published(redis: RedisServer) -> int:
    """How often somebody published."""
    return int(redis.figures("commandstats").get("cmdstat_publish", {}).get("calls", 0))  # type: ignore[attr-defined]


def listening(hub: Hub, redis: RedisServer, secret: str) -> RedisBus:
    """A bus that has subscribed."""
    bus = RedisBus(hub, redis.url, secret)
    until(lambda: bus.listen() or bus.is_ready)
    return bus


def test_another_installation_and_a_stranger_are_not_heard(redis: RedisServer) -> None:
    hub = Hub(10)
    stream = hub.open(1, "s")
    bus, brother = listening(hub, redis, SECRET), RedisBus(Hub(10), redis.url, SECRET)
    other = RedisBus(Hub(10), redis.url, "another installation's key")
    with Redis(port=redis.port) as stranger:
        for data in (b"", b"x" * 64, b'["p","UserEvent",{"user_id":1,"event":"forged"}].' + b"0" * 43, b"\xff" * 100):
            stranger.publish(channel(redis), data)
        stranger.publish(channel(redis), brother._serializer.dumps(["p", "A kind of another version", {}]))
    other.publish(Announcement(2, b"not for here", [1]))
    other.publish_next()
    for _ in range(5):
        bus.listen()
    assert not stream.waiting
    brother.publish(Announcement(3, b"three", [1]))
    brother.publish_next()
    until(lambda: bus.listen() or stream.waiting)
    stream.end()
    assert read(stream)[1:] == [b"three"]


def test_an_items_own_process_gets_it_at_once_and_only_once(redis: RedisServer) -> None:
    hub = Hub(10)
    stream = hub.open(1, "s")
    bus, brother = listening(hub, redis, SECRET), RedisBus(Hub(10), redis.url, SECRET)
    bus.publish(UserEvent(1, b"own"))
    assert len(stream.waiting) == 1
    for publisher in (bus, brother):
        publisher.publish_next()
    brother.publish(UserEvent(1, b"brother's"))
    brother.publish_next()
    until(lambda: bus.listen() or len(stream.waiting) > 1)
    brother.publish(GroupEvent((2, 1), b"for many"))
    brother.publish_next()
    until(lambda: bus.listen() or len(stream.waiting) > 2)
    stream.end()
    assert read(stream)[1:] == [b"own", b"brother's", b"for many"]


def test_r8_what_could_not_be_published_is_left_to_the_sweep(redis: RedisServer) -> None:
    """Redis is not flooded with old items when it is back."""
    bus = RedisBus(Hub(10), redis.url, SECRET)
    redis.signal(signal.SIGKILL)
    for number in range(3):
        bus.publish(UserEvent(number, b"old"))
    bus.publish_next()
    redis.start()
    bus.publish_next()
    assert published(redis) == 0


@pytest.mark.one_database
def test_a_process_is_ready_before_its_first_page(database: Database, redis: RedisServer) -> None:
    """It asks the bus because somebody asks for its state: an alarm at night would otherwise not end."""
    with application_on(database, redis_url=redis.url) as app:
        until(lambda: app.test_client().get("/readyz").text == "ready\n", 15)
