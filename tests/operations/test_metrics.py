"""`/metrics`: figures for the operator, from this machine or with the token."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.databases import Database, application_on

pytestmark = pytest.mark.one_database

EXPECTED = (
    "examhall_open_streams",
    "examhall_notices_handed_out_total",
    "examhall_messages_sent_total",
    "examhall_deliveries_total",
    "examhall_presence_batch_count",
    "examhall_sweep_timestamp_seconds",
    "examhall_request_seconds_bucket",
)


def test_every_figure_is_there(client: FlaskClient) -> None:
    """In Prometheus' text format, with a content type that says so."""
    client.get("/healthz")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    for name in EXPECTED:
        assert re.search(rf"^{name}\b", answer.text, re.MULTILINE), name


def test_requests_are_counted_by_endpoint_and_status(client: FlaskClient) -> None:
    """Also those that are refused before a view is called, and those without a view."""
    before = counts(client)
    client.get("/healthz")
    client.get("/monitor")
    client.get("/no/such/page?q=somebody")
    after = counts(client)
    grown = {key for key in after if after[key] > before.get(key, 0)}
    assert {("operations.healthz", "200"), ("monitor.monitor", "302"), ("none", "404")} <= grown
    assert "somebody" not in client.get("/metrics").text


def test_a_proxy_on_this_machine_does_not_open_them(client: FlaskClient) -> None:
    """What a proxy hands on comes from elsewhere."""
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403, header


def test_from_this_machine(client: FlaskClient) -> None:
    for address in ("127.0.0.1", "127.9.9.9", "::1"):
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200, address


def test_not_from_elsewhere(client: FlaskClient) -> None:
    """Another machine, or a socket without an address, needs the token; and there is none by default."""
    for address in ("192.0.2.7", "", "unix:", "::ffff:192.0.2.7"):
        away = {"REMOTE_ADDR": address}
        assert client.get("/metrics", environ_base=away).status_code == 403, address
        bearer = {"Authorization": "Bearer None"}
        assert client.get("/metrics", environ_base=away, headers=bearer).status_code == 403, address


def test_the_token_opens_them_from_anywhere(database: Database) -> None:
    """The whole token in the scheme it is named for, and nothing less."""
    away = {"REMOTE_ADDR": "192.0.2.7"}
    with application_on(database, metrics_token="7c1e-token") as app:
        client = app.test_client()
        assert (
            client.get("/metrics", environ_base=away, headers={"Authorization": "Bearer 7c1e-token"}).status_code == 200
        )
        for given in ("Bearer 7c1e", "7c1e-token", "Bearer \xe9", ""):
            answer = client.get("/metrics", environ_base=away, headers={"Authorization": given})
            assert answer.status_code == 403, given


def test_registries_hold_nothing_but_ours(app: Flask) -> None:
    """No process or platform figures that nobody asked for."""
    text = app.test_client().get("/metrics").text
    names = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert names
    assert all(name.startswith("examhall_") for name in names)


def counts(client: FlaskClient) -> dict[tuple[str, str], float]:
    """(endpoint, status) → how many."""
    pattern = r'^examhall_request_seconds_count\{endpoint="([^"]+)",status="(\d+)"\} (\S+)$'
    found = re.findall(pattern, client.get("/metrics").text, re.MULTILINE)
    return {(endpoint, status): float(count) for endpoint, status, count in found}
