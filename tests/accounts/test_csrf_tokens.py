"""A script's token is verified once, and is good for its own session only, however often it was good before."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.hall import Hall, signed_in


def token_of(client: FlaskClient) -> str:
    """The token that the pages of this browser carry for their scripts."""
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


def ping(client: FlaskClient, token: str | None) -> int:
    return client.post("/ping", headers={} if token is None else {"X-CSRFToken": token}).status_code


@pytest.fixture
def ada(app: Flask, hall: Hall) -> FlaskClient:
    return signed_in(app, hall.person())


def test_a_page_goes_on_with_its_token(ada: FlaskClient) -> None:
    token = token_of(ada)
    assert [ping(ada, token) for _ in range(3)] == [204, 204, 204]


def test_it_is_nobody_elses(app: Flask, hall: Hall, ada: FlaskClient) -> None:
    token, bob = token_of(ada), signed_in(app, hall.person())
    assert ping(ada, token) == 204
    assert ping(bob, token) == 400  # whose session has none yet
    assert ping(bob, token_of(bob)) == 204
    assert ping(bob, token) == 400


def test_it_ends_with_its_session(app: Flask, hall: Hall) -> None:
    client = signed_in(app, hall.person())
    token = token_of(client)
    assert ping(client, token) == 204
    with client.session_transaction() as cookie:
        del cookie["csrf_token"]
    answer = client.post("/ping", headers={"X-CSRFToken": token})
    assert (answer.status_code, answer.headers["X-Examhall-Refusal"]) == (400, "stale_form")


def test_none_and_forged_ones_are_refused(ada: FlaskClient) -> None:
    token = token_of(ada)
    for wrong in (None, "", "forged", token[:-1], token + "x", token.swapcase(), "é", "." * 2000):
        assert ping(ada, wrong) == 400, wrong
    assert ping(ada, token) == 204
