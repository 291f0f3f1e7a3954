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
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.until import until

UNPRIVILEGED = "postgres"
"""PostgreSQL refuses to run as root; Debian's package brings this user."""
PATIENCE_SECONDS = 30.0
LARGE_BYTES = 256 * 1024
DISCONNECT_OTHERS = "datname = current_database() AND pid <> pg_backend_pid()"
TABLES = (
    "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
RESTART_SEQUENCES = """
SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence
WHERE pg_sequence_last_value(seqrelid) IS NOT NULL"""
SHAPE = """
SELECT (SELECT string_agg(relname || relnatts || relchecks, ' ' ORDER BY relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace),
    (SELECT string_agg(tgname || tgenabled::text, ' ' ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal),
    (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_statistic),
    (SELECT count(*) FROM pg_db_role_setting AS setting JOIN pg_database AS base ON base.oid = setting.setdatabase
        WHERE datname = current_database())"""
"""What an empty database has beside its rows, as far as any test changes it."""


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
def server(*, durable: bool = False, settings: Sequence[str] = ()) -> Iterator[Postgres]:
    """Run a server in a folder of its own, and stop it in any case; `settings` are as `name=value`.

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
        unsafe = () if durable else ("fsync=off", "full_page_writes=off")
        running = Postgres(found, folder, [*unsafe, *settings])
        running.start()
        try:
            yield running
        finally:
            running.end()
    finally:
        shutil.rmtree(folder)


class Postgres:
    """A server on a port of its own. It can be ended and started again on its data, or stand still for a while."""

    def __init__(self, found: Path, folder: Path, settings: Sequence[str]) -> None:
        self._found = found
        self._folder = folder
        self._options = [part for setting in settings for part in ("-c", setting)]
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"postgresql://examhall@127.0.0.1:{self._port}/postgres"
        """Of its first database."""
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        # no locale's rules: sorting and case as in every installation with UTF-8
        make = ["-D", folder / "data", "-U", "examhall", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        made = subprocess.run(
            [found / "initdb", *make], user=self._user, cwd=folder, capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr

    def start(self) -> None:
        """Start and wait until it answers."""
        places = ["-D", self._folder / "data", "-p", str(self._port), "-h", "127.0.0.1", "-k", self._folder]
        log = self._folder / "server.log"
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                [self._found / "postgres", *places, *self._options],
                user=self._user, cwd=self._folder, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        _wait_until_it_answers(self._process, self.address, log)

    def end(self) -> None:
        """The ordinary end, for all who are connected."""
        assert self._process
        self._process.send_signal(signal.SIGINT)  # SIGTERM would wait for clients that a failed test left behind
        self._process.wait(timeout=PATIENCE_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """SIGSTOP or SIGCONT, to all its processes: connections stay, and nobody answers."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (self._process.pid, *map(int, children)):
            os.kill(pid, number)


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


def connect_to_server(url: str) -> psycopg.Connection[Any]:
    """A connection to the first database of the server on which the database at `url` lies."""
    return psycopg.connect(url.replace("+psycopg", "").rpartition("/")[0] + "/postgres", autocommit=True)


def disconnect(connection: psycopg.Connection[Any], whom: str, *parameters: object) -> None:
    """End the connections of which a condition on `pg_stat_activity` is true; they are gone afterwards.

    PostgreSQL itself would look only every 0.1 s whether they are.
    """
    ask = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {whom}".encode()
    until(lambda: not connection.execute(ask, parameters or None).fetchall(), PATIENCE_SECONDS)


class Cluster:
    """The running server. A migrated database is made once, and copied for each worker and for who needs one more."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._numbers = count(1)
        self._template: str | None = None
        self._shape: tuple[Any, ...] | None = None
        self._first_rows: dict[str, list[tuple[Any, ...]]] = {}
        self._kept: dict[str, psycopg.Connection[Any]] = {}
        """By address: to a database that is emptied again and again; a new one reads PostgreSQL's catalogue anew."""

    def close(self) -> None:
        """Close what is open."""
        while self._kept:
            self._kept.popitem()[1].close()

    def empty(self) -> str:
        """The address, for SQLAlchemy, of a new database without tables."""
        return self._create(None)

    def migrated(self, migrate: Callable[[str], None]) -> str:
        """The address of a new database as `migrate` makes it of an empty one."""
        if self._template is None:
            address = self._create(None)
            migrate(address)
            with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
                self._shape = connection.execute(SHAPE).fetchone()
                tables = [table for table, _ in connection.execute(TABLES)]
                rows = {table: connection.execute(f'TABLE "{table}"'.encode()).fetchall() for table in tables}
                self._first_rows = {table: found for table, found in rows.items() if found}
            self._template = address.rsplit("/", 1)[1]
        return self._create(self._template)

    def empty_tables(self, address: str) -> bool:
        """Make a migrated database as it was when it was new, whoever is still connected; False if it cannot be.

        Deleting what a test has written takes a hundredth of the time in which a new database is made. A database whose
        tables, triggers, settings or statistics a test has changed is dropped.
        """
        connection = self._disconnect_others(address)
        if connection.execute(SHAPE).fetchone() == self._shape:
            self._clear(connection)
            return True
        self.drop(address)
        return False

    def _disconnect_others(self, address: str) -> psycopg.Connection[Any]:
        """The kept connection, or a new one where a test has ended that too; then it is the only one."""
        try:
            disconnect(self._kept[address], DISCONNECT_OTHERS)
        except (KeyError, psycopg.OperationalError):
            self._close(address)
            connection = self._kept[address] = psycopg.connect(address.replace("+psycopg", ""), autocommit=True)
            connection.execute("SET session_replication_role = replica")  # past foreign keys and the guards of the log
            disconnect(connection, DISCONNECT_OTHERS)
        return self._kept[address]

    def _close(self, address: str) -> None:
        if address in self._kept:
            self._kept.pop(address).close()

    def drop(self, address: str) -> None:
        """Delete a database, whoever is still connected."""
        self._close(address)
        self._do(f"DROP DATABASE {address.rsplit('/', 1)[1]} WITH (FORCE)")

    def _clear(self, connection: psycopg.Connection) -> None:
        commands = [
            # of many dead rows every test that follows would read all
            f'TRUNCATE "{table}" CASCADE' if size > LARGE_BYTES else f'DELETE FROM "{table}"'
            for table, size in connection.execute(TABLES).fetchall()
        ]
        connection.execute(";".join([*commands, RESTART_SEQUENCES]).encode())  # in one round trip
        for table, rows in self._first_rows.items():
            for row in rows:
                places = ", ".join(["%s"] * len(row))
                connection.execute(f'INSERT INTO "{table}" VALUES ({places})'.encode(), row)

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
    # rows lie in the order in which they were written, as a server does not tidy up between two tests
    with server(settings=["autovacuum=off"]) as running, closing(Cluster(running.address)) as cluster:
        yield cluster


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server of the test's own, to be frozen and ended."""
    with server() as running:
        yield running
