"""The page that the bench writes."""

from __future__ import annotations

from tests.bench.__main__ import PARTS
from tests.bench.report import HEADINGS
from tests.server import ROOT


def test_every_part_has_its_heading_and_its_line_in_the_readme() -> None:
    """Without one, a whole run would end after a quarter of an hour with an error."""
    assert list(HEADINGS) == list(PARTS)
    readme = (ROOT / "tests" / "bench" / "README.md").read_text()
    assert [part for part in PARTS if f"\n| `{part}` |" not in readme] == []
