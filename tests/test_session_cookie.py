"""The session cookie: no script reads it, no other site sends it, and over TLS it never goes out in the clear."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_flags_of_the_cookie(client: FlaskClient, scheme: str, secure: bool) -> None:
    cookie = client.get("/login", base_url=f"{scheme}://exams.example").headers["Set-Cookie"]
    assert cookie.startswith("examhall_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) is secure
