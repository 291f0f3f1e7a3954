"""Why a roster is not imported, and that there is no such test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from webapp.exceptions import Refusal
from webapp.models import Test


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

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


class CredentialsNeeded(Refusal):
    """People would get passwords, and there is no file to write them to."""

    def __init__(self, people: int) -> None:
        self.people = people
        remedy = "Name a file for those that are made, with --credentials OUT.csv"
        super().__init__(f"{people} people have no password yet. {remedy}")


class CredentialsNotWritten(Refusal):
    """The file for the passwords cannot be written."""

    def __init__(self, path: Path, reason: str | None) -> None:
        super().__init__(f"{path}: {reason or 'cannot be written'}")


class ChangedMeanwhile(Refusal):
    """Somebody else changed the same people between the check and the writing."""


class NoSuchTest(Refusal):
    """No test has this title and start date; `near` are tests that have one of the two."""

    def __init__(self, title: str, day: date, near: Sequence[Test]) -> None:
        named = "".join(f"\n  {test.title} --date {test.start_date}" for test in near)
        hint = f"Similar tests:{named}" if near else "No test has this title, and none starts on this day."
        super().__init__(f"There is no test “{title}” that starts on {day}. {hint}")
