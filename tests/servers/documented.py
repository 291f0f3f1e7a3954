"""The command lines that docs/deployment.md gives for servers, as tests start them: what is written there is tried."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.documents import blocks
from webapp.config import ROOT
from webapp.push.hub import STREAMS_UNDER_GEVENT

DOCUMENT = ROOT / "docs" / "deployment.md"
MARK = "server: "
PORT = "8000"


@dataclass(frozen=True)
class CommandLine:
    """A server's command line: its name in the document, the settings before the program, the program and the rest."""

    name: str
    environ: dict[str, str]
    words: tuple[str, ...]

    def at(self, port: int) -> Sequence[str]:
        """The command line for this port and this environment of Python, and not another word changed."""
        program = self.words[0].replace(".venv/bin", str(Path(sys.prefix) / "bin"))
        return [program, *(word.replace(PORT, str(port)) for word in self.words[1:])]

    @property
    def streams(self) -> int:
        """How many streams its process may hold; where the setting is left alone, as many as under gevent."""
        return int(self.environ.get("EXAMHALL_STREAMS_PER_PROCESS", STREAMS_UNDER_GEVENT))


def command_lines() -> list[CommandLine]:
    """Each block that is marked `server: NAME`, in order."""
    found = []
    for block in blocks(DOCUMENT):
        if block.mark.startswith(MARK):
            words = shlex.split(block.text.replace("\\\n", " "))
            settings = [word for word in words if word.startswith("EXAMHALL_")]
            environ = dict(setting.split("=", 1) for setting in settings)
            found.append(CommandLine(block.mark.removeprefix(MARK), environ, tuple(words[len(settings) :])))
    return found
