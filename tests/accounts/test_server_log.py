"""Who signed in and out, and who tried to get at others' things, is in the server's own log; without texts."""

from __future__ import annotations

import pytest
from flask import Flask
from structlog.testing import capture_logs

from tests.accounts.sign_in_form import PASSWORD, submit_sign_in, token_of
from tests.hall import Hall, signed_in
from webapp.accounts.passwords import hash_generated

pytestmark = pytest.mark.one_database


def test_signing_in_and_out_and_failing_to(app: Flask, hall: Hall) -> None:
    anna = hall.person(username="anna", password_hash=hash_generated(PASSWORD))
    browser = app.test_client()
    with capture_logs() as lines:
        submit_sign_in(browser, "anna", "a wrong password")
        submit_sign_in(browser, "anna", PASSWORD)
        browser.post("/logout", data={"csrf_token": token_of(browser)})
    told = [(line["event"], line.get("user_id"), line["address"]) for line in lines if "address" in line]
    assert told == [
        ("sign-in refused", None, "127.0.0.1"),
        ("signed in", anna.id, "127.0.0.1"),
        ("signed out", anna.id, "127.0.0.1"),
    ]
    assert PASSWORD not in str(lines)
    assert "wrong password" not in str(lines)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/tests/1?typed=secret", 404), ("POST", "/tests/1/start", 404), ("GET", "/monitor", 403)],
)
def test_attempts_on_others_things(app: Flask, hall: Hall, method: str, path: str, status: int) -> None:
    hall.candidacy(hall.test())
    stranger = hall.person()
    browser = signed_in(app, stranger)
    form = {"csrf_token": token_of(browser), "text": "secret"} if method == "POST" else None
    with capture_logs() as lines:
        assert browser.open(path, method=method, data=form).status_code == status
        assert browser.get("/no-such-page").status_code == 404
    refused = [line for line in lines if line["event"] == "refused"]
    path = path.partition("?")[0]
    expected = {"event": "refused", "log_level": "warning", "status": status, "method": method, "path": path}
    assert refused == [{**expected, "user_id": stranger.id}]
