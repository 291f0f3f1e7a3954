"""Why a roster is not imported, and that there is no such test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

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


class RosterRefused(Refusal):
    """Some lines cannot be imported. `problems` names all of them."""

    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


class CredentialsNeeded(Refusal):
    """People would get passwords, and there is no file to write them to."""

    status = 422

    def __init__(self, people: int) -> None:
        super().__init__(f"{people} people have no password yet, and no file for new passwords is named")
        self.people = people


class CredentialsNotWritten(Refusal):
    """The file for the passwords cannot be written."""

    status = 422

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class ChangedMeanwhile(Refusal):
    """Somebody else changed the same people between the check and the writing."""

    status = 409


class NoSuchTest(Refusal):
    """No test has this title and start date. `near` holds (title, date) of tests that have one of the two."""

    status = 404
    MOST_NAMED: ClassVar[int] = 10

    def __init__(self, title: str, day: date, near: Sequence[tuple[str, date]]) -> None:
        named = "".join(f"\n  {other} --date {start}" for other, start in near)
        hint = f" Similar tests:{named}" if near else " No test has this title, and none starts on this day."
        super().__init__(f"There is no test “{title}” that starts on {day}.{hint}")
        self.near = near
