"""How the code is put together: what may import what, how large things are, what they are called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from webapp.config import ROOT

WEBAPP = ROOT / "webapp"
SOURCES = sorted(WEBAPP.rglob("*.py"))
OWN = [
    path
    for folder in ("webapp", "tests", "static", "templates", "deploy")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".js", ".css", ".html"} and ROOT / "static" / "vendor" not in path.parents
]
LAYERS = (
    ("clock", "config", "exceptions", "logging", "metrics", "text"),
    ("db",),
    ("extensions",),
    ("models",),
    ("access",),
    ("web",),
    ("push",),
    ("logbook",),
    ("accounts",),
    ("help_requests",),
    ("monitor",),
    ("messaging",),
    ("actions",),
    ("exams",),
    ("planning",),
    ("health",),
    ("demo",),
    ("cli",),
    ("__init__",),
)
"""Packages and loose modules of `webapp/`, the lowest first. Each imports from lower lines only."""
NOT_ALWAYS_THERE = ("gevent", "webapp.demo")
"""What may be imported inside a function: a server may lack gevent, and only one command needs the simulation."""
MOST_LOOSE_MODULES = 9
LONGEST_FILE = 300
LONGEST_FUNCTION = 50
LONGEST_VIEW = 25
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
RIDDLES = {"asked", "given", "held", "kept", "known", "one", "said"}
KEBAB_CASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree_of(path: Path) -> ast.Module:
    """A module as Python reads it."""
    return ast.parse(path.read_text())


def part_of(path: Path) -> str:
    """The package or loose module of `webapp/` that a file belongs to."""
    return path.relative_to(WEBAPP).parts[0].removesuffix(".py")


def imported_parts(tree: ast.AST) -> Iterator[str]:
    """The packages and loose modules of `webapp/` that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "webapp":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("webapp."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("webapp."))


def functions(tree: ast.AST) -> Iterator[Function]:
    """The functions and methods of a module."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The lines and names of what a module names: variables, parameters, functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, Function | ast.ClassDef):
            yield node.lineno, node.name


def lines_of(node: Function) -> int:
    """How long a function is."""
    return (node.end_lineno or 0) - node.lineno + 1


def test_each_part_has_its_layer() -> None:
    """Few loose modules, and a place in the order for all that there is."""
    parts = {part_of(path) for path in SOURCES}
    loose = {path.stem for path in WEBAPP.glob("*.py")}
    assert len(loose) <= MOST_LOOSE_MODULES, loose
    assert parts == {part for layer in LAYERS for part in layer}


def test_nothing_is_imported_upwards() -> None:
    """Between packages there is no circle: each imports lower ones only."""
    height = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    upwards = set()
    for path in SOURCES:
        part = part_of(path)
        for imported in imported_parts(tree_of(path)):
            if imported != part and height[imported] >= height[part]:
                upwards.add(f"{path.relative_to(ROOT)} imports webapp.{imported}")
    assert upwards == set()


def test_imports_stand_at_the_top() -> None:
    """Inside a function only what is not always there."""
    hidden = [
        f"{path.relative_to(ROOT)}: {ast.unparse(node)}"
        for path in SOURCES
        for function in functions(tree_of(path))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and not (getattr(node, "module", None) or node.names[0].name).startswith(NOT_ALWAYS_THERE)
    ]
    assert hidden == []


def test_use_cases_know_no_flask() -> None:
    """A module that writes gets its session, actor and clock handed in: commands, views and tests call the same."""
    writing = [
        path
        for path in SOURCES
        if re.search(r"^from webapp\.db(\.\w+)? import [^)]*\bwriting\b", path.read_text(), re.MULTILINE)
    ]
    assert len(writing) > 5
    assert [path for path in writing if re.search(r"^(from|import) flask\b(?!_)", path.read_text(), re.MULTILINE)] == []


def test_files_are_short() -> None:
    """A file is read in one go."""
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in OWN}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


@pytest.mark.thorough
def test_functions_are_short() -> None:
    """And a function at one look; a route loads, authorises, calls and renders."""
    long = {}
    for path in OWN:
        if path.suffix != ".py":
            continue
        most = LONGEST_VIEW if path.stem.endswith("views") else LONGEST_FUNCTION
        for function in functions(tree_of(path)):
            if lines_of(function) > most:
                long[f"{path.relative_to(ROOT)}: {function.name}"] = lines_of(function)
    assert long == {}


def test_names_say_something() -> None:
    """Nothing is called utils."""
    assert [path for path in OWN if path.stem.lower() in EMPTY_NAMES] == []


def test_names_are_no_riddles() -> None:
    """A pronoun or a participle leaves open what it is that was kept, or asked."""
    riddles = [
        f"{path.relative_to(ROOT)}, line {line}: {name}"
        for path in SOURCES
        for line, name in names(tree_of(path))
        if name.strip("_") in RIDDLES
    ]
    assert riddles == []


@pytest.mark.parametrize("folder", ["js", "css"])
def test_scripts_and_styles_are_named_in_kebab_case(folder: str) -> None:
    """As addresses are."""
    stems = [path.stem for path in (ROOT / "static" / folder).iterdir()]
    assert [stem for stem in stems if not KEBAB_CASE.fullmatch(stem)] == []


def test_data_attributes_are_named_in_kebab_case() -> None:
    """In templates and where scripts look for them."""
    for path in OWN:
        if path.suffix in {".html", ".js"}:
            for name in re.findall(r"[\s\[]data-([\w-]+)(?=[\s=\]>])", path.read_text()):
                assert KEBAB_CASE.fullmatch(name), f"{path.relative_to(ROOT)}: data-{name}"


def test_templates_mirror_packages() -> None:
    """The template of a page stands in the folder of the package that renders it; what all share, at the top."""
    folders = {path.name for path in (ROOT / "templates").iterdir() if path.is_dir()}
    assert folders - {"errors"} <= {path.name for path in WEBAPP.iterdir() if path.is_dir()}


def test_tests_mirror_packages() -> None:
    """Each package has its folder of tests."""
    packages = {path.parent.name for path in WEBAPP.glob("*/__init__.py")} - {"cli", "models", "text", "web"}
    assert packages <= {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}


def test_every_module_says_what_it_is() -> None:
    """In the first line of its docstring; functions need one where their name does not say it all."""
    trees = {path: tree_of(path) for path in SOURCES}
    assert [path for path, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []
