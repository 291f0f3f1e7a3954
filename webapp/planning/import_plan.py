"""What an import changes: the files compared with what is stored. Nothing is written here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.db.sql import id_in
from webapp.models import Candidacy, Contribution, Role, Test, User
from webapp.planning.files import Files, TestKey
from webapp.planning.sheets import ImportRefused, Line, Problem, quote
from webapp.text.characters import is_storable

CHUNK = 5000
"""Values in one statement. SQLite allows 32,766, PostgreSQL 65,535."""
NOT_BEGUN: dict[str, Any] = {
    "entered_at": None, "back_at": None, "flagged": False, "attendance": None, "id_checked": False, "note": "",
}  # fmt: skip
"""Columns to reset when another person takes over a candidacy that has not begun."""
SAME_NAME = ("room", "building", "seat", "question_set", "extra_minutes")
"""Columns of the roster that a candidacy has under the same name."""
Row = TypeVar("Row", User, Test, Candidacy, Contribution)


class RosterRefused(ImportRefused):
    """Some lines cannot be imported. `problems` names all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


class Password(NamedTuple):
    """A person's password as this import leaves it."""

    before: str | None
    """The stored hash that this rests on."""
    hash: str | None
    """The hash to store; None to leave the stored one."""
    made: str | None
    """The password, if it was made here."""


@dataclass
class Changes(Generic[Row]):
    """The rows of one table, as they shall be."""

    new: list[Row] = field(default_factory=list)
    changed: dict[Row, set[str]] = field(default_factory=dict)
    """Each with the names of the columns that change."""
    unchanged: int = 0

    def put(self, row: Row | None, values: dict[str, Any], model: type[Row], **key: Any) -> Row:
        """Set columns of a stored row, or make a new one, which also has the columns of `key`."""
        if row is None:
            self.new.append(model(**key, **values))
            return self.new[-1]
        different = {name for name, value in values.items() if getattr(row, name) != value}
        for name in different:
            setattr(row, name, values[name])
        if different:
            self.changed[row] = different
        else:
            self.unchanged += 1
        return row

    def changed_in(self, column: str) -> list[Row]:
        """The stored rows of which this column changes."""
        return [row for row, columns in self.changed.items() if column in columns]

    def count(self) -> tuple[int, int, int]:
        """How many rows are new, changed and unchanged."""
        return len(self.new), len(self.changed), self.unchanged


