"""deploy/compose.yaml and deploy/Dockerfile. Docker is not at hand where the tests run: what they name is checked."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from flask import Flask
from werkzeug.serving import make_server

from webapp.config import PREFIX, ROOT, Settings

DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.iterdir() if path.is_file())
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
STAGE = re.compile(r"^FROM (?P<image>\S+) AS (?P<name>\w+)\n(?P<body>.*?)(?=^FROM|\Z)", re.MULTILINE | re.DOTALL)


def stages() -> dict[str, str]:
    """What stands in each image of the Dockerfile, by its name."""
    text = re.sub(r"^ *#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    return {found["name"]: found["body"] for found in STAGE.finditer(text)}


def test_services() -> None:
    """Examhall several times over, what it needs, and nginx as the only one that can be reached."""
    assert set(SERVICES) == {"web", "migrate", "nginx", "database", "redis"}
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["nginx"]
    assert SERVICES["web"]["deploy"]["replicas"] > 1
    assert set(COMPOSE["volumes"]) == {"database"}


def test_images_have_a_major_version_or_are_built_here() -> None:
    """`latest` would be another PostgreSQL one day, which does not read the old one's files."""
    built = {one["build"]["target"] for one in SERVICES.values() if "build" in one}
    assert built == set(stages())
    for name in ("database", "redis"):
        assert re.fullmatch(r"[a-z]+:\d+", SERVICES[name]["image"])
    for key in ("image", "build", "environment"):
        assert SERVICES["web"][key] == SERVICES["migrate"][key]
    for image in STAGE.finditer((DEPLOY / "Dockerfile").read_text()):
        assert re.search(r":\d", image["image"])


def test_each_waits_for_what_it_needs_and_can_be_asked_how_it_is() -> None:
    for name, one in SERVICES.items():
        assert set(one.get("depends_on", {})) <= set(SERVICES)
        assert ("healthcheck" in one) == (name != "migrate"), name
        for needed, how in one.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[needed]
    assert SERVICES["web"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert "https://127.0.0.1/healthz" in SERVICES["nginx"]["healthcheck"]["test"]


@pytest.mark.only_on("sqlite")
def test_the_health_check_sees_a_server_and_its_end(app: Flask) -> None:
    """The command that stands there, run."""
    kind, python, *words = SERVICES["web"]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", ".venv/bin/python")
    server = make_server("127.0.0.1", 0, app)
    command = [sys.executable, *(word.replace(":8000/", f":{server.port}/") for word in words)]
    serving = Thread(target=server.serve_forever)
    serving.start()
    try:
        assert subprocess.run(command, check=False).returncode == 0
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
    assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 1


def test_what_is_copied_is_there_and_is_let_in() -> None:
    """And all that the application consists of is copied."""
    copied = {
        word for body in stages().values() for line in re.findall(r"^COPY (.+)$", body, re.MULTILINE)
        for word in line.split()[:-1]
    }  # fmt: skip
    let_in = set(re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert copied == let_in
    assert all((ROOT / one).exists() for one in copied)
    assert {"webapp", "templates", "static", "migrations", "wsgi.py"} <= copied


def test_nginx_in_its_image_asks_the_service_web() -> None:
    """The one line of nginx.conf that is another there."""
    written, instead = re.findall(r"sed -i 's\|([^|]*)\|([^|]*)\|'", stages()["balancer"])[0]
    assert (DEPLOY / "nginx.conf").read_text().count(written) == 1
    (command,) = re.findall(r"^CMD (.+)$", stages()["web"], re.MULTILINE)
    words = yaml.safe_load(command)
    assert instead == f"server web:{words[words.index('-b') + 1].partition(':')[2]};"
    assert (ROOT / words[words.index("-c") + 1]).exists()


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_settings_that_are_named_exist(file: Path) -> None:
    known = {PREFIX + field.name.upper() for field in fields(Settings)}
    assert set(re.findall(r"EXAMHALL_[A-Z_]*[A-Z]", file.read_text())) <= known
