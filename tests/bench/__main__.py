"""make bench: Examhall at the size of an exam day, beside a raw floor and what people would pick instead, in one run.

Asserts nothing about time, because machines are noisy; it fails where a stream did not get a message. Writes the
figures to `docs/benchmarks.md` and a plot when all parts were run, or with `--write`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from flask_migrate import upgrade

from tests.bench import fanout, importing, keeping, living, monitor, scheduling, storm
from tests.bench.figures import Run, p99
from tests.bench.hall import build_hall
from tests.bench.large_hall import MEMORY
from tests.bench.peers.flask_sse import FlaskSse
from tests.bench.peers.nchan import Nchan
from tests.bench.processes import parent_of
from tests.bench.report import write
from tests.databases import Database, application_on
from tests.postgres import Cluster
from tests.postgres import server as postgres_server
from tests.redis_server import RedisServer
from tests.server import Server

OTHERS = 9_000
INVIGILATORS = 60
WSGI = "tests.bench.timed_wsgi:app"


@dataclass
class Bench:
    """What the parts share: the run, its sizes, and databases of their own."""

    run: Run
    options: argparse.Namespace
    folder: Path
    cluster: Cluster
    postgres_pid: int
    quiet: fanout.Sendings | None = None
    """The sendings of the quiet case, which later parts are compared with."""

    def database(self, kind: str) -> Database:
        """An empty database in a folder of its own."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        url = self.cluster.empty() if kind == "PostgreSQL" else f"sqlite:///{folder / 'bench.db'}"
        return Database(kind, url, folder)

    @contextmanager
    def redis(self) -> Iterator[dict[str, str]]:
        """The settings of a server that has a Redis."""
        running = RedisServer(Path(tempfile.mkdtemp(dir=self.folder)))
        running.start()
        try:
            yield {"EXAMHALL_REDIS_URL": running.url}
        finally:
            running.signal(signal.SIGKILL)


def fan_out(bench: Bench) -> None:
    """One sending to everybody, individually addressed."""
    size, rounds = bench.options.streams, bench.options.rounds
    floors, shares, ours = [], [], {}
    peers: dict[str, list[float]] = {}

    def floor() -> None:
        taken, share = asyncio.run(fanout.measure_floor(size, rounds))
        floors.extend(taken)
        shares.append(share)

    floor()
    for kind in ("PostgreSQL", "SQLite"):
        database = bench.database(kind)
        audience = build_hall(database, size)[0]
        with Server(database, WSGI) as server:
            ours[kind] = asyncio.run(fanout.measure_sendings(server, audience, rounds))
    floor()
    for peer in (Nchan(), FlaskSse()):
        with peer:
            peers[peer.name] = asyncio.run(fanout.measure_peer(peer, size, rounds if peer.name == "Nchan" else 3))
    floor()
    bench.quiet = ours["PostgreSQL"]
    fanout.report(bench.run, floors, sum(shares) / len(shares), ours, peers, size)


def many(bench: Bench) -> None:
    """The same with 9,000 other streams open, on two processes over PostgreSQL and Redis; and without them."""
    size, rounds = bench.options.streams, bench.options.rounds
    found = {}
    for others in (0, OTHERS):
        database = bench.database("PostgreSQL")
        audiences = build_hall(database, size, *([others] if others else []))
        with bench.redis() as environ, Server(database, WSGI, environ, ["-w", "2"]) as server:
            beside = audiences[1] if others else None
            found[others] = asyncio.run(fanout.measure_sendings(server, audiences[0], rounds, beside))
    for others, sendings in found.items():
        words = f"two processes, {others:,} other streams: POST sent → streams have it, p99"
        bench.run.add("many", words, p99(sendings.from_post) * 1e3, "ms")
    ratio = p99(found[OTHERS].from_post) / p99(found[0].from_post)
    bench.run.add("many", "with the others to without", ratio, "×", 2, target="≤ 2 ×")


def idle(bench: Bench) -> None:
    """9,000 streams and nothing sent."""
    database = bench.database("PostgreSQL")
    audience = build_hall(database, OTHERS)[0]
    with Server(database) as server:
        asyncio.run(keeping.measure_idle(bench.run, server, audience))


def rounds(bench: Bench) -> None:
    """Twenty rounds of connect, send, drop."""
    database = bench.database("PostgreSQL")
    audience = build_hall(database, bench.options.streams)[0]
    with Server(database, WSGI) as server:
        asyncio.run(keeping.measure_rounds(bench.run, server, audience))


