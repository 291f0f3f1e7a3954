"""The bus over Redis: one listener and one publisher per process, one PUBLISH per sending (R8).

Best effort. The hub of this process is served before anything is published, and nothing waits for Redis: what it
loses, or is too slow for, the outbox sweep of each process brings.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import secrets
import time
from collections import deque
from threading import Semaphore
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import RedisError
from redis.retry import Retry

from webapp import metrics
from webapp.push.bus import Announcement, Item, SignOut, UserEvent, dispatch
from webapp.push.hub import Hub

STEP_SECONDS = 1.0
"""How long a step of either loop waits, so that a process that ends does not wait for Redis."""
SILENCE_SECONDS = 4.0
"""Without an answer to a ping for so long, Redis is taken for dead though its line is open."""
LONGEST_WAIT = 5.0
"""Between two tries to reach Redis, in seconds; the first comes after a tenth of one."""
WAITING = 1000
"""Items that wait for a slow Redis; beyond that the oldest are left to the sweep."""

log = structlog.get_logger(__name__)


class RedisBus:
    """A bus over one channel. `listen` and `publish_next` are the steps of two loops of the process."""

    def __init__(self, hub: Hub, url: str, secret_key: str) -> None:
        """Connects to nothing yet. Raises `ValueError` for an address that is none."""
        self._hub = hub
        self._key = hmac.digest(secret_key.encode(), b"examhall bus", hashlib.sha256)
        self._channel = "examhall:" + hmac.new(self._key, b"channel", hashlib.sha256).hexdigest()[:16]
        self._process = secrets.token_hex(8)
        self._waiting: deque[Item] = deque(maxlen=WAITING)
        self._arrived = Semaphore(0)
        self._publisher = _client(url)
        self._subscriber = _client(url)
        self._listening: PubSub | None = None
        self._heard = self._asked = 0.0
        self._failures = 0
        self._is_away = False

    def publish(self, item: Item) -> None:
        """Give the item to this process's hub now, and to the others as soon as Redis takes it; never waits."""
        dispatch(self._hub, item)
        self._waiting.append(item)
        self._arrived.release()

    def is_ready(self) -> bool:
        """Whether Redis answered lately."""
        return self._listening is not None and not self._is_away

    def publish_next(self) -> None:
        """A step of the publishing loop: the items that wait, each with one PUBLISH."""
        if not self._arrived.acquire(timeout=STEP_SECONDS):
            return
        try:
            while self._waiting:
                self._publisher.publish(self._channel, self._packed(self._waiting.popleft()))
        except (RedisError, OSError) as error:
            self._waiting.clear()  # old news by the time it answers again; the sweep has brought them
            log.debug("not published", error=str(error))  # the listener says that Redis is away, once

    def listen(self) -> None:
        """A step of the listening loop: connect if need be, take what came, and see that Redis is alive."""
        try:
            if self._listening is None:
                self._listening = self._subscriber.pubsub()  # type: ignore[no-untyped-call]
                self._listening.subscribe(self._channel)
                self._heard = time.monotonic()
            self._take(self._listening.get_message(timeout=STEP_SECONDS))
            self._ask(self._listening)
        except (RedisError, OSError) as error:
            self._lost(error)

    def close(self) -> None:
        """Give the connections back."""
        if self._listening is not None:
            self._listening.close()
        self._subscriber.close()
        self._publisher.close()

    def _take(self, message: dict[str, Any] | None) -> None:
        if message is None:
            return
        self._heard = time.monotonic()
        self._failures = 0
        if self._is_away:
            self._is_away = False
            metrics.BUS_AWAY.set(0)
            log.info("Redis answers again")
        if message["type"] == "message":
            item = self._unpacked(message["data"])
            if item is not None:
                dispatch(self._hub, item)

    def _ask(self, listening: PubSub) -> None:
        now = time.monotonic()
        if now - self._heard > SILENCE_SECONDS:
            raise TimeoutError(f"no answer for {SILENCE_SECONDS:.0f} s")
        if now - self._asked > SILENCE_SECONDS / 4:
            self._asked = now
            listening.ping()

    def _lost(self, error: Exception) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        if not self._is_away:
            self._is_away = True
            metrics.BUS_AWAY.set(1)
            log.warning("Redis does not answer; messages reach other processes within 2 s", error=str(error))
        self._failures += 1
        longest = min(LONGEST_WAIT, 0.1 * 2 ** min(self._failures, 10))
        # each process at its own moment: Redis has just come back when all of them return
        time.sleep(random.uniform(longest / 2, longest))  # noqa: S311

    def _packed(self, item: Item) -> bytes:
        match item:
            case Announcement():
                what: list[Any] = ["message", item.message_id, item.event.decode(), item.user_ids]
            case UserEvent():
                what = ["word", item.user_id, item.event.decode()]
            case SignOut():
                what = ["sign-out", item.user_id, item.session_id]
        body = json.dumps([self._process, *what], separators=(",", ":")).encode()
        return self._signature(body) + body

    def _unpacked(self, data: bytes) -> Item | None:
        """An item of another process; None for our own, and for what is not signed with this installation's key."""
        signature, body = data[:64], data[64:]
        if not hmac.compare_digest(signature, self._signature(body)):
            log.warning("somebody else writes to this installation's channel in Redis; ignored")
            return None
        match json.loads(body):
            case [self._process, *_]:
                return None
            case [_, "message", int(number), str(event), list(user_ids)]:
                return Announcement(number, event.encode(), user_ids)
            case [_, "word", int(user_id), str(event)]:
                return UserEvent(user_id, event.encode())
            case [_, "sign-out", int(user_id), str(session_id)]:
                return SignOut(user_id, session_id)
        log.warning("another version's item in Redis; left to the sweep")
        return None

    def _signature(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).hexdigest().encode()


def _client(url: str) -> Redis:
    """A client for one connection that gives up within a second, and leaves trying again to its caller."""
    return Redis.from_url(
        url,
        socket_timeout=STEP_SECONDS,
        socket_connect_timeout=STEP_SECONDS,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=False,
    )
