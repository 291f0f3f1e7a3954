"""Passwords at an import: new ones, their hashes, and the file that hands them out."""

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webapp.accounts.passwords import AT_ONCE, generate_password, hash_generated, hash_password, matches
from webapp.models import User
from webapp.planning.exceptions import ChangedMeanwhile, CredentialsNeeded, CredentialsNotWritten
from webapp.planning.roster import Person
from webapp.text.normalization import BYTE_ORDER_MARK
from webapp.web.csv_download import harmless

Hashes = Mapping[str, str | None]
"""The stored password hashes, by the username as it is compared."""


@dataclass(frozen=True)
class Password:
    """A person's password as this import leaves it."""

    username: str
    before: str | None
    """The stored hash that this rests on."""
    hash: str | None
    """The hash to store; None to leave the stored one."""
    made: str | None
    """The password, if it was made here."""


def check_destination(people: Mapping[str, Person], hashes: Hashes, path: Path | None) -> None:
    """Raise, before anything is computed, if passwords would be made and could not be handed out."""
    needing = sum(_needs_password(person, hashes.get(name)) for name, person in people.items())
    if needing and path is None:
        raise CredentialsNeeded(needing)
    if needing and path is not None and os.path.lexists(path):
        raise CredentialsNotWritten(path, "exists already, and is not overwritten; name another file")


def make_passwords(people: Mapping[str, Person], hashes: Hashes) -> dict[str, Password]:
    """The password of each person: made if there is none, hashed if it is given and new. One thread per core."""

    def make_password(person: Person) -> Password:
        before, given = hashes.get(person.known_as), person.password
        if _needs_password(person, before):
            made = generate_password()
            return Password(person.username, before, hash_generated(made), made)
        if given is None or (before is not None and matches(before, given)):
            return Password(person.username, before, None, None)
        return Password(person.username, before, hash_password(given), None)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return dict(zip(people, threads.map(make_password, people.values()), strict=True))


def _needs_password(person: Person, before: str | None) -> bool:
    return person.password is None and before is None


def check_unchanged(passwords: Mapping[str, Password], users: Mapping[str, User]) -> None:
    """Raise `ChangedMeanwhile` if a stored password is no longer the one that `make_passwords` has seen."""
    for known_as, password in passwords.items():
        user = users.get(known_as)
        if (user.password_hash if user is not None else None) != password.before:
            raise ChangedMeanwhile("a password was changed while this import was being prepared; try again")


@contextmanager
def hand_out(path: Path | None, passwords: Mapping[str, Password]) -> Iterator[Callable[[], None]]:
    """Create the file (mode 600) and give a function that writes it. The file is deleted if the block fails.

    Without new passwords there is no file.
    """
    made = [(password.username, password.made) for password in passwords.values() if password.made]
    if not made or path is None:
        yield lambda: None
        return
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CredentialsNotWritten(path, error.strerror or "cannot be written") from error
    try:
        with os.fdopen(number, "wb") as file:
            yield lambda: _write(file, path, made)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write(file: io.BufferedWriter, path: Path, made: list[tuple[str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("username", "password"), *(map(harmless, row) for row in made)])
    try:
        file.write(f"{BYTE_ORDER_MARK}{text.getvalue()}".encode())
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise CredentialsNotWritten(path, error.strerror or "cannot be written") from error
