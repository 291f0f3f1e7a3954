"""Passwords at an import: which are needed, their hashes, and the file that hands new ones out."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webapp.accounts.passwords import AT_ONCE, generate_password, hash_generated, hash_password, matches
from webapp.planning.people import Person
from webapp.planning.refusals import ChangedMeanwhile, CredentialsNeeded, CredentialsNotWritten
from webapp.planning.stored import Stored
from webapp.text.normalization import BYTE_ORDER_MARK
from webapp.web.csv_download import harmless


@dataclass(frozen=True)
class Password:
    """A person's password as this import leaves it."""

    username: str
    before: str | None
    """The hash that was stored when this was worked out."""
    hash: str | None
    """The hash to store, or None to leave what is there."""
    made: str | None
    """The password, if it was made here."""


def check_destination(people: dict[str, Person], stored: Stored, path: Path | None) -> None:
    """Before anything is computed: raises if passwords are to be made and cannot be handed out."""
    needing = sum(_needs_one(person, _stored_hash(person, stored)) for person in people.values())
    if needing and path is None:
        raise CredentialsNeeded(needing)
    if needing and path is not None and os.path.lexists(path):
        raise CredentialsNotWritten(path, "exists already, and is not overwritten; name another file")


def work_out(people: dict[str, Person], stored: Stored) -> dict[str, Password]:
    """The password of each person: made if there is none, hashed if it is given and new.

    The work goes to one thread per core; the hash function lets them run side by side.
    """

    def one(person: Person) -> Password:
        before = _stored_hash(person, stored)
        if _needs_one(person, before):
            made = generate_password()
            return Password(person.username, before, hash_generated(made), made)
        given = person.password
        if given is None or (before is not None and matches(before, given)):
            return Password(person.username, before, None, None)
        return Password(person.username, before, hash_password(given), None)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return dict(zip(people, threads.map(one, people.values()), strict=True))


def check_unchanged(passwords: dict[str, Password], stored: Stored) -> None:
    """Raises `ChangedMeanwhile` if somebody's password is no longer the one that `work_out` had seen."""
    for known_as, password in passwords.items():
        row = stored.people.get(known_as)
        if (row.password_hash if row is not None else None) != password.before:
            raise ChangedMeanwhile("a password was changed while this import was being prepared; try again")


@contextmanager
def handed_out(path: Path | None, passwords: dict[str, Password]) -> Iterator[Callable[[], None]]:
    """Reserve the file (mode 600) and give a function that writes it; the file goes away if the block fails.

    Without made passwords there is no file.
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


def _stored_hash(person: Person, stored: Stored) -> str | None:
    row = stored.people.get(person.known_as)
    return row.password_hash if row is not None else None


def _needs_one(person: Person, before: str | None) -> bool:
    return person.password is None and before is None
