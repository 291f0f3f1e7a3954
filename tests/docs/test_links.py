"""Links lead somewhere, names in `code` exist, and no text tells of one machine."""

from __future__ import annotations

import ast
import re
import struct
from functools import cache
from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, anchors, name_of, prose
from tests.test_architecture import LAYERS
from webapp.config import ROOT

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"`((?:webapp|static|templates|migrations|tests|docs|deploy)/[\w./-]*)(?:: ([\w.]+))?`")
ONE_MACHINE = re.compile(r"/(?:work|root|home|tmp)/")
LARGEST_PICTURE = 250 * 1024


@cache
def defined_in(path: Path) -> set[str]:
    """What a module defines: `name`, and `Class.method`."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        found |= _names(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for one in node.body for name in _names(one)}
    return found


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    """To a file, and to a heading in it."""
    for link in LINK.findall(prose(document)):
        address, _, anchor = link.partition("#")
        target = (document.parent / address).resolve() if address else document
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_what_is_named_exists(document: Path) -> None:
    """`file.py: function` and `folder/`."""
    for path, name in NAMED.findall(document.read_text()):
        assert (ROOT / path).exists(), path
        assert not name or name in defined_in(ROOT / path), f"{path}: {name}"


def test_the_architecture_is_short_and_walks_through_the_code() -> None:
    """One page; each of its six walks has at most eight steps and names what is called."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert len(text.splitlines()) <= 150
    walks = [section for section in text.split("\n## ") if re.search(r"^1\. ", section, re.MULTILINE)]
    assert len(walks) == 6
    for walk in walks:
        assert 5 <= len(re.findall(r"^\d\. ", walk, re.MULTILINE)) <= 8, walk.splitlines()[0]
        assert len([name for _, name in NAMED.findall(walk) if name]) >= 4, walk.splitlines()[0]


def test_every_package_is_described() -> None:
    """On the architecture page, in the order in which they may import each other."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    described = re.findall(r"`webapp/(\w+)/`", text.split("\n## Packages\n", 1)[1].split("\n## ", 1)[0])
    layers = [part for layer in LAYERS for part in layer if (ROOT / "webapp" / part).is_dir()]
    assert described == layers


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_no_machine_is_named(document: Path) -> None:
    """Paths of one machine help nobody."""
    assert not ONE_MACHINE.search(document.read_text())


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "images").glob("*.png")), ids=name_of)
def test_pictures_are_shown_and_small(picture: Path) -> None:
    """PNG of a readable width, below 250 KB, in the README with words for who cannot see it."""
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert 1200 <= struct.unpack(">I", data[16:20])[0] <= 1600
    assert len(data) < LARGEST_PICTURE
    assert re.search(rf"!\[[^\]]{{20,}}\]\(docs/images/{picture.name}\)", (ROOT / "README.md").read_text())
