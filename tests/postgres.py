"""A PostgreSQL of the tests' own: started when a test first asks for it, on a free port, ended with the test run."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

UNPRIVILEGED = "postgres"
"""PostgreSQL refuses to run as root; Debian's package brings this user."""
PATIENCE_SECONDS = 30.0


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest one, or None where PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        return Path(on_path).parent
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    return installed[0].parent if installed else None


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Run a server in a folder of its own; gives the address of its first database, and stops it in any case.

    Tests that lose power lose nothing of worth, so it does not wait for the disk unless it is to be `durable`.
    Skips the test where PostgreSQL is not installed; with `CI=true` that is a failure.
    """
    found = programs()
    if found is None:
        reason = "PostgreSQL is not installed (Debian, Ubuntu: apt-get install postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="examhall-postgres-"))
    try:
        with _running(found, folder, [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off"]) as address:
            yield address
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(found: Path, folder: Path, options: list[str]) -> Iterator[str]:
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    if user:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data, port = folder / "data", _free_port()
    # no locale's rules: sorting and case as in every installation with UTF-8
    make = ["initdb", "-D", data, "-U", "examhall", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    made = subprocess.run(
        [found / make[0], *make[1:]], user=user, cwd=folder, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    start = ["-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, *options]
    with open(folder / "server.log", "wb") as output:
        process = subprocess.Popen(
            [found / "postgres", *start], user=user, cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        address = f"postgresql://examhall@127.0.0.1:{port}/postgres"
        _wait_until_it_answers(process, address, folder / "server.log")
        yield address
    finally:
        process.send_signal(signal.SIGINT)  # SIGTERM would wait for clients that a failed test left behind
        process.wait(timeout=PATIENCE_SECONDS)


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str, output: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(output.read_text()) from None
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """The running server. A migrated database is made once and copied for each test."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._numbers = count(1)
        self._template: str | None = None

    def empty(self) -> str:
        """The address, for SQLAlchemy, of a new database without tables."""
        return self._create(None)

    def migrated(self, migrate: Callable[[str], None]) -> str:
        """The address of a new database as `migrate` makes it of an empty one."""
        if self._template is None:
            address = self._create(None)
            migrate(address)
            self._template = address.rsplit("/", 1)[1]
        return self._create(self._template)

    def drop(self, address: str) -> None:
        """Delete a database, whoever is still connected: a run makes a thousand."""
        self._do(f"DROP DATABASE {address.rsplit('/', 1)[1]} WITH (FORCE)")

    def _create(self, template: str | None) -> str:
        name = f"examhall_{next(self._numbers)}"
        self._do(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return self.address.replace("postgresql://", "postgresql+psycopg://").rsplit("/", 1)[0] + "/" + name

    def _do(self, command: str) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(command.encode())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The server, for all tests of this run that ask for it."""
    with server() as address:
        yield Cluster(address)
