"""The bus over Redis: one listener and one publisher per process, one PUBLISH per sending (R8).

Best effort: this process's hub gets the item first, nothing waits for Redis, and the sweep brings what it loses.
"""

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
"""If Redis does not answer a ping for so long, it counts as away though its connection is open."""
LONGEST_WAIT = 5.0
"""Seconds between two attempts to reach Redis, at most; the first comes after a tenth of a second."""
QUEUE_LIMIT = 1000
"""Items that wait for a slow Redis; the oldest ones beyond that are left to the sweep."""
KINDS: dict[str, type[Item]] = {"message": Announcement, "user-event": UserEvent, "sign-out": SignOut}
log = structlog.get_logger(__name__)


class RedisBus:
    """A bus over one channel. `listen` and `publish_next` are the steps of two background loops."""

    def __init__(self, hub: Hub, url: str, secret_key: str) -> None:
        """Connects to nothing yet. Raises `ValueError` if `url` is not an address."""
        self._hub = hub
        self._key = hmac.digest(secret_key.encode(), b"examhall bus", hashlib.sha256)
        self._channel = "examhall:" + hmac.new(self._key, b"channel", hashlib.sha256).hexdigest()[:16]
        self._process = secrets.token_hex(8)
        self._queue: deque[Item] = deque(maxlen=QUEUE_LIMIT)
        self._queued = Semaphore(0)
        self._publisher = _client(url)
        self._subscriber = _client(url)
        self._subscription: PubSub | None = None
        self._answered_at = self._pinged_at = 0.0
        self._failures = 0
        self._is_away = False

    def publish(self, item: Item) -> None:
        """Dispatch the item in this process now, and in the others as soon as Redis takes it; never waits."""
        dispatch(self._hub, item)
        self._queue.append(item)
        self._queued.release()

    def is_ready(self) -> bool:
        """Whether Redis has answered lately."""
        return self._subscription is not None and not self._is_away

    def publish_next(self) -> None:
        """A step of the publishing loop: send the items that wait, each with one PUBLISH."""
        if not self._queued.acquire(timeout=STEP_SECONDS):
            return
        try:
            while self._queue:
                self._publisher.publish(self._channel, self._encode(self._queue.popleft()))
        except (RedisError, OSError) as error:
            self._queue.clear()  # the sweep brings them long before Redis is back
            log.debug("not published", error=str(error))  # the listening loop logs that Redis is away, once

    def listen(self) -> None:
        """A step of the listening loop: connect if necessary, take a message, check that Redis is alive."""
        try:
            if self._subscription is None:
                self._subscription = self._subscriber.pubsub()  # type: ignore[no-untyped-call]
                self._subscription.subscribe(self._channel)
                self._answered_at = time.monotonic()
            begun = time.monotonic()  # before reading: a process that stood still has answers waiting to be read
            self._take(self._subscription.get_message(timeout=STEP_SECONDS))
            self._ping(self._subscription, begun)
        except (RedisError, OSError) as error:
            self._disconnect(error)

    def close(self) -> None:
        """Close the connections."""
        if self._subscription is not None:
            self._subscription.close()
        self._subscriber.close()
        self._publisher.close()

    def _take(self, message: dict[str, Any] | None) -> None:
        if message is None:
            return
        self._answered_at = time.monotonic()
        self._failures = 0
        if self._is_away:
            self._is_away = False
            metrics.BUS_AWAY.set(0)
            log.info("Redis answers again")
        if message["type"] == "message":
            item = self._decode(message["data"])
            if item is not None:
                dispatch(self._hub, item)

    def _ping(self, subscription: PubSub, now: float) -> None:
        if now - self._answered_at > SILENCE_SECONDS:
            raise TimeoutError(f"no answer for {SILENCE_SECONDS:.0f} s")
        if now - self._pinged_at > SILENCE_SECONDS / 4:
            self._pinged_at = now
            subscription.ping()

    def _disconnect(self, error: Exception) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        if not self._is_away:
            self._is_away = True
            metrics.BUS_AWAY.set(1)
            log.warning("Redis does not answer; messages reach other processes within 2 s", error=str(error))
        self._failures += 1
        longest = min(LONGEST_WAIT, 0.1 * 2 ** min(self._failures, 10))
        time.sleep(random.uniform(longest / 2, longest))  # noqa: S311 processes do not come back all at once

    def _encode(self, item: Item) -> bytes:
        kind = next(kind for kind, item_type in KINDS.items() if isinstance(item, item_type))
        fields = {name: text.decode() if isinstance(text, bytes) else text for name, text in vars(item).items()}
        body = json.dumps([self._process, kind, fields], separators=(",", ":")).encode()
        return self._signature(body) + body

    def _decode(self, data: bytes) -> Item | None:
        """An item of another process; None for our own, and for what this installation's key has not signed."""
        signature, body = data[:64], data[64:]
        if not hmac.compare_digest(signature, self._signature(body)):
            log.warning("somebody else writes to this installation's channel in Redis; ignored")
            return None
        try:
            process, kind, fields = json.loads(body)
            if "event" in fields:
                fields["event"] = fields["event"].encode()
            return None if process == self._process else KINDS[kind](**fields)
        except (KeyError, TypeError, ValueError):
            log.warning("another version's item in Redis; left to the sweep")
            return None

    def _signature(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).hexdigest().encode()


def _client(url: str) -> Redis:
    """A client that gives up within a second and does not try again by itself."""
    return Redis.from_url(
        url,
        socket_timeout=STEP_SECONDS,
        socket_connect_timeout=STEP_SECONDS,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=False,
    )
