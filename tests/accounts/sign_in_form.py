"""Signing in the way a browser does: with the token of its session."""

from __future__ import annotations

import re
from urllib.parse import quote_from_bytes

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.messaging.compose_form import csrf

PASSWORD = "correct horse battery"


def token_of(client: FlaskClient, address: str = "/no-such-page") -> str:
    """The CSRF token of this browser's session: every page carries it, also one that says 404."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(address).text)
    assert found is not None
    return found[1]


def submit_sign_in(
    client: FlaskClient, username: str | bytes, password: str | bytes, next_address: str = ""
) -> TestResponse:
    """Send the sign-in form. Bytes go as they are, also where they are no text."""
    fields = {
        "username": username,
        "password": password,
        "next": next_address,
        "csrf_token": csrf(client),
    }
    body = "&".join(
        f"{name}={quote_from_bytes(value if isinstance(value, bytes) else value.encode())}"
        for name, value in fields.items()
    )
    return client.post("/login", data=body, content_type="application/x-www-form-urlencoded")
