"""What an import changes: the files compared with what is stored. Nothing is written here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.models import Candidacy, Contribution, Question, Role, Test, User
from webapp.planning.contributors import ContributorLine, find_test_key
from webapp.planning.exceptions import Problem
from webapp.planning.roster import CandidateLine, Person, Roster, TestKey, TestLine
from webapp.planning.sheets import quote

CHUNK = 5000
"""Values in one statement. SQLite allows 32,766, PostgreSQL 65,535."""
NOT_BEGUN: dict[str, Any] = {
    "entered_at": None, "back_at": None, "flagged": False, "attendance": None, "id_checked": False,
}  # fmt: skip
"""Columns to reset when another person takes over a candidacy that has not begun."""
Row = TypeVar("Row", User, Test, Question, Candidacy, Contribution)


@dataclass(frozen=True)
class Files:
    """The contents of both files, each checked in itself."""

    people: dict[str, Person]
    """By the username as it is compared."""
    roster: Roster
    contributors: list[ContributorLine]
    problems: list[Problem]

    def bad_lines(self) -> set[tuple[str, int]]:
        """File and number of the lines with a problem."""
        return {(problem.file, problem.line) for problem in self.problems}


@dataclass
class Changes(Generic[Row]):
    """Rows of one table, as they shall be."""

    new: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    unchanged: int = 0

    def update(self, row: Row, values: dict[str, Any]) -> set[str]:
        """Set columns of a stored row; returns the names of those that change."""
        different = {name for name, value in values.items() if getattr(row, name) != value}
        for name in different:
            setattr(row, name, values[name])
        if different:
            self.changed.append(row)
        else:
            self.unchanged += 1
        return different


@dataclass
class Stored:
    """The people and tests of the files as the database has them, by the keys that the files use."""

    users: dict[str, User]
    tests: dict[TestKey, Test]
    by_number: dict[tuple[int, str], Candidacy]
    """By test id and candidate ID: all candidacies of these tests."""
    by_user: dict[tuple[int, int], Candidacy]
    contributions: dict[tuple[int, int], Contribution]
    with_questions: set[int]
    """Ids of the tests that have a question."""
    names: dict[int, str]
    """User id → username as it is compared."""
    rooms: set[tuple[int, str]]
    """Test id and room of each candidacy, read before the plan changes them."""


@dataclass
class ImportPlan:
    """The rows that an import makes and changes. The session has the changed ones, and does not have the new ones."""

    users: dict[str, User]
    """All people of the files, new and stored, by the username as it is compared."""
    tests: dict[TestKey, Test]
    user_changes: Changes[User] = field(default_factory=Changes)
    renamed: list[User] = field(default_factory=list)
    signed_out: list[User] = field(default_factory=list)
    test_changes: Changes[Test] = field(default_factory=Changes)
    questions: list[Question] = field(default_factory=list)
    candidacies: Changes[Candidacy] = field(default_factory=Changes)
    renumbered: list[Candidacy] = field(default_factory=list)
    taken_over: list[Candidacy] = field(default_factory=list)
    contributions: Changes[Contribution] = field(default_factory=Changes)
    replanned: list[Test] = field(default_factory=list)
    """Tests whose planners change: the search finds candidates by the planners' names."""


def read_stored(session: Session, files: Files) -> Stored:
    """Read the people whose lines are good, and all about the tests that good lines name."""
    bad = files.bad_lines()
    names = [name for name, person in files.people.items() if person.line.place not in bad]
    titles = {line.title for line in files.contributors if line.line.place not in bad}
    titles |= {test.key[0] for test in files.roster.tests.values() if test.line.place not in bad}
    users = _read(session, User, User.sign_in_name, names)
    tests = _read(session, Test, Test.title, titles)
    ids = [test.id for test in tests]
    candidacies = _read(session, Candidacy, Candidacy.test_id, ids)
    return Stored(
        users={user.sign_in_name: user for user in users},
        tests={(test.title, test.start_date): test for test in tests},
        by_number={(row.test_id, row.number): row for row in candidacies},
        by_user={(row.test_id, row.user_id): row for row in candidacies},
        contributions={
            (row.test_id, row.user_id): row for row in _read(session, Contribution, Contribution.test_id, ids)
        },
        with_questions={row.test_id for row in _read(session, Question, Question.test_id, ids)},
        names={user.id: user.sign_in_name for user in users},
        rooms={(row.test_id, row.room) for row in candidacies},
    )


def _read(session: Session, model: type[Row], column: Any, values: Iterable[Any]) -> list[Row]:
    whole = list(values)
    parts = [whole[start : start + CHUNK] for start in range(0, len(whole), CHUNK)]
    return [row for part in parts for row in session.scalars(select(model).where(column.in_(part)))]


