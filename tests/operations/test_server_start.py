"""What the server says when it cannot start: one clear line, and an exit code that a supervisor understands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nightly import named
from tests.server import ROOT, free_port
from webapp.config import BadSetting, load

pytestmark = pytest.mark.server

KEY = {"EXAMHALL_SECRET_KEY": "a key for tests only, 0123456789"}


def run(*command: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command that is expected to end by itself."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EXAMHALL_")}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=clean | environ, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def gunicorn(
    *options: str, environ: dict[str, str], conf: str = "gunicorn.conf.py"
) -> subprocess.CompletedProcess[str]:
    """The production command."""
    return run("gunicorn", "-c", conf, "-b", f"127.0.0.1:{free_port()}", *options, "wsgi:app", environ=environ)


BAD: dict[str, tuple[dict[str, str], str]] = {
    "no key": ({}, "EXAMHALL_SECRET_KEY: not set"),
    "short key": ({"EXAMHALL_SECRET_KEY": "short"}, "EXAMHALL_SECRET_KEY: must have"),
    "zone": ({**KEY, "EXAMHALL_TIMEZONE": "Mars/Olympus"}, "EXAMHALL_TIMEZONE"),
    "database": ({**KEY, "EXAMHALL_DATABASE_URL": "mysql://name:secret@host/db"}, "EXAMHALL_DATABASE_URL"),
    "number": ({**KEY, "EXAMHALL_MAX_RECIPIENTS": "many"}, "EXAMHALL_MAX_RECIPIENTS"),
}


def test_each_bad_setting_is_named_in_one_line() -> None:
    for environ, words in BAD.values():
        with pytest.raises(BadSetting, match=words) as refusal:
            load(environ)
        assert "\n" not in str(refusal.value)
        assert "secret@" not in str(refusal.value)


@pytest.mark.parametrize(("environ", "words"), named(BAD, {"database"}))
def test_bad_settings_end_gunicorn_before_any_worker(environ: dict[str, str], words: str) -> None:
    """One line with the setting's name and without secrets; exit 1."""
    ended = gunicorn(environ=environ)
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    assert ended.returncode == 1
    assert len(lines) == 1
    assert words in lines[0]
    assert "secret@" not in lines[0]


@pytest.mark.parametrize("text", ["postgresql", "sqlite:", "postgresql:name", "mysql://name@host/db"])
def test_an_address_of_a_database_says_which_kind(text: str) -> None:
    with pytest.raises(BadSetting, match="DATABASE_URL: must start with"):
        load({**KEY, "EXAMHALL_DATABASE_URL": text})


def test_sqlite_is_for_one_process() -> None:
    """More workers over SQLite are refused in words."""
    ended = gunicorn("-w", "2", environ=KEY)
    assert ended.returncode == 1
    assert "SQLite is for one process" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.nightly
def test_without_its_file_gunicorn_gives_up_too(tmp_path: Path) -> None:
    """A worker that cannot load the application ends the server instead of being started for ever."""
    empty = tmp_path / "empty.py"
    empty.touch()
    ended = gunicorn(environ={}, conf=str(empty))
    assert ended.returncode == 4
    assert ended.stderr.count("EXAMHALL_SECRET_KEY: not set") == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.nightly  # by day: a database that is not there, `test_database_at_start.py`
def test_commands_say_it_in_one_line() -> None:
    """`flask --app wsgi` too."""
    ended = run("flask", "--app", "wsgi", "db", "upgrade", environ={})
    assert ended.returncode == 4
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "EXAMHALL_SECRET_KEY: not set" in ended.stderr


def test_the_file_is_taken_whole() -> None:
    """The README's command loads the application; gunicorn knows every setting as meant, and none is deprecated."""
    assert ".venv/bin/gunicorn -c gunicorn.conf.py wsgi:app" in (ROOT / "README.md").read_text()
    ended = run("gunicorn", "-c", "gunicorn.conf.py", "--print-config", "wsgi:app", environ=KEY)
    assert ended.returncode == 0, ended.stderr
    settings = dict(line.split(" = ", 1) for line in ended.stdout.splitlines() if " = " in line)
    settings = {name.strip(): value for name, value in settings.items()}
    assert "StreamWorker" in settings["worker_class"]
    assert settings["worker_connections"] == "22000"
    assert settings["max_requests"] == "0"
    assert settings["accesslog"] == "None"
    assert settings["control_socket_disable"] == "True"
    assert "deprecat" not in (ended.stdout + ended.stderr).lower()
