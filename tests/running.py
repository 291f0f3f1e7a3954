"""How the suite runs: what tests are called, what is kept on one worker, and what `CI=true` makes a failure."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

LONGEST_ID = 60
OBJECTS_UNTIL_COLLECTION = 10_000
SKIPPED_IN_CI = "skipped, and with CI=true a skipped test is a failure: "


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself (a missing browser, say) fails in CI; an expected failure does not."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _fail_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that is skipped as a whole."""
    report = yield
    if report.skipped:
        _fail_in_ci(report)
    return report


def _fail_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        reason: Any = report.longrepr
        report.outcome = "failed"
        report.longrepr = SKIPPED_IN_CI + (str(reason[2]) if isinstance(reason, tuple) else str(reason))


def pytest_make_parametrize_id(val: object) -> str | None:
    """A text of thousands of letters is a poor name for a test: its beginning and its length are one."""
    if isinstance(val, str) and len(val) > LONGEST_ID:
        return f"{val[:12]}... {len(val)} characters"
    return None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """Keep the browser and server tests of a module on one worker: they share its server (`--dist loadgroup`).

    With `--database KIND`, leave out what is for the other kind only.
    """
    chosen = config.getoption("database", "both")
    if chosen != "both":
        others = [item for item in items if _kind_of(item) not in {"", chosen}]
        items[:] = [item for item in items if item not in set(others)]
        config.hook.pytest_deselected(items=others)
    for item in items:  # before pytest-xdist looks at the marks
        shares_a_server = item.get_closest_marker("browser") or item.get_closest_marker("server")
        if shares_a_server and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    yield
    # after pytest, which puts together what has the same parameters: a file's server or large hall is made once for
    # each database. What stays on one worker comes first, and of that what shares a browser, and the most tests
    files = {path: place for place, path in enumerate(dict.fromkeys(item.path for item in items))}
    sizes = Counter(_group_of(item) for item in items)

    def place(item: pytest.Item) -> tuple[bool, int, int, str]:
        group = _group_of(item)
        in_browser = item.get_closest_marker("browser") is not None
        return (not in_browser, -sizes[group] if group else 0, files[item.path], _kind_of(item))

    items.sort(key=place)


def _group_of(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""


def _kind_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("database_kind", "")) if callspec else ""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have Python look for garbage seldom: each test makes an application, and what was collected stays to the end.

    Groups that are asked for and not kept would cost a third of the run, and nobody would see why.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_UNTIL_COLLECTION)
    if getattr(session.config.option, "loadgroup", False):  # only in a worker
        grouped = [item.nodeid for item in session.items if item.get_closest_marker("xdist_group")]
        if not all("@" in nodeid.rpartition("]")[2] for nodeid in grouped):
            raise pytest.UsageError("pytest-xdist does not keep groups of tests together with this pytest")
