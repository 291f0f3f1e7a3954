"""How many PostgreSQL expects to count: from its statistics, in a millisecond, without counting."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select

from webapp.db.engine import EXPLAINED

COUNTING = frozenset({"Aggregate", "Gather"})
"""The steps of a plan that stand above those whose rows are counted."""
LEADER_IS_BUSY = 0.3
"""By which each worker keeps the process that leads from its own share (PostgreSQL's `get_parallel_divisor`)."""


def expected_count(connection: Connection, counting: Select[int], parameters: dict[str, Any]) -> int | None:
    """What a query that counts is expected to find; None on SQLite, which does not say.

    Good enough to choose a way by, not to be told. The parameters count: PostgreSQL looks for a phrase in the examples
    of texts that it keeps.
    """
    if connection.dialect.name != "postgresql":
        return None
    told: Any = connection.execute(counting.execution_options(**{EXPLAINED: True}), parameters).scalar_one()
    step, workers = told[0]["Plan"], 0
    while step["Node Type"] in COUNTING:
        workers = step.get("Workers Planned", workers)
        step = step["Plans"][0]
    rows: int = step["Plan Rows"]
    return round(rows * _shares(workers)) if workers else rows


def _shares(workers: int) -> float:
    """Among how many the rows are divided: a plan tells those of one."""
    return workers + max(0.0, 1 - LEADER_IS_BUSY * workers)
