"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_PAUSE = 0.05


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something holds; fails after so long."""
    deadline, pause = time.monotonic() + seconds, 0.005
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)  # asking a browser costs more than a wait
