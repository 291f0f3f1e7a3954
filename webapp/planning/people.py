"""The people that the lines of both files speak of: each once, and said the same way everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.planning.sheets import LONGEST_USERNAME, Line


@dataclass
class Person:
    """Somebody as the files describe them."""

    known_as: str
    """The username as it is compared."""
    username: str
    name: str
    email: str | None
    """None where only the contributors' file, which has no addresses, knows the person."""
    password: str | None
    first_line: Line


class People:
    """Collects people by username, and notes where two lines contradict each other."""

    def __init__(self) -> None:
        self.by_name: dict[str, Person] = {}

    def take(self, line: Line, *, with_email: bool) -> str:
        """Read the person of a line; returns the username as it is compared."""
        known_as = line.username()
        email = line.text("email", 254) if with_email else None
        new = Person(
            known_as,
            line.text("username", LONGEST_USERNAME),
            line.text("name", 200, required=True),
            email,
            line.password(),
            line,
        )
        if known_as and (known := self.by_name.setdefault(known_as, new)) is not new:
            _agree(known, new)
        return known_as


def _agree(known: Person, new: Person) -> None:
    line = new.first_line
    before = f"{known.first_line.file}, line {known.first_line.number}"
    if new.name != known.name:
        line.wrong("name", f"is not the name that this username has in {before}")
    if known.email is None:
        known.email = new.email
    elif new.email is not None and new.email != known.email:
        line.wrong("email", f"is not the address that this username has in {before}")
    if known.password is None:
        known.password = new.password
    elif new.password is not None and new.password != known.password:
        line.wrong("password", f"is not the password that this username has in {before}")
