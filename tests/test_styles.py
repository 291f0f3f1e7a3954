"""Stylesheets: six sizes of type, three weights, colours by name, and no class or selector without a use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import pytest

from webapp.config import ROOT


def text_of(paths: Iterable[Path]) -> str:
    """Without comments, because they name what was there once."""
    text = "\n".join(path.read_text() for path in paths)
    return re.sub(r"/\*.*?\*/|{#.*?#}|^\s*//[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)


STYLES = sorted((ROOT / "static" / "css").iterdir())
SCRIPTS = sorted((ROOT / "static" / "js").iterdir())
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPT_TEXT = text_of(SCRIPTS)
TEMPLATE_TEXT = text_of(TEMPLATES)
TEST_TEXT = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))  # "**/…/*" begins no comment there


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-zA-Z][\w-]*", text))


def selectors(path: Path) -> str:
    """What a stylesheet or a script looks for, without values of attributes and names that are made up."""
    pattern = r"([^{};]+){" if path.suffix == ".css" else r"(?:querySelector(?:All)?|closest|matches)\(([^)]*)\)"
    found = "\n".join(re.findall(pattern, text_of([path])))
    return re.sub(r'="[^"]*"|[\w-]*\${[^}]*}[\w-]*', "", found)


def classes(template: Path) -> set[str]:
    """The classes in a template's `class` attributes; `*` is for what is filled in."""
    found: set[str] = set()
    text = text_of([template])
    in_blocks = re.findall(r"{% block body_class %}([\w ]*)", text)
    for value in [*in_blocks, *re.findall(r'\bclass="((?:{{.*?}}|{%.*?%}|[^"])*)"', text, re.DOTALL)]:
        filled = re.sub(r"{{.*?}}|{%.*?%}", lambda tag: "*" if tag[0].startswith("{{") else " ", value)
        found |= set(filled.split())
    return found


def matches(name: str, pattern: str) -> bool:
    if "*" not in pattern:
        return name == pattern
    return re.fullmatch(pattern.replace("*", r"[\w-]+"), name) is not None


USED = {
    *words("\n".join(map(selectors, STYLES))),
    *words("\n".join(re.findall(r"""["'`][^"'`\n]*["'`]""", SCRIPT_TEXT))),
    *re.findall(r"""[."']([a-z][\w-]*)""", TEST_TEXT),
}
ADDED = "\n".join(re.findall(r"(?:classList\.\w+|className|(?:set|toggle)Attribute)\b[^;]*", SCRIPT_TEXT))
KEPT = {"data-" + re.sub(r"[A-Z]", lambda letter: "-" + letter[0].lower(), name)
        for name in re.findall(r"dataset\.(\w+)", SCRIPT_TEXT)}  # fmt: skip
THERE = {
    ".": {name for template in TEMPLATES for name in classes(template)} | {"htmx-request"},
    "#": set(re.findall(r'\bid="([\w-]+)"', TEMPLATE_TEXT)),
    "[": set(re.findall(r"""[\s"'}]([a-z][a-z-]*)(?=[\s=>{])""", TEMPLATE_TEXT)) | KEPT,
}
"""By the sign of a selector: what the pages have."""


def test_each_class_of_a_template_has_a_use() -> None:
    """In a stylesheet, in a script, or in a test that looks for it."""
    for template in TEMPLATES:
        unused = {name for name in classes(template) - USED if not any(matches(word, name) for word in USED)}
        assert unused == set(), template


def test_each_selector_finds_something() -> None:
    """Each class, id and attribute that is looked for stands in a template, or a script adds it."""
    for path, (sign, names) in product([*STYLES, *SCRIPTS], THERE.items()):
        wanted = set(re.findall(re.escape(sign) + r"([a-z][\w-]*)", selectors(path))) - names - words(ADDED)
        assert {name for name in wanted if not any(matches(name, pattern) for pattern in names)} == set(), (path, sign)


def test_each_icon_has_a_use() -> None:
    """By its name in a template, or in what a template is given."""
    text = TEMPLATE_TEXT + SCRIPT_TEXT + text_of((ROOT / "webapp").rglob("*.py"))
    symbols = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static" / "icons.svg").read_text()))
    assert {name for name in symbols if f'"{name}"' not in text} == set()


TOKENS = ROOT / "static" / "css" / "tokens.css"
SIZES = {"12", "13", "14", "16", "20", "24"}
NAMED_COLOURS = {"white", "black", "red", "green", "blue", "gray", "grey", "orange", "yellow", "silver", "teal", "navy"}


def declarations(path: Path) -> list[tuple[str, str]]:
    """Each property with its value."""
    return re.findall(r"(?<=[{;\s])([a-z-]+):\s*([^;{}]+)(?=[;}])", text_of([path]))


def test_tokens_have_six_sizes_of_type() -> None:
    """And print has the same six."""
    for part in TOKENS.read_text().partition("@media print")[::2]:
        assert set(re.findall(r"--t-(\d+):", part)) == SIZES


@pytest.mark.parametrize("path", [path for path in STYLES if path != TOKENS], ids=lambda path: path.name)
def test_type_and_colour_come_from_the_tokens(path: Path) -> None:
    """No other size, weight, family or colour stands in a sheet, and each variable that one uses there is."""
    text = text_of([path])
    for name, value in declarations(path):
        if name == "font-size":
            assert re.fullmatch(rf"var\(--t-({'|'.join(SIZES)})\)|inherit|100%", value), value
        elif name == "font-weight":
            assert value in {"400", "500", "600", "inherit"}, value
        elif name == "font":
            assert re.fullmatch(
                r"inherit|(400 |500 |600 )?var\(--t-\d\d\)( ?/ ?[\d.]+)? var\(--font(-code)?\)", value
            ), value
        elif name == "font-family":
            assert re.fullmatch(r"var\(--font(-code)?\)|inherit", value), value
        elif not name.startswith("grid"):
            assert not re.search(r"#[0-9a-f]{3,8}\b|\b(rgb|hsl|hwb|lab|lch|oklab|oklch|color)a?\(", value), value
            assert NAMED_COLOURS.isdisjoint(re.split(r"[\s,()]+", value)), value
    defined = set(re.findall(r"(--[\w-]+):", text + TOKENS.read_text()))
    assert set(re.findall(r"var\((--[\w-]+)", text)) <= defined
