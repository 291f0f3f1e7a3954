"""`/healthz` and `/readyz`: what a balancer asks."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import downgrade

from tests.databases import Database, settings_for
from webapp import create_app
from webapp.extensions import db


def test_alive_and_ready_without_signing_in(client: FlaskClient) -> None:
    """Both are open to anyone and say so in words."""
    assert (client.get("/healthz").status_code, client.get("/healthz").text) == (200, "alive\n")
    assert (client.get("/readyz").status_code, client.get("/readyz").text) == (200, "ready\n")


def test_not_ready_before_the_migrations(app: Flask, client: FlaskClient) -> None:
    """A database that lacks tables is named with the command that brings them; the process is alive all the same."""
    with app.app_context():
        downgrade(revision="base")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "flask --app wsgi db upgrade" in answer.text
    assert answer.headers["Retry-After"] == "5"
    assert client.get("/healthz").status_code == 200


def test_not_ready_without_the_database(tmp_path: Path) -> None:
    """A database that cannot be opened is said without its address."""
    app = create_app(settings_for(Database("sqlite", f"sqlite:///{tmp_path}/no such folder/examhall.db", tmp_path)))
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.text) == (503, "The database does not answer.\n")
    assert app.test_client().get("/healthz").status_code == 200
    with app.app_context():
        db.engine.dispose()


def test_not_ready_without_the_bus(app: Flask, client: FlaskClient) -> None:
    """A bus that is away is named."""

    class AwayBus:
        is_ready = False

    app.extensions["examhall_push"].bus = AwayBus()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "The message bus does not answer.\n")


def test_wrong_verb(client: FlaskClient) -> None:
    """They are read, never written."""
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.delete(path).status_code == 405
