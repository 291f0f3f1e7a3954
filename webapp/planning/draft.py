"""What an import would change: the files against what is stored. Nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.planning.contributors import ContributorLine, test_of
from webapp.planning.people import Person
from webapp.planning.refusals import Problem
from webapp.planning.roster import CandidateLine, Roster, TestKey, TestLine
from webapp.planning.sheets import Line, shown
from webapp.planning.stored import Stored

NOT_BEGUN: dict[str, Any] = {
    "entered_at": None, "back_at": None, "flagged": False, "attendance": None, "id_checked": False,
}  # fmt: skip
"""What a candidacy forgets when another person takes it over before it has begun."""


@dataclass(frozen=True)
class Files:
    """What the two files say, each checked in itself."""

    people: dict[str, Person]
    roster: Roster
    contributors: Sequence[ContributorLine]
    problems: list[Problem]


@dataclass
class Changes:
    """New and changed rows of one kind; what is unchanged is only counted."""

    new: list[Any] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    """Each with its `id` and the columns to set."""
    unchanged: int = 0

    def compare(self, row: Any, wanted: dict[str, Any]) -> dict[str, Any]:
        """Note how a stored row differs from what is wanted; returns the columns that do."""
        different = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if different:
            self.changed.append({"id": row.id, **different})
        else:
            self.unchanged += 1
        return different


@dataclass
class Draft:
    """Everything that an import would write, but passwords."""

    tests: Changes = field(default_factory=Changes)
    without_questions: set[TestKey] = field(default_factory=set)
    candidacies: Changes = field(default_factory=Changes)
    """New ones as `CandidateLine`; a changed one may name its new person by `known_as`."""
    contributions: Changes = field(default_factory=Changes)
    """New ones as (test, line)."""
    replanned: set[TestKey] = field(default_factory=set)
    """Tests whose planners change: their candidates are found by the planners' names."""


def compare(files: Files, stored: Stored) -> Draft:
    """Compare the files with what is stored; what contradicts it goes to the files' problems."""
    bad = {(problem.file, problem.line) for problem in files.problems}
    draft = Draft()
    for test in files.roster.tests.values():
        _compare_test(draft, stored, test)
    sitting = {(line.test, line.known_as) for line in files.roster.candidates}
    for candidate in files.roster.candidates:
        if _place(candidate.line) not in bad:
            _compare_candidate(draft, stored, candidate, sitting)
    working: dict[tuple[TestKey, str], int] = {}
    for contributor in files.contributors:
        if _place(contributor.line) not in bad:
            _compare_contributor(draft, stored, files.roster, contributor, working)
    return draft


def _place(line: Line) -> tuple[str, int]:
    return line.file, line.number


def _compare_test(draft: Draft, stored: Stored, test: TestLine) -> None:
    row = stored.tests.get(test.key)
    if row is None:
        draft.tests.new.append(test)
    else:
        draft.tests.compare(row, {"starts_at": test.starts_at, "ends_at": test.ends_at})
    if row is None or row.id not in stored.with_questions:
        draft.without_questions.add(test.key)


def _compare_candidate(
    draft: Draft, stored: Stored, candidate: CandidateLine, sitting: set[tuple[TestKey, str]]
) -> None:
    test, person = stored.tests.get(candidate.test), stored.people.get(candidate.known_as)
    holder = stored.by_number.get((test.id, candidate.number)) if test else None
    own = stored.by_person.get((test.id, person.id)) if test and person else None
    wanted = {"number": candidate.number, **candidate.values}
    if holder is None or (own is not None and holder.id == own.id):
        if own is None:
            draft.candidacies.new.append(candidate)
        else:
            draft.candidacies.compare(own, wanted)
        return
    moves_on = (candidate.test, stored.names.get(holder.user_id, "")) in sitting
    if holder.started_at is not None:
        candidate.line.wrong("candidate_id", f"{shown(candidate.number)} belongs to another person, who has started")
    elif own is not None and moves_on:
        draft.candidacies.compare(own, wanted)
    elif own is not None:
        candidate.line.wrong(
            "candidate_id",
            f"{shown(candidate.number)} belongs to another person of this test, who is not in the file",
        )
    elif moves_on:
        draft.candidacies.new.append(candidate)
    else:
        taken_over = {**wanted, **NOT_BEGUN, "known_as": candidate.known_as}
        draft.candidacies.changed.append({"id": holder.id, **taken_over})


def _compare_contributor(
    draft: Draft,
    stored: Stored,
    roster: Roster,
    contributor: ContributorLine,
    working: dict[tuple[TestKey, str], int],
) -> None:
    line = contributor.line
    key = test_of(contributor, roster, stored.by_title)
    if key is None:
        return
    if (first := working.setdefault((key, contributor.known_as), line.number)) != line.number:
        line.wrong("username", f"{shown(contributor.known_as)} works in this test in line {first} already")
        return
    test, person = stored.tests.get(key), stored.people.get(contributor.known_as)
    rooms = roster.rooms.get(key[0], set()) | (stored.rooms.get(test.id, set()) if test else set())
    if contributor.room is not None and contributor.room not in rooms:
        line.wrong("room", f"no candidate of this test sits in {shown(contributor.room)} (case matters)")
    row = stored.contributions.get((test.id, person.id)) if test and person else None
    if row is None:
        draft.contributions.new.append((key, contributor))
        became = contributor.role
    else:
        different = draft.contributions.compare(row, {"role": contributor.role, "room": contributor.room})
        became = "planner" if "role" in different and "planner" in {row.role, contributor.role} else ""
    if became == "planner":
        draft.replanned.add(key)
