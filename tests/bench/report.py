"""The figures of a run as `docs/benchmarks.md`, with a plot."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from tests.bench.figures import Figure, Run, shown
from tests.bench.large_hall import MEMORY
from tests.server import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "images" / "benchmarks.svg"
PACKAGES = ("gunicorn", "gevent", "flask", "flask-sse", "sqlalchemy", "psycopg", "redis")
HEADINGS = {
    "fan-out": "One sending to everybody",
    "many": "With 9,000 other streams",
    "idle": "Nothing sent",
    "rounds": "Twenty rounds of connect, send, drop",
    "storm": "Everybody returns after a restart",
    "watching": "Sixty invigilators watch a hall that writes",
    "sign-ins": "A hall signs in during an exam",
    "monitor": "The monitor over half a million candidacies",
    "import": "A roster is imported",
    "schedules": "Messages wait for 1,500 own ends",
}


def write(run: Run, load: Sequence[float]) -> None:
    """Write page and plot."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%d %B %Y}; how it measures stands in",
        "[its README](../tests/bench/README.md). One run on one machine, with the clients on the same cores: compare",
        "ratios, not milliseconds.",
        "",
        *_machine(load, run.yardsticks),
        "",
        "![From the commit, or from the sending, until 1,500 open streams have the message](images/benchmarks.svg)",
        "",
    ]
    for part, figures in groupby(run.figures, key=lambda one: one.part):
        lines += [f"## {HEADINGS[part]}", "", "| figure | value | target | |", "|---|---:|---:|---|"]
        lines += [_row(one) for one in figures]
        lines.append("")
    PAGE.write_text("\n".join(lines))
    if any(one.part == "fan-out" for one in run.figures):
        _plot(run, PLOT)


def _row(figure: Figure) -> str:
    verdict = {None: "", True: "reached", False: "**missed**"}[figure.reached]
    return f"| {figure.name.strip()} | {shown(figure.value)} {figure.unit} | {figure.target} | {verdict} |"


def _machine(load: Sequence[float], yardsticks: Sequence[float]) -> list[str]:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    programs = ", ".join(
        subprocess.run(command, capture_output=True, text=True, check=True, shell=True).stdout.strip()
        for command in (
            "redis-server --version | cut -d' ' -f3 | sed 's/v=/Redis /'",
            f"ls /usr/lib/postgresql | tail -1 | sed 's/.*/PostgreSQL & ({MEMORY})/'",
            "PATH=$PATH:/usr/sbin nginx -v 2>&1 | sed 's/.*nginx./nginx /'",
        )
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release().partition('-')[0]}; "
        f"Python {sys.version.split()[0]}, {packages}; {programs}. "
        f"Load of the machine at the end of the run: {load[0]:.1f}. A loop of ten million additions in Python, before "
        f"each part: {min(yardsticks):.2f} to {max(yardsticks):.2f} s.",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def _plot(run: Run, path: Path) -> None:
    from matplotlib import pyplot  # noqa: PLC0415 heavy, and for this alone

    bars = [
        (one.name.removesuffix(", p99").replace(": ", ":\n"), one.value)
        for one in run.figures
        if one.part == "fan-out" and one.unit == "ms" and one.name.endswith(", p99")
    ]
    bars.sort(key=lambda bar: -bar[1])
    pyplot.rcParams["svg.hashsalt"] = "examhall"
    figure, axes = pyplot.subplots(figsize=(9, 0.62 * len(bars) + 1.2))
    colors = ["#1f5fa8" if name.startswith(("PostgreSQL", "SQLite")) else "#9aa5b1" for name, _ in bars]
    drawn = axes.barh([name for name, _ in bars], [value for _, value in bars], color=colors)
    axes.bar_label(drawn, labels=[f"{value:,.0f} ms" for _, value in bars], padding=4)
    axes.set_xscale("log")
    axes.set_xlim(right=max(value for _, value in bars) * 3)
    axes.set_xlabel("milliseconds until 99 of 100 recipients have it (logarithmic)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
