"""What a run of the bench found: figures with their targets."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One measured value. `limit` is the most (or with `at_least` the least) that the project wants."""

    part: str
    name: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    target: str = ""
    """The target in words where there is one."""

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass
class Run:
    """All figures of a run, in order."""

    figures: list[Figure] = field(default_factory=list)
    yardsticks: list[float] = field(default_factory=list)
    """Seconds that the same loop took before each part."""

    def measure_machine(self) -> None:
        """How fast this machine is now: shares of a core, and milliseconds, mean nothing without it."""
        begun, total = time.perf_counter(), 0
        for number in range(10_000_000):
            total += number
        self.yardsticks.append(time.perf_counter() - begun)

    def add(
        self,
        part: str,
        name: str,
        value: float,
        unit: str,
        limit: float | None = None,
        *,
        at_least: bool = False,
        target: str = "",
    ) -> float:
        """Note a figure, print it, and give its value back."""
        figure = Figure(part, name, value, unit, limit, at_least, target)
        self.figures.append(figure)
        verdict = {None: "", True: "  reached", False: "  MISSED"}[figure.reached]
        print(f"{part:12} {name:74} {shown(value):>9} {unit:8}{target:>14}{verdict}", flush=True)
        return value

    def value(self, part: str, name: str) -> float:
        """A figure that was noted before."""
        return next(one.value for one in self.figures if (one.part, one.name) == (part, name))


def shown(value: float) -> str:
    """Three digits are as much as a noisy machine knows."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def p99(values: Sequence[float]) -> float:
    """The value that 99 of 100 do not exceed."""
    return percentile(values, 0.99)


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)
