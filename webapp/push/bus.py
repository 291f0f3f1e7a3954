"""The bus brings items to the hubs of all processes. Best effort: the sweep brings what it loses (R8)."""

import hashlib
import secrets
import time
from collections import deque
from threading import Event

import structlog
from itsdangerous import BadPayload, BadSignature, Serializer
from redis import Redis
from redis.backoff import EqualJitterBackoff, NoBackoff
from redis.client import PubSub
from redis.exceptions import RedisError
from redis.retry import Retry

from webapp import metrics
from webapp.push.events import Announcement, GroupEvent, Item, SignOut, UserEvent
from webapp.push.hub import Hub

STEP_SECONDS = 1.0
"""How long a step of either loop waits, so that a process that ends does not wait for Redis."""
SILENT_STEPS = 4
"""If Redis does not answer so many pings, one in each step, it counts as away though its connection is open."""
WAIT = EqualJitterBackoff(cap=5, base=0.1)
"""Seconds between two attempts to reach Redis, at random: processes do not come back all at once."""
QUEUE_LIMIT = 1000
"""Items that wait for a slow Redis; the oldest ones beyond that are left to the sweep."""
KINDS = {kind.__name__: kind for kind in (Announcement, UserEvent, GroupEvent, SignOut)}
log = structlog.get_logger(__name__)


class Bus:
    """The bus of an installation without Redis: only this process's hub."""

    is_ready = True
    """Whether the bus answers now (for `/readyz`)."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def publish(self, item: Item) -> None:
        """Dispatch the item in every process, after its commit. Never waits, and never raises if the bus is away."""
        self._hub.dispatch(item)


class RedisBus(Bus):
    """One PUBLISH per sending. `listen` and `publish_next` are the steps of two loops.

    Connects with the first step. Raises `ValueError` if `url` is not an address.
    """

    def __init__(self, hub: Hub, url: str, secret_key: str) -> None:
        super().__init__(hub)
        self.is_ready = False
        self._redis = Redis.from_url(
            url, socket_timeout=STEP_SECONDS, socket_connect_timeout=STEP_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        json, signer = {"default": bytes.decode}, {"digest_method": hashlib.sha256}
        self._serializer = Serializer(secret_key, "examhall bus", serializer_kwargs=json, signer_kwargs=signer)
        self._channel = "examhall:" + self._serializer.make_signer().get_signature("channel").decode()[:16]
        self._process = secrets.token_hex(8)
        self._queue: deque[Item] = deque(maxlen=QUEUE_LIMIT)
        self._queued = Event()
        self._subscription: PubSub | None = None
        self._silent_steps = 0
        self._failures = 0
        """Attempts to reach Redis since it answered last."""

    def publish(self, item: Item) -> None:
        """Dispatch the item in this process now, in the others as soon as Redis takes it."""
        super().publish(item)
        self._queue.append(item)
        self._queued.set()

    def publish_next(self) -> None:
        """A step of the publishing loop: send the items that wait."""
        self._queued.wait(STEP_SECONDS)
        self._queued.clear()
        try:
            while self._queue:
                item = self._queue.popleft()
                content = [self._process, type(item).__name__, vars(item)]
                self._redis.publish(self._channel, self._serializer.dumps(content))
        except (RedisError, OSError) as error:
            self._queue.clear()  # the sweep brings them long before Redis is back
            log.debug("not published", error=str(error))  # the listening loop logs that Redis is away, once

    def listen(self) -> None:
        """A step of the listening loop: connect if necessary, take a message, check that Redis is alive."""
        try:
            if self._subscription is None:
                self._subscription = self._redis.pubsub()  # type: ignore[no-untyped-call]
                self._subscription.subscribe(self._channel)
            message = self._subscription.get_message(timeout=STEP_SECONDS)
            if message is not None:
                if self._failures:
                    metrics.BUS_AWAY.set(0)
                    log.info("Redis answers again")
                self.is_ready, self._failures, self._silent_steps = True, 0, 0
                if message["type"] == "message":
                    self._take(message["data"])
            elif self._silent_steps >= SILENT_STEPS:
                raise TimeoutError(f"no answer for {SILENT_STEPS * STEP_SECONDS:.0f} s")
            else:
                self._silent_steps += 1
                self._subscription.ping()
        except (RedisError, OSError) as error:
            self._disconnect(error)

    def _disconnect(self, error: Exception) -> None:
        if self._subscription is not None:
            self._subscription.close()
        if not self._failures:
            metrics.BUS_AWAY.set(1)
            log.warning("Redis does not answer; messages reach other processes within 2 s", error=str(error))
        self._subscription, self.is_ready, self._silent_steps = None, False, 0
        self._failures = min(self._failures + 1, 10)
        time.sleep(WAIT.compute(self._failures))

    def _take(self, data: bytes) -> None:
        """Dispatch another process's item, unless this installation's key has not signed it."""
        try:
            process, kind, fields = self._serializer.loads(data)
            if "event" in fields:
                fields["event"] = fields["event"].encode()
            item = KINDS[kind](**fields)
        except BadSignature:
            log.warning("somebody else writes to this installation's channel in Redis; ignored")
        except (BadPayload, KeyError, TypeError, ValueError):
            log.warning("another version's item in Redis; left to the sweep")
        else:
            if process != self._process:
                self._hub.dispatch(item)
