"""Passwords at an import: new ones, their hashes, and the file that hands them out."""

import csv
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from webapp.accounts.passwords import AT_ONCE, generate_password, hash_generated, hash_password, matches
from webapp.planning.exceptions import CredentialsNotWritten
from webapp.planning.import_plan import Password
from webapp.planning.sheets import Line
from webapp.web.csv_download import harmless


def make_passwords(people: Mapping[str, Line], hashes: Mapping[str, str | None]) -> dict[str, Password]:
    """The password of each person: made if there is none, hashed if it is given and new. One thread per core.

    `hashes` are the stored ones; people, hashes and the result are by the username as it is compared.
    """

    def make_password(known_as: str) -> Password:
        before, given = hashes.get(known_as), people[known_as]["password"]
        if given is None and before is None:
            made = generate_password()
            return Password(before, hash_generated(made), made)
        if given is None or (before is not None and matches(before, given)):
            return Password(before, None, None)
        return Password(before, hash_password(given), None)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return dict(zip(people, threads.map(make_password, people), strict=True))


@contextmanager
def credentials_file(path: Path) -> Iterator[TextIO]:
    """A new file (mode 600) for passwords, which is deleted if the block fails. Raises `CredentialsNotWritten`."""
    try:
        file = open(path, "x", encoding="utf-8-sig", newline="", opener=_open_privately)  # noqa: SIM115
    except FileExistsError as error:
        raise CredentialsNotWritten(path, "exists already, and is not overwritten; name another file") from error
    except OSError as error:
        raise CredentialsNotWritten(path, error.strerror) from error
    try:
        with file:
            yield file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CredentialsNotWritten(path, error.strerror) from error
        raise


def _open_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def write_passwords(file: TextIO, people: Mapping[str, Line], passwords: Mapping[str, Password]) -> None:
    """Write the passwords that were made, for good: what follows is the commit."""
    made = [(people[name]["username"], password.made) for name, password in passwords.items() if password.made]
    csv.writer(file, lineterminator="\n").writerows([("username", "password"), *(map(harmless, row) for row in made)])
    file.flush()
    os.fsync(file.fileno())
