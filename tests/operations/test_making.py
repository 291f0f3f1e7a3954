"""What `make` says where it cannot go on, and how the suite treats a skipped test in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import ROOT

SKIPPING = """
import pytest
def test_skipped(): pytest.skip("no browser here")
@pytest.mark.xfail
def test_expected_failure(): assert False
"""


def make_environment(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Have `.venv` built in an empty folder with a Python of this source."""
    interpreter = folder / "python-under-test"
    interpreter.write_text(python)
    interpreter.chmod(0o755)
    return subprocess.run(
        [ROOT / ".ci" / "environment", "stamp", "lock.txt"],
        cwd=folder,
        env={**os.environ, "PYTHON": str(interpreter)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_old_python(tmp_path: Path) -> None:
    """One line with what was found and what is needed; no `.venv` is begun."""
    ended = make_environment(tmp_path, '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "Python 3.11 or newer is needed; Python 3.9.2" in ended.stderr
    assert not (tmp_path / ".venv").exists()


def test_python_without_venv(tmp_path: Path) -> None:
    """One line that names the package."""
    ended = make_environment(tmp_path, '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n')
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "apt-get install python3-venv" in ended.stderr


def test_migrate_wants_words() -> None:
    """A migration has a name that says what changes."""
    ended = subprocess.run([ROOT / ".ci" / "new-migration", ""], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert 'make migrate M="what changes"' in ended.stderr


@pytest.mark.parametrize("apt", [True, False])
def test_packages_that_cannot_be_installed(tmp_path: Path, apt: bool) -> None:
    """Not root, or no apt: one line with what is missing and what follows, one that says what to do, and no failure."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    for name in ("id", "there", *["apt-get"] * apt):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o755)
    ended = subprocess.run(
        ["/bin/bash", ROOT / ".ci" / "packages", "These tests are skipped", "there", "not-there", "fonts-not-there"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = ended.stdout.splitlines()
    assert (ended.returncode, ended.stderr, len(said)) == (0, "", 2)
    # whether a font is there only dpkg knows, which is not in this PATH
    assert said[0] == "These tests are skipped: not-there."
    assert ("sudo apt-get install --no-install-recommends not-there" in said[1]) == apt


def test_demo_without_a_place_to_write(tmp_path: Path) -> None:
    """`instance` cannot be made: one line that names it, and nothing is started."""
    (tmp_path / "instance").write_text("a file where the folder would be")
    ended = subprocess.run(
        [ROOT / ".ci" / "demo", "8000", "0", "0"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"{tmp_path}/instance cannot be written" in ended.stderr


@pytest.mark.thorough
@pytest.mark.parametrize(("ci", "summary"), [("true", "1 failed, 1 xfailed"), ("", "1 skipped, 1 xfailed")])
def test_a_skipped_test_fails_in_ci(tmp_path: Path, ci: str, summary: str) -> None:
    """With CI=true only: elsewhere a machine without a browser still gets a green run."""
    (tmp_path / "test_it.py").write_text(SKIPPING)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.running", "-p", "no:cacheprovider", tmp_path],
        cwd=ROOT, env={**os.environ, "CI": ci}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert summary in ended.stdout
