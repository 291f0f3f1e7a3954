"""Cases that `make soak` tries beside those of each change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


def at_night(*values: Any) -> list[Any]:
    """Values of a parameter, or tuples of several, that are tried at night only."""
    return [pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=_NIGHTLY) for value in values]


clock_factors = pytest.mark.parametrize(
    "factor", [4, pytest.param(1, marks=pytest.mark.nightly)], ids=["quick clock", "true clock"]
)
"""How fast the server's clock runs (`tests/quick_clock.py`): waits of minutes take their true time at night only."""


def named(cases: Mapping[str, Any], by_day: set[str]) -> list[Any]:
    """All cases (values, or tuples of several) under their names; those not named for the day are for the night."""
    given = {name: value if isinstance(value, tuple) else (value,) for name, value in cases.items()}
    return [pytest.param(*value, id=name, marks=() if name in by_day else _NIGHTLY) for name, value in given.items()]


_NIGHTLY = pytest.mark.nightly
