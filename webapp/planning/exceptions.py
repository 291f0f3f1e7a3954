"""Why a roster is not imported."""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.exceptions import Refusal


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong in one place of a file. `column` is empty where the whole line is meant."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}"
        return f"{place}, {self.column}: {self.reason}" if self.column else f"{place}: {self.reason}"


class ImportRefused(Refusal):
    """Nothing is imported: passwords cannot be handed out, or somebody else has changed one meanwhile."""


class RosterRefused(ImportRefused):
    """Some lines cannot be imported. `problems` names all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))
