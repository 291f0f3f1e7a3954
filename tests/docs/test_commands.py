"""What the documents tell somebody to type does what they say: run in order, in a copy, on a database of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from tests.docs.documents import DOCUMENTS, Block, blocks, name_of, prose
from tests.nightly import named
from webapp.config import ROOT

SETTINGS = {"EXAMHALL_SECRET_KEY": "a key for tests only, 0123456789"}
MARKS = re.compile(r"|run|says|run: exit \d+|file: [a-z]+\.csv|server: [a-z ]+")
RUNNABLE = [document for document in DOCUMENTS if any(block.mark.startswith("run") for block in blocks(document))]
BY_DAY = {"README.md"}
"""Tried for each change; what developers type (`docs/development.md`), at night."""


def installed_copy(folder: Path) -> Path:
    """The application as somebody has it who has just installed it: nothing under `instance/`."""
    copy = folder / "examhall"
    copy.mkdir()
    for part in ("webapp", "migrations", "templates"):
        shutil.copytree(ROOT / part, copy / part)  # with what Python has compiled: that takes longer than a command
    for file in ("wsgi.py", "pyproject.toml"):
        shutil.copy(ROOT / file, copy)
    (copy / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return copy


class Terminal:
    """A shell in that folder; what one block exports, the next has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""
        self._exported = folder / ".exported"
        self._exported.touch()

    def run(self, block: Block) -> None:
        """Run a block and see that it ends as its mark says."""
        expected = int(block.mark.partition("exit ")[2] or 0)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("EXAMHALL_")} | SETTINGS
        script = f"source .exported\nset -eo pipefail\n{block.text}export -p >.exported\n"
        ended = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=environ, text=True, timeout=120, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert ended.returncode == expected, f"{block.text}\n{ended.stdout}"
        self.said = ended.stdout


@pytest.mark.server
@pytest.mark.parametrize("document", named({name_of(one): one for one in RUNNABLE}, BY_DAY))
def test_commands_do_what_is_said(document: Path, tmp_path: Path) -> None:
    """Blocks marked `run`, in order; what they say is compared word by word."""
    terminal = Terminal(installed_copy(tmp_path))
    for block in blocks(document):
        if block.mark.startswith("run"):
            terminal.run(block)
        elif block.mark == "says":
            assert terminal.said == block.text
        elif block.mark.startswith("file"):
            (terminal.folder / block.mark.removeprefix("file: ")).write_text(block.text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_marks_are_known(document: Path) -> None:
    """A mark with a slip of the pen would leave its block untried."""
    for block in blocks(document):
        assert MARKS.fullmatch(block.mark), block.mark


def test_something_is_run() -> None:
    """The README and the operations page have commands to try."""
    assert {"README.md", "operations.md"} <= {document.name for document in RUNNABLE}


def test_commands_that_are_not_run_exist(app: Flask) -> None:
    """`make` targets and `flask` commands that are only shown."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown_targets, shown_commands = set(), set()
    for document in DOCUMENTS:
        code = "\n".join([*re.findall(r"`([^`\n]+)`", prose(document)), *(block.text for block in blocks(document))])
        shown_targets |= set(re.findall(r"^make ([a-z-]+)", code, re.MULTILINE))
        shown_commands |= set(re.findall(r"flask --app wsgi ([a-z-]+)", code))
    assert {"demo", "test"} <= shown_targets <= targets
    assert {"db", "import-roster"} <= shown_commands <= {*app.cli.commands, "run"}