class ImportPlan:
    """The rows that an import makes and changes. The session has the changed ones, and does not have the new ones."""

    def __init__(self, session: Session, files: Files, passwords: Mapping[str, Password]) -> None:
        """Read the people of the files, and all about the tests that these name."""
        self.files = files
        self.passwords = passwords
        self.people: Changes[User] = Changes()
        self.tests: Changes[Test] = Changes()
        self.candidacies: Changes[Candidacy] = Changes()
        self.contributors: Changes[Contribution] = Changes()
        self.replanned: list[Test] = []
        """Tests whose planners change: the search finds candidates by the planners' names."""
        titles = {title for title, _ in files.tests} | {line["test"] for line in files.contributors}
        users = _read(session, User, User.sign_in_name, files.people)
        tests = _read(session, Test, Test.title, titles)
        ids = [test.id for test in tests]
        candidacies = session.scalars(select(Candidacy).where(id_in(Candidacy.test_id, ids))).all()
        contributions = session.scalars(select(Contribution).where(id_in(Contribution.test_id, ids)))
        self.user_rows = {user.sign_in_name: user for user in users}
        self.test_rows = {(test.title, test.start_date): test for test in tests}
        self._by_number = {(row.test_id, row.number): row for row in candidacies}
        self._by_user = {(row.test_id, row.user_id): row for row in candidacies}
        self._contributions = {(row.test_id, row.user_id): row for row in contributions}
        self._names = {user.id: user.sign_in_name for user in users}
        self._sitting = {(test, line.known_as) for test, line in files.candidates}
        self._rooms = {(row.test_id, row.room) for row in candidacies}

    def passwords_made(self) -> int:
        return sum(password.made is not None for password in self.passwords.values())

    def add_person(self, known_as: str, line: Line) -> None:
        """Add a person of the files. Raises `ImportRefused` if the stored hash is no longer `Password.before`."""
        user, password = self.user_rows.get(known_as), self.passwords.get(known_as)
        if password and password.before != (user.password_hash if user else None):
            raise ImportRefused("a password was changed while this import was being prepared; try again")
        values: dict[str, Any] = {"name": line["name"]}
        if line["email"] is not None:
            values["email"] = line["email"]
        if password and password.hash:
            values |= {"password_hash": password.hash, "epoch": user.epoch + 1 if user else 0}
        new = {"username": line["username"], "sign_in_name": known_as}
        self.user_rows[known_as] = self.people.put(user, values, User, **new)

    def add_test(self, key: TestKey, line: Line) -> None:
        """Add a test of the roster."""
        title, day = key
        times = {"starts_at": line["test_start"], "ends_at": line["test_end"]}
        self.test_rows[key] = self.tests.put(self.test_rows.get(key), times, Test, title=title, start_date=day)

    def add_candidate(self, key: TestKey, line: Line) -> None:
        """Add a line of the roster.

        A candidate ID belongs to one person. It goes to another only if its holder gets another one, or has not begun.
        """
        test, user, number = self.test_rows[key], self.user_rows[line.known_as], line["candidate_id"]
        holder, own = self._by_number.get((test.id, number)), self._by_user.get((test.id, user.id))
        moves_on = holder is not None and (key, self._names.get(holder.user_id)) in self._sitting
        if holder is not None and holder is not own:
            reason = ""
            if holder.started_at is not None:
                reason = "belongs to another person, who has started"
            elif own is not None and not moves_on:
                reason = "belongs to another person of this test, who is not in the file"
            if reason:
                line.add_problem("candidate_id", f"{quote(number)} {reason}")
                return
        values = {"number": number, "group_name": line["group"], **{column: line[column] for column in SAME_NAME}}
        if own is None and holder is not None and not moves_on:
            for name, value in {**values, **NOT_BEGUN, "user": user}.items():
                setattr(holder, name, value)
            self.candidacies.changed[holder] = {"user"}
        else:
            self.candidacies.put(own, values, Candidacy, user=user, test=test)

    def add_contributor(self, line: Line) -> None:
        """Add a line of the contributors' file."""
        reason = "already works in this test in line {}"
        key = self._find_test(line)
        if key is None or self.files.is_repeated(key, line, "username", line.known_as, reason):
            return
        test, user, room = self.test_rows[key], self.user_rows[line.known_as], line["room"] or None
        if room and room not in self.files.rooms.get(test.title, ()) and (test.id, room) not in self._rooms:
            line.add_problem("room", f"no candidate of this test sits in {quote(room)} (case matters)")
        row = self._contributions.get((test.id, user.id))
        before, role = row.role if row else None, line["role"]
        if before != role and Role.PLANNER in {before, role}:
            self.replanned.append(test)
        self.contributors.put(row, {"role": role, "room": room}, Contribution, user=user, test=test)

    def _find_test(self, line: Line) -> TestKey | None:
        """The test that a contributor's line means, by title and date, if it has one: of the roster, else a stored one.

        None, and a problem of the line, if there is none or more than one.
        """
        title, start_date = line["test"], line.values.get("test_start")
        for keys in (self.files.tests, self.test_rows):
            found = [key for key in keys if key[0] == title and start_date in {None, key[1]}]
            if len(found) == 1:
                return found[0]
            if found:
                dates = ", ".join(sorted(f"{day}" for _, day in found))
                line.add_problem("test", f"means several tests ({dates}); add a column test_start")
                return None
        # a title that stands in a bad line of the roster has its problem there
        if title not in self.files.rooms or start_date is not None:
            line.add_problem("test", f"{quote(title)} is neither in the roster nor stored")
        return None


def make_plan(session: Session, files: Files, passwords: Mapping[str, Password]) -> ImportPlan:
    """Compare the files with what is stored. `passwords` are by the username as it is compared.

    Raises `RosterRefused` with the problems of the files and all contradictions to what is stored, and
    `ImportRefused` if a stored password is no longer the one that the new one rests on.
    """
    bad = {(problem.file, problem.line) for problem in files.problems}
    plan = ImportPlan(session, files, passwords)
    for known_as, person in files.people.items():
        plan.add_person(known_as, person)
    for key, line in files.tests.items():
        plan.add_test(key, line)
    for key, line in files.candidates:
        if (line.file, line.number) not in bad:
            plan.add_candidate(key, line)
    for line in files.contributors:
        if (line.file, line.number) not in bad:
            plan.add_contributor(line)
    if files.problems:
        session.rollback()
        raise RosterRefused(files.problems)
    return plan


def _read(session: Session, model: type[Row], column: Any, texts: Iterable[str]) -> list[Row]:
    values = list(filter(is_storable, texts))
    parts = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    return [row for part in parts for row in session.scalars(select(model).where(column.in_(part)))]
