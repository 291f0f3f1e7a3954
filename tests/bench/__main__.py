"""make bench: a sending to 1,500 open streams on SQLite, beside a raw floor measured in the same run.

Prints figures and ratios; asserts nothing about time, because machines are noisy. What it does check is that every
stream got every message.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from flask_migrate import upgrade

from tests.bench.clients import Crowd
from tests.databases import Database, settings_for
from tests.hall import Hall
from tests.server import ROOT, Server, free_port
from webapp import create_app
from webapp.extensions import db
from webapp.models import Role, User

SIZE_OF_A_NOTICE = 900
"""Bytes of a rendered notice on the wire, about; the floor writes as many."""


def main() -> None:
    """Build a hall, start both servers, measure, print."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("--streams", type=int, default=1500)
    options.add_argument("--rounds", type=int, default=20)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database("sqlite", f"sqlite:///{folder}/bench.db", Path(folder))
        app, sender, candidates = build_hall(database, chosen.streams)
        floor = asyncio.run(measure_floor(chosen.streams, chosen.rounds))
        with Server(database) as server:
            ours, posts = asyncio.run(measure_ours(app, server, sender, candidates, chosen.rounds + 1))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{chosen.streams} open streams, {chosen.rounds} sendings, each individually delivered and logged; ms\n")
    print(f"{'':34}{'median':>9}{'p99':>9}{'worst':>9}")
    row("raw floor: all streams have it", floor)
    # the first one compiles its statements and templates: it is shown, but it is another thing
    row("POST answered (SQLite)", posts[1:])
    row("POST sent → all streams have it", ours[1:])
    print(f"\nratio to the floor, median: {statistics.median(ours[1:]) / statistics.median(floor):.1f}")
    print(f"the first sending after a start: answered {posts[0] * 1e3:.1f}, all have it {ours[0] * 1e3:.1f}")


def row(name: str, seconds: list[float]) -> None:
    """One line of the table."""
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(f"{name:34}{statistics.median(ordered) * 1e3:9.1f}{p99 * 1e3:9.1f}{ordered[-1] * 1e3:9.1f}")


def build_hall(database: Database, size: int) -> tuple[Flask, bytes, list[bytes]]:
    """A migrated database with a test, its chief and candidates; the cookies of all of them."""
    app = create_app(settings_for(database))
    with app.app_context():
        upgrade()
        hall = Hall(db.session())
        test = hall.test("Benchmark")
        chief = hall.contributor(test, role=Role.CHIEF_INVIGILATOR)
        people = [db.session.get_one(User, one.user_id) for one in hall.candidacies(test, size)]
        cookies = cookie(app, chief), [cookie(app, person) for person in people]
        db.session.remove()
        db.engine.dispose()
    return app, *cookies


def cookie(app: Flask, user: User) -> bytes:
    """The session cookie of a person who has signed in (1,500 sign-ins are another measurement)."""
    signer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return f"examhall_session={signer.dumps({'_user_id': user.get_id(), '_fresh': True, 'sid': 'bench'})}".encode()


async def measure_floor(size: int, rounds: int) -> list[float]:
    """Trigger → the last stream has it, for the floor server."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.floor", str(port), str(SIZE_OF_A_NOTICE)]
    process = subprocess.Popen(command, cwd=ROOT)
    crowd = Crowd()
    try:
        await asyncio.sleep(0.5)
        await crowd.open(port, [b"stream"] * size)
        crowd.mark = b"id: 1\n"
        _, trigger = await asyncio.open_connection("127.0.0.1", port)
        taken = []
        for _ in range(rounds):
            begun = time.perf_counter()
            trigger.write(b"!")
            taken.append((await crowd.all_have(size))[-1] - begun)
            await asyncio.sleep(0.1)
        trigger.close()
        return taken
    finally:
        crowd.close()
        process.kill()
        process.wait()


async def measure_ours(
    app: Flask, server: Server, sender: bytes, candidates: list[bytes], rounds: int
) -> tuple[list[float], list[float]]:
    """POST sent → the last stream has it, and POST sent → answered, for a real server."""
    crowd = Crowd()
    request = b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: %s\r\n\r\n"
    await crowd.open(server.port, [request % one for one in candidates])
    arrived, answered = [], []
    try:
        for _ in range(rounds):
            form, session = await open_dialog(server.port, sender)
            number = await measure_one(crowd, server.port, form, session, len(candidates))
            arrived.append(number[0])
            answered.append(number[1])
            await asyncio.sleep(0.3)
    finally:
        crowd.close()
    return arrived, answered


async def measure_one(crowd: Crowd, port: int, form: bytes, session: bytes, size: int) -> tuple[float, float]:
    """One sending: seconds until all have it, and until the answer."""
    crowd.mark = b"\nid: "
    begun = time.perf_counter()
    answer = await http(port, b"POST /messages", session, form)
    answered = time.perf_counter() - begun
    if b" 201 " not in answer[:20]:
        raise RuntimeError(answer.decode()[:2000])
    return (await crowd.all_have(size))[-1] - begun, answered


async def open_dialog(port: int, cookie: bytes) -> tuple[bytes, bytes]:
    """The form that the dialog gives, filled in, and the cookie that goes with it."""
    answer = (await http(port, b"GET /messages/new?scope=filtered", cookie)).decode()
    fresh = re.search(r"Set-Cookie: (examhall_session=[^;]+)", answer)
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', answer)
    fields = [(name, unescape(value)) for name, value in pairs]
    text = [("subject", "Ten more minutes"), ("body", "The fire alarm cost ten minutes. " * 8)]
    return urlencode(fields + text).encode(), fresh[1].encode() if fresh else cookie


async def http(port: int, what: bytes, cookie: bytes, form: bytes = b"") -> bytes:
    """One request on a connection of its own; the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = what + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nHX-Request: true\r\nCookie: " + cookie
    if form:
        head += b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d" % len(form)
    writer.write(head + b"\r\n\r\n" + form)
    answer = await reader.read()
    writer.close()
    return answer


if __name__ == "__main__":
    main()
