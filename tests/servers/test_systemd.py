"""deploy/examhall.service and examhall.socket, and that gunicorn takes from systemd what they say."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.databases import Database
from tests.server import Server
from webapp.config import ROOT
from webapp.push.hub import STREAMS_UNDER_GEVENT

DEPLOY = ROOT / "deploy"
INSTALLED = "/srv/examhall"
AS_SYSTEMD_DOES = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Hands a socket over (sd_listen_fds(3)) and becomes the program."""


def unit(name: str) -> ConfigParser:
    """A unit file; a name that stands twice in a section is an error."""
    parsed = ConfigParser(interpolation=None, comment_prefixes=("#",), delimiters=("=",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string((DEPLOY / name).read_text())
    return parsed


def test_units_fit_together_and_to_gunicorn() -> None:
    service, listening = unit("examhall.service")["Service"], unit("examhall.socket")["Socket"]
    assert f"server unix:{listening['ListenStream']};" in (DEPLOY / "nginx.conf").read_text()
    assert f"user {listening['SocketUser']};" in (DEPLOY / "nginx.conf").read_text()
    (program, *words) = service["ExecStart"].split()
    assert program == f"{INSTALLED}/.venv/bin/gunicorn"
    assert (ROOT / words[words.index("-c") + 1]).exists()
    gunicorn = (ROOT / "gunicorn.conf.py").read_text()
    assert int(service["TimeoutStopSec"]) > int(re.findall(r"^graceful_timeout = (\d+)", gunicorn, re.MULTILINE)[0])
    assert int(listening["Backlog"]) == int(re.findall(r"^backlog = (\d+)", gunicorn, re.MULTILINE)[0])
    assert int(service["LimitNOFILE"]) > 2 * STREAMS_UNDER_GEVENT
    assert service["ExecReload"] == "/bin/kill -s HUP $MAINPID"


def test_systemd_has_nothing_to_say_about_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify`, with the paths of this copy."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze found; on Debian or Ubuntu: apt install systemd")
    installed = tmp_path / "examhall"
    installed.mkdir()
    (installed / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    (installed / "docs").symlink_to(ROOT / "docs", target_is_directory=True)
    units = []
    for name in ("examhall.service", "examhall.socket"):
        units.append(tmp_path / name)
        units[-1].write_text((DEPLOY / name).read_text().replace(INSTALLED, str(installed)))
    ended = subprocess.run([program, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.server
@pytest.mark.only_on("sqlite")
def test_a_restart_refuses_no_connection(database: Database, tmp_path: Path) -> None:
    """As with systemd: the socket is handed over and stays, readiness is told, and who connects meanwhile waits."""
    with socket.socket() as listening, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(10)

        def handed_over(port: int) -> list[str]:
            listening.bind(("127.0.0.1", port))
            listening.listen(64)
            gunicorn = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "-w", "1", "wsgi:app"]
            return [sys.executable, "-c", AS_SYSTEMD_DOES, str(listening.fileno()), *gunicorn]

        server = Server(
            database,
            environ={"NOTIFY_SOCKET": str(tmp_path / "notify")},
            command=handed_over,
            inherits=[listening.fileno()],
        )
        with server:
            assert "READY=1" in told.recv(4096).decode()
            server.stop()
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as early:
                early.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                server.start()
                assert early.recv(12) == b"HTTP/1.1 200"
