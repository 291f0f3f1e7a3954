"""How many streams the limit of open files leaves room for: each holds one, and so does each connection beside it."""

from __future__ import annotations

import resource

RESERVE = 96
"""Files for the database, Redis, templates, and requests that are answered with 503."""


def limit() -> int | None:
    """How many files this process may have open; None: as many as it likes."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def most_streams(files: int) -> int:
    """So many that each of their pages can have its second connection, for pings and saving."""
    return max(0, (files - RESERVE) // 2)