def make_plan(files: Files, stored: Stored, password_hashes: dict[str, str]) -> ImportPlan:
    """Compare the files with what is stored. What contradicts it goes to the files' problems.

    `password_hashes` holds the new ones, by username.
    """
    bad = files.bad_lines()
    plan = ImportPlan({}, {})
    for person in files.people.values():
        _plan_person(plan, stored, person, password_hashes.get(person.known_as))
    for test in files.roster.tests.values():
        _plan_test(plan, stored, test)
    sitting = {(line.test, line.known_as) for line in files.roster.candidates}
    for candidate in files.roster.candidates:
        if candidate.line.place not in bad:
            _plan_candidate(plan, stored, candidate, sitting)
    lines: dict[tuple[TestKey, str], int] = {}
    for contributor in files.contributors:
        if contributor.line.place not in bad:
            _plan_contributor(plan, stored, files.roster, contributor, lines)
    return plan


def _plan_person(plan: ImportPlan, stored: Stored, person: Person, password_hash: str | None) -> None:
    user = stored.users.get(person.known_as)
    if user is None:
        user = User(
            username=person.username,
            sign_in_name=person.known_as,
            name=person.name,
            email=person.email or "",
            password_hash=password_hash,
        )
        plan.user_changes.new.append(user)
    else:
        values: dict[str, Any] = {"name": person.name}
        if person.email is not None:
            values["email"] = person.email
        if password_hash is not None:
            values |= {"password_hash": password_hash, "epoch": user.epoch + 1}
        different = plan.user_changes.update(user, values)
        if "name" in different:
            plan.renamed.append(user)
        if "epoch" in different:
            plan.signed_out.append(user)
    plan.users[person.known_as] = user


def _plan_test(plan: ImportPlan, stored: Stored, line: TestLine) -> None:
    test = stored.tests.get(line.key)
    if test is None:
        title, day = line.key
        test = Test(title=title, start_date=day, starts_at=line.starts_at, ends_at=line.ends_at)
        plan.test_changes.new.append(test)
    else:
        plan.test_changes.update(test, {"starts_at": line.starts_at, "ends_at": line.ends_at})
    if test.id not in stored.with_questions:
        plan.questions.append(Question(test=test, position=1))
    plan.tests[line.key] = test


def _plan_candidate(plan: ImportPlan, stored: Stored, line: CandidateLine, sitting: set[tuple[TestKey, str]]) -> None:
    """A candidate ID belongs to one person. It goes to another only if its holder gets another one, or has not begun.

    `sitting` holds all tests and people of the roster's lines.
    """
    test, user = plan.tests[line.test], plan.users[line.known_as]
    holder, own = stored.by_number.get((test.id, line.number)), stored.by_user.get((test.id, user.id))
    values = {"number": line.number, **line.values}
    moves_on = holder is not None and (line.test, stored.names.get(holder.user_id, "")) in sitting
    if holder is not None and holder is not own:
        number = quote(line.number)
        if holder.started_at is not None:
            line.line.add_problem("candidate_id", f"{number} belongs to another person, who has started")
            return
        if own is not None and not moves_on:
            reason = f"{number} belongs to another person of this test, who is not in the file"
            line.line.add_problem("candidate_id", reason)
            return
    if own is not None:
        if "number" in plan.candidacies.update(own, values):
            plan.renumbered.append(own)
    elif holder is not None and not moves_on:
        for name, value in (values | NOT_BEGUN).items():
            setattr(holder, name, value)
        holder.user = user
        plan.candidacies.changed.append(holder)
        plan.taken_over.append(holder)
    else:
        plan.candidacies.new.append(Candidacy(user=user, test=test, **values))


def _plan_contributor(
    plan: ImportPlan,
    stored: Stored,
    roster: Roster,
    contributor: ContributorLine,
    lines: dict[tuple[TestKey, str], int],
) -> None:
    """`lines` holds the line of each test and person so far."""
    line = contributor.line
    key = find_test_key(contributor, roster, stored.tests)
    if key is None:
        return
    if (first := lines.setdefault((key, contributor.known_as), line.number)) != line.number:
        line.add_problem("username", f"{quote(contributor.known_as)} already works in this test in line {first}")
        return
    test, user = plan.tests.get(key) or stored.tests[key], plan.users[contributor.known_as]
    room = contributor.room
    if room is not None and room not in roster.rooms.get(key[0], ()) and (test.id, room) not in stored.rooms:
        line.add_problem("room", f"no candidate of this test sits in {quote(room)} (case matters)")
    row = stored.contributions.get((test.id, user.id))
    values = {"role": contributor.role, "room": room}
    if row is None:
        roles = {contributor.role}
        plan.contributions.new.append(Contribution(user=user, test=test, **values))
    else:
        roles = {row.role, contributor.role} if row.role != contributor.role else set()
        plan.contributions.update(row, values)
    if Role.PLANNER in roles:
        plan.replanned.append(test)
