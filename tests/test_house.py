"""The house itself: what is vendored, migrations, the top level, commands, texts."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from tests.databases import KINDS, Database
from webapp.config import ROOT
from webapp.extensions import db

VENDOR = ROOT / "static" / "vendor"
TOP_LEVEL = {
    "webapp", "templates", "static", "migrations", "tests", "wsgi.py", "pyproject.toml", "README.md", "Makefile",
    "LICENSE", "gunicorn.conf.py", "deploy", "docs", "requirements", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
}  # fmt: skip
MADE_BY_TOOLS = {"instance", "build", "examhall.egg-info", "__pycache__"}


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


def test_fonts_are_kept_for_a_year_and_changed_at_once() -> None:
    """The sheet names each file by its checksum, as `asset()` does, so that the preloaded one is the one it uses."""
    sums = dict(line.split()[::-1] for line in (VENDOR / "inter" / "SHA256SUMS").read_text().splitlines())
    sheet = (ROOT / "static" / "css" / "tokens.css").read_text()
    named = dict(re.findall(r'url\("\.\./vendor/inter/([^"?]+)\?v=([^"]+)"\)', sheet))
    assert named == {name: checksum[:12] for name, checksum in sums.items()}
    assert sheet.count("url(") == len(named)


def test_icons_are_those_of_lucide(tmp_path: Path) -> None:
    """One file of symbols, made from the vendored files and from nothing else."""
    made = tmp_path / "icons.svg"
    subprocess.run([ROOT / ".ci" / "icons", made], check=True)
    assert made.read_text() == (ROOT / "static" / "icons.svg").read_text()
    symbols = set(re.findall(r'<symbol id="([^"]+)" viewBox="0 0 24 24"><', made.read_text()))
    assert symbols == {path.stem for path in (VENDOR / "lucide").glob("*.svg")}
    pages = "\n".join(path.read_text() for path in own_files("templates", ending=".html"))
    assert set(re.findall(r'\bicon\(\s*"([^"]+)"', pages)) <= symbols


def test_what_stands_on_a_database_is_tried_on_both(app: Flask, database: Database) -> None:
    """Each kind's name stands in the name of the test, and the application is on that one."""
    with app.app_context():
        assert db.engine.dialect.name == database.kind


def test_no_browser_test_waits_inside_the_page() -> None:
    """The page's own policy forbids what Playwright would evaluate there: it fails as soon as it has to wait."""
    waits = [
        path.name for path in (ROOT / "tests" / "browser").glob("*.py") if ".wait_for_function(" in path.read_text()
    ]
    assert not waits, "use tests/until.py"


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


def test_hooks_and_workflow_run_what_make_runs() -> None:
    """The oldest Python that the project allows, both databases, and targets that there are."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    commands = [hook["entry"] for hook in hooks]
    commands += [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    called = {re.sub("--[a-z-]+ ", "", command).split()[1] for command in commands if command.startswith("make ")}
    assert {"check", "soak", "bench-check"} <= called <= targets
    assert ".ci/run --database ${{ matrix.database }}" in commands
    matrix = jobs["change"]["strategy"]["matrix"]
    assert set(matrix["database"]) == set(KINDS)
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert matrix["python"][0] == oldest.removeprefix(">=")


@pytest.mark.parametrize("script", sorted((ROOT / ".ci").iterdir()), ids=lambda path: path.name)
def test_scripts_parse_and_can_be_run(script: Path) -> None:
    """Each is executable and stops at its first error."""
    text = script.read_text()
    assert script.stat().st_mode & 0o111
    assert re.search(r"^set -euo? ?(pipefail)?$", text, re.MULTILINE)
    subprocess.run([text.splitlines()[0].removeprefix("#!"), "-n", script], check=True)


def test_numbers_in_words_are_grouped_as_the_language_does_it() -> None:
    """The number that chooses between one and many is not what is printed: 1640 would stand beside 1,640."""
    for template in own_files("templates", ending=".html"):
        text = template.read_text()
        for words in re.findall(r"{% ?trans .*?{% ?endtrans", text, re.DOTALL):
            is_bare = re.search(r"\bcount=(?![^,%]*\| ?number)", words)
            assert not (is_bare and re.search(r"{{ ?count ?}}", words)), (template, words)
        assert "%(num)d" not in text, template
