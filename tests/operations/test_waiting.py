"""A database that takes its time does not hold up a process with gevent: its streams and other requests go on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.databases import SECRET_KEY, Database
from tests.nightly import at_night
from tests.server import ROOT

WAITING = """
import gevent.monkey
gevent.monkey.patch_all()
import json, os, sys, time
import gevent
from sqlalchemy import text
from webapp import create_app
from webapp.config import Settings
from webapp.extensions import db

files = [os.open("/dev/null", os.O_RDONLY) for _ in range(int(sys.argv[2]))]
app = create_app(Settings(secret_key=sys.argv[3], database_url=sys.argv[1]))
ticks = []

def tick():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.01)

def wait():
    with app.app_context():
        db.session.execute(text("SELECT pg_sleep(0.5)"))
        db.session.remove()

with app.app_context():
    db.session.execute(text("SELECT 1"))
    db.session.remove()
gevent.spawn(tick)
begun = time.monotonic()
gevent.joinall([gevent.spawn(wait) for _ in range(5)], raise_error=True)
print(json.dumps({"seconds": time.monotonic() - begun, "ticks": len(ticks)}))
with app.app_context():
    db.engine.dispose()
"""


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("files", [1500, *at_night(0)], ids=["more files than select can watch", "few files"])
def test_five_wait_at_the_same_time_and_the_loop_goes_on(database: Database, files: int) -> None:
    command = [sys.executable, "-c", WAITING, database.url, str(files), SECRET_KEY]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert said["seconds"] < 2.4, "one after the other they would take 2.5 s"
    assert said["ticks"] >= 10
