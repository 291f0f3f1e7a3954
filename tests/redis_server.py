"""A real Redis for tests: on a free port, in a folder of its own; it can be killed, stopped and started again."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.server import free_port


class RedisServer:
    """A Redis of the test's own on a free port; it can be killed, stopped and started again."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("no redis-server found; on Debian or Ubuntu: apt install redis-server")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        with Redis(port=self.port) as asking:
            while True:
                with suppress(RedisError):
                    asking.ping()
                    return
                assert time.monotonic() < deadline, "Redis does not start"
                time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """SIGKILL, SIGSTOP, SIGCONT."""
        assert self._process
        self._process.send_signal(number)
        if number is signal.SIGKILL:
            self._process.wait()

    def figures(self, section: str) -> dict[str, object]:
        """What Redis counts."""
        with Redis(port=self.port) as asking:
            return asking.info(section)  # type: ignore[return-value]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis of the test's own."""
    with redis_in(tmp_path) as running:
        yield running


@contextmanager
def redis_in(folder: Path) -> Iterator[RedisServer]:
    """Run a Redis with this folder."""
    running = RedisServer(folder)
    running.start()
    try:
        yield running
    finally:
        running.signal(signal.SIGKILL)
