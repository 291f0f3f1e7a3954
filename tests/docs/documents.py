"""The README and docs/ as what a test can try: fenced blocks with their marks, tables, links, headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from webapp.config import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block; `mark` is the comment before it, or none.

    `run`, `run: exit 1`, `says`, `file: NAME`; `server: NAME` for a command line that tests/servers/ starts.
    """

    mark: str
    language: str
    text: str


def name_of(document: Path) -> str:
    """The name of a document as a test shows it."""
    return str(document.relative_to(ROOT))


def blocks(document: Path) -> list[Block]:
    """The fenced blocks in order."""
    found = FENCED.finditer(document.read_text())
    return [Block(match["mark"] or "", match["language"], match["text"]) for match in found]


def prose(document: Path) -> str:
    """The document without its fenced blocks."""
    return FENCED.sub("", document.read_text())


def table(document: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    below = document.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def anchors(document: Path) -> set[str]:
    """What a link into the document can name, by GitHub's rule."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
