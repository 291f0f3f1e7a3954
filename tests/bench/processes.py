"""What a server costs: processor time, memory and descriptors of its processes, from Linux's /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pids: Sequence[int]) -> float:
    """User and system time of these processes so far, and of their children that have ended."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(int(ticks) for one in fields for ticks in one[11:15]) / TICKS


def resident_bytes(pids: Sequence[int]) -> int:
    """Memory that these processes hold, what they share with their parent included."""
    total = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024
    return total


def descriptors(pids: Sequence[int]) -> int:
    """Open files, sockets among them."""
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def parent_of(pid: int) -> int:
    """The process that started this one."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("PPid"))


@dataclass
class Meter:
    """The share of a core that some processes take between `start` and `share`, with all that they have started."""

    pids: Sequence[int]
    _at: float = 0.0
    _used: float = 0.0

    def start(self) -> None:
        """Begin to count."""
        self._at, self._used = time.perf_counter(), self._seconds()

    def share(self) -> float:
        """Of one core, since `start`: 0.5 is half of one."""
        return (self._seconds() - self._used) / (time.perf_counter() - self._at)

    def _seconds(self) -> float:
        while True:
            try:
                return processor_seconds([one for pid in self.pids for one in family(pid)])
            except FileNotFoundError:
                continue  # one has ended since it was listed: its time is its parent's now
