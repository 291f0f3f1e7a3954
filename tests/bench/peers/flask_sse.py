"""Plain flask-sse as its documentation shows it: gunicorn with one gevent worker, and a Redis."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import httpx
from redis import Redis

from tests.bench.peers import Peer, ask, post, program, subscription
from tests.redis_server import RedisServer
from tests.server import ROOT

BEYOND_THE_DOCUMENTATION = ["--worker-connections", "4096", "--no-control-socket"]
"""A worker of gunicorn's takes 1,000 connections if nothing is said, and the control socket is one per user.

Redis needs nothing: it allows 10,000 clients, and lowers that by itself only where it may not open as many files.
"""


class FlaskSse(Peer):
    """flask-sse. A stream holds a connection to Redis, and each publish opens one and closes it again."""

    name = "flask-sse"

    def __init__(self) -> None:
        super().__init__()
        program("redis-server", "redis-server")

    def start(self, folder: Path) -> None:
        """Redis first, then gunicorn, in a folder without anybody's gunicorn.conf.py."""
        redis = RedisServer(folder)
        redis.start()
        self.ending(lambda: redis.signal(signal.SIGKILL))
        self._redis = Redis(port=redis.port, decode_responses=True)
        self.ending(self._redis.close)
        self.version = (
            f"Flask-SSE {version('flask-sse')} on gunicorn {version('gunicorn')} with gevent {version('gevent')}, "
            f"Redis {redis.figures('server')['redis_version']}"
        )
        command = [sys.executable, "-m", "gunicorn", "tests.bench.peers.flask_sse_app:app", "--worker-class", "gevent"]
        place = ["--bind", f"127.0.0.1:{self.port}", "--pythonpath", str(ROOT), *BEYOND_THE_DOCUMENTATION]
        self.run([*command, *place], folder, self._answers, REDIS_URL=redis.url)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/ready").status_code == 200
        except httpx.TransportError:
            return False

    def request(self, recipient: int) -> bytes:
        """The stream of a channel that is named by the recipient's number."""
        return subscription(f"/stream?channel={recipient}")

    def streams(self) -> int:
        """Subscriptions in Redis: flask-sse answers nothing, not even headers, before a stream's first event."""
        held = self._redis.pubsub_numsub(*self._redis.pubsub_channels())
        return sum(count for _, count in held)

    async def publish(self, recipients: Sequence[int], payload: bytes) -> None:
        """One request; the route publishes to one channel after the other."""
        message = {"channels": [str(one) for one in recipients], "data": payload.decode()}
        await ask(self.port, [post("/send", "application/json", json.dumps(message).encode())])
