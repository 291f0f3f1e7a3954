"""The house itself: what is vendored, migrations and models, names and sizes, commands."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from tests.databases import Database
from webapp.config import ROOT
from webapp.extensions import db

VENDOR = ROOT / "static" / "vendor"
LONGEST_FILE = 320
LONGEST_VIEW = 25
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
TOP_LEVEL = {
    "webapp", "templates", "static", "migrations", "tests", "wsgi.py", "pyproject.toml", "README.md", "Makefile",
    "LICENSE", "gunicorn.conf.py", "deploy", "docs", "requirements", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
}  # fmt: skip
MADE_BY_TOOLS = {"instance", "build", "examhall.egg-info", "__pycache__"}
SOURCES = sorted((ROOT / "webapp").rglob("*.py"))


def own_files(*folders: str, ending: str) -> list[Path]:
    """Files that were written here, not vendored."""
    found = [path for folder in folders for path in (ROOT / folder).rglob(f"*{ending}")]
    return sorted(path for path in found if VENDOR not in path.parents)


@pytest.mark.parametrize(
    "folder", sorted(path for path in VENDOR.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_vendored_files_are_unmodified(folder: Path) -> None:
    """Each has its checksum, none is there without one, and licence and version stand beside them."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    sums = {name.lstrip("*"): checksum for checksum, name in (line.split(maxsplit=1) for line in lines)}
    files = {path.name for path in folder.iterdir()} - {"SHA256SUMS", "README"}
    assert set(sums) | {"LICENSE"} == files | {"LICENSE"}
    for name, checksum in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum, name
    assert (folder / "LICENSE").read_text().strip()
    assert re.search(r"\d+\.\d+\.\d+", (folder / "README").read_text())


def test_what_stands_on_a_database_is_tried_on_both(app: Flask, database: Database) -> None:
    """Each kind's name stands in the name of the test, and the application is on that one."""
    with app.app_context():
        assert db.engine.dialect.name == database.kind


def test_migrations_run_both_ways(app: Flask) -> None:
    """Down to nothing and up again; each is dated and there is one line of them."""
    with app.app_context():
        before = set(inspect(db.engine).get_table_names())
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        upgrade()
        assert set(inspect(db.engine).get_table_names()) == before
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    assert len(scripts.get_heads()) == 1
    for path in (ROOT / "migrations" / "versions").glob("*.py"):
        assert re.match(r"20\d{6}_\w+\.py$", path.name), path.name


def test_top_level_is_fixed() -> None:
    """What the application is made of; beside it only what tools insist on."""
    here = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - MADE_BY_TOOLS
    assert here <= TOP_LEVEL


def test_files_are_short() -> None:
    """A file is about 300 lines at most."""
    files = own_files("webapp", "tests", ending=".py") + own_files("static", ending=".js")
    files += own_files("static", ending=".css") + own_files("templates", ending=".html")
    long = {
        str(path.relative_to(ROOT)): size
        for path in files
        if (size := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_names_say_something() -> None:
    """The field's terms; nothing is called utils."""
    files = own_files("webapp", "tests", "static", "templates", ending="")
    empty = [path for path in files if path.stem.lower() in EMPTY_NAMES]
    assert empty == []


def test_views_are_short() -> None:
    """A route loads, authorises, calls, renders: 25 lines."""
    long = {}
    for path in SOURCES:
        if not path.stem.endswith("views"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                if size > LONGEST_VIEW:
                    long[f"{path.relative_to(ROOT)}:{node.name}"] = size
    assert long == {}


def test_every_module_and_public_function_says_what_it_is() -> None:
    """A docstring on each module, public class and public function."""
    bare = []
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        nodes: list[ast.AST] = [tree] if path.read_text().strip() else []
        nodes += [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        bare += [
            f"{path.relative_to(ROOT)}:{getattr(node, 'name', '')}"
            for node in nodes
            if not getattr(node, "name", "").startswith("_") and not ast.get_docstring(node)  # type: ignore[arg-type]
        ]
    assert bare == []


def test_use_cases_know_no_flask() -> None:
    """A module that writes gets its session, actor and clock handed in: commands, views and tests call the same."""
    writing = [
        path
        for path in SOURCES
        if re.search(r"^from webapp\.db\.transactions import .*\bwriting\b", path.read_text(), re.MULTILINE)
    ]
    assert writing
    offenders = [path for path in writing if re.search(r"^(from|import) flask\b(?!_)", path.read_text(), re.MULTILINE)]
    assert offenders == []


def test_make_lists_its_targets() -> None:
    """`make` alone: a line each."""
    shown = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = [line.split()[0] for line in shown.stdout.splitlines()]
    assert {"demo", "dev", "test", "test-fast", "check", "fmt", "bench", "migrate", "lock"} <= set(targets)
    assert all(len(line.split()) > 2 for line in shown.stdout.splitlines())


def test_make_does_nothing_twice() -> None:
    """What is installed is not installed again: each stamp depends on its lock file and the script alone."""
    rules = (ROOT / "Makefile").read_text()
    for stamp, lock in (("ENVIRONMENT", "runtime"), ("TOOLS", "dev"), ("BENCH", "bench")):
        assert f"\n$({stamp}): requirements/{lock}.txt .ci/environment\n" in rules


@pytest.mark.parametrize("script", sorted((ROOT / ".ci").iterdir()), ids=lambda path: path.name)
def test_scripts_parse_and_can_be_run(script: Path) -> None:
    """Each is executable and stops at its first error."""
    text = script.read_text()
    assert script.stat().st_mode & 0o111
    assert re.search(r"^set -euo? ?(pipefail)?$", text, re.MULTILINE)
    subprocess.run([text.splitlines()[0].removeprefix("#!"), "-n", script], check=True)


@pytest.mark.parametrize(
    "template", own_files("templates", ending=".html"), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_numbers_in_words_are_grouped_as_the_language_does_it(template: Path) -> None:
    """The number that chooses between one and many is not what is printed: 1640 would stand beside 1,640."""
    text = template.read_text()
    for words in re.findall(r"{% ?trans .*?{% ?endtrans", text, re.DOTALL):
        is_bare = re.search(r"\bcount=(?![^,%]*\| ?number)", words)
        assert not (is_bare and re.search(r"{{ ?count ?}}", words)), words
    assert "%(num)d" not in text