def return_after_restart(bench: Bench) -> None:
    """1,500 at once after a restart."""
    for kind in ("PostgreSQL", "SQLite"):
        database = bench.database(kind)
        audience = build_hall(database, bench.options.streams)[0]
        with Server(database, WSGI) as server:
            asyncio.run(storm.measure_storm(bench.run, server, audience, kind))


def watching(bench: Bench) -> None:
    """Sixty invigilators watch a hall that writes."""
    for kind in ("PostgreSQL", "SQLite"):
        database = bench.database(kind)
        audience = build_hall(database, bench.options.streams, staff=INVIGILATORS)[0]
        pids = [bench.postgres_pid] if kind == "PostgreSQL" else []
        with Server(database, "tests.bench.bare_wsgi:app") as bare:
            floor = asyncio.run(living.WatchedHall(bare, audience).measure())
        with Server(database, WSGI) as server:
            asyncio.run(living.measure_watching(bench.run, server, audience, kind, pids, floor))


def signing_in(bench: Bench) -> None:
    """A hall signs in during another one's exam."""
    database = bench.database("PostgreSQL")
    audience = build_hall(database, bench.options.streams)[0]
    with Server(database, WSGI) as server:
        quiet = bench.quiet or asyncio.run(fanout.measure_sendings(server, audience, bench.options.rounds))
        asyncio.run(living.measure_sign_ins(bench.run, server, audience, quiet))


def monitors(bench: Bench) -> None:
    """The monitor over half a million candidacies."""
    for kind in ("PostgreSQL", "SQLite"):
        monitor.measure_monitor(bench.run, bench.database(kind), bench.options.candidacies, kind)


def imports(bench: Bench) -> None:
    """A roster, checked and written, beside its bare rows."""
    for kind in ("PostgreSQL", "SQLite"):
        database = bench.database(kind)
        for name, seconds in importing.measure_import(database.folder, database.url).items():
            bench.run.add("import", f"{kind}: {name}", seconds, "s")


def schedules(bench: Bench) -> None:
    """A message before each one's own end, for 1,500 whose ends are spread over an hour."""
    for kind in ("PostgreSQL", "SQLite"):
        database = bench.database(kind)
        with application_on(database) as app, app.app_context():
            upgrade()
        for what, share in scheduling.measure_scheduling(database.folder, database.url).items():
            bench.run.add("schedules", f"{kind}: {what}", share, "% of a core", 2, target="≤ 2 %")


PARTS: dict[str, Callable[[Bench], None]] = {
    "fan-out": fan_out,
    "many": many,
    "idle": idle,
    "rounds": rounds,
    "storm": return_after_restart,
    "watching": watching,
    "sign-ins": signing_in,
    "monitor": monitors,
    "import": imports,
    "schedules": schedules,
}


def main() -> None:
    """Run the parts that are asked for."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    options.add_argument("--streams", type=int, default=1500)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--candidacies", type=int, default=500_000)
    options.add_argument("--write", action="store_true", help="write docs/benchmarks.md also after some parts")
    chosen = options.parse_args()
    _allow_descriptors()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # as Ctrl-C: what was started ends with it
    run = Run()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = Cluster(stack.enter_context(postgres_server(durable=True, settings=[MEMORY])).address)
        bench = Bench(run, chosen, folder, cluster, parent_of_backends(cluster))
        failed = []
        for name in chosen.parts or PARTS:
            run.measure_machine()
            if not _measured(name, bench):
                failed.append(name)
            if chosen.write or not chosen.parts:
                write(run, os.getloadavg())  # after each part: a run that is cut short has not been for nothing
    if failed:
        raise SystemExit(f"Not measured, see above: {', '.join(failed)}")


def _measured(name: str, bench: Bench) -> bool:
    """Whether a part came to its end: one that does not is said, and the others are measured all the same."""
    try:
        PARTS[name](bench)
    except Exception:  # noqa: BLE001 whatever it was, it is printed, and the run ends with an error
        traceback.print_exc()
        return False
    return True


def parent_of_backends(cluster: Cluster) -> int:
    """The process that PostgreSQL's others are children of."""
    with psycopg.connect(cluster.address) as connection:
        return parent_of(connection.info.backend_pid)


def _allow_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < OTHERS * 2 + 1000:
        raise SystemExit(
            f"The limit of open files is {soft} here, and at most {hard}; the bench needs {OTHERS * 2 + 1000}."
        )


if __name__ == "__main__":
    main()
