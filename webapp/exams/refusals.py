"""What a candidate can be refused; `templates/exams/_refusal.html` words each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from webapp.exceptions import Refusal

if TYPE_CHECKING:
    from webapp.exams.answers import SavedAnswer
    from webapp.exams.sittings import Sitting


class ExamRefusal(Refusal):
    """Something that cannot be done in a test now. Nothing was written; the page keeps what was typed."""

    status = 409
    reason: str
    """One word, by which the page and the template tell the cases apart."""


class NotNow(ExamRefusal):
    """The test is not in a state that allows it: too early, paused, over, submitted, closed, withdrawn."""

    def __init__(self, sitting: Sitting) -> None:
        super().__init__(f"not possible while {sitting.state}")
        self.sitting = sitting
        self.reason = sitting.state.value


class ChangedElsewhere(ExamRefusal):
    """Another tab or computer has stored an answer since; this one was typed into an older text."""

    reason = "changed"

    def __init__(self, stored: SavedAnswer) -> None:
        super().__init__("the stored answer is a newer one")
        self.stored = stored


class UnfitText(ExamRefusal):
    """A text that cannot be stored: too long, or with a NUL character in it."""

    status = 422

    def __init__(self, reason: str, length: int) -> None:
        super().__init__(f"unfit text: {reason}")
        self.reason = reason
        self.length = length


class ExportNotWritten(Refusal):
    """The archive of a test could not be written; its text says why."""

    status = 422

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
