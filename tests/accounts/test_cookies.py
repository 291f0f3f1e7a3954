"""The session cookie: its name tells two installations on one host apart, and over TLS it is this host's alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.accounts.sign_in_form import PASSWORD, submit_sign_in
from tests.databases import SECRET_KEY, Database, settings_for
from tests.hall import Hall
from webapp import create_app
from webapp.accounts.passwords import hash_generated
from webapp.config import BadSetting, load
from webapp.web.security import cookie_name

pytestmark = pytest.mark.one_database


def cookies_set(answer_headers: list[str]) -> dict[str, set[str]]:
    """Name → attributes, but for how long it is kept."""
    found = {}
    for cookie in answer_headers:
        name, *attributes = cookie.split("; ")
        found[name.partition("=")[0]] = {one for one in attributes if not one.startswith(("Max-Age", "Expires"))}
    return found


def test_the_name_follows_from_key_and_database() -> None:
    """Processes of one installation have one, whatever their ports and hosts; other installations have others."""
    own = cookie_name(SECRET_KEY, "postgresql+psycopg://a:b@db:5432/hall")
    assert own == cookie_name(SECRET_KEY, "postgresql+psycopg://a:b@10.0.0.1/hall")
    others = {
        cookie_name(SECRET_KEY, "postgresql+psycopg://a:b@db:5432/other"),
        cookie_name(SECRET_KEY, "sqlite:////srv/one/examhall.db"),
        cookie_name(SECRET_KEY, "sqlite:////srv/two/examhall.db"),
        cookie_name(SECRET_KEY[::-1], "postgresql+psycopg://a:b@db:5432/hall"),
    }
    assert len(others | {own}) == 5


def test_a_setting_names_it(database: Database) -> None:
    settings = replace(settings_for(database), cookie_name="hall_two")
    assert create_app(settings).config["SESSION_COOKIE_NAME"] == "hall_two"


@pytest.mark.parametrize("name", ["1st", "a b", "a=b", "a;b", "é", "__Host-x", "a" * 51])
def test_a_name_that_no_cookie_can_have_stops_the_start(name: str) -> None:
    with pytest.raises(BadSetting, match="EXAMHALL_COOKIE_NAME"):
        load({"EXAMHALL_SECRET_KEY": SECRET_KEY, "EXAMHALL_COOKIE_NAME": name})


@pytest.mark.parametrize(
    ("scheme", "prefixes", "secure"), [("http", ("", ""), set()), ("https", ("__Host-", "__Secure-"), {"Secure"})]
)
def test_over_tls_cookies_are_bound_to_it(
    app: Flask, client: FlaskClient, hall: Hall, scheme: str, prefixes: tuple[str, str], secure: set[str]
) -> None:
    """A browser takes a name with `__Host-` from this host alone, over TLS, for all of its paths."""
    hall.person(username="anna", password_hash=hash_generated(PASSWORD))
    app.config["PREFERRED_URL_SCHEME"] = scheme  # what the test client asks by
    answer = submit_sign_in(client, "anna", PASSWORD)
    assert answer.status_code == 302
    name = app.config["SESSION_COOKIE_NAME"]
    assert cookies_set(answer.headers.getlist("Set-Cookie")) == {
        f"{prefixes[0]}{name}": {"HttpOnly", "Path=/", "SameSite=Lax"} | secure,
        f"{prefixes[1]}{name}_device": {"HttpOnly", "Path=/login", "SameSite=Lax"} | secure,
    }
    assert client.get("/inbox").status_code == 200


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "not set"),
        ("short", "32 characters"),
        ("a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P", "32 characters"),
        ("x" * 64, "variety"),
        ("password" * 4, "variety"),
        ("1234567890" * 4, "variety"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "variety"),
        ("correct horse battery staple and correct horse battery staple and ", "variety"),
        ("abcabcabd" * 5, "variety"),
        ("0" * 40 + "abcdef", "variety"),
    ],
    ids=lambda value: value[:12],
)
def test_a_weak_secret_key_stops_the_start_with_its_name(key: str, words: str) -> None:
    with pytest.raises(BadSetting, match=f"EXAMHALL_SECRET_KEY: .*{words}") as refused:
        load({"EXAMHALL_SECRET_KEY": key})
    assert "token_hex(32)" in str(refused.value)
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("key", [SECRET_KEY, "0f0f3a9c5e7b1d8f2a4c6e0b9d7f5a3c", "äöüäöüäöüwqnrtzx7 plmkjhbv29 fgh3"])
def test_a_key_with_variety_is_taken(key: str) -> None:
    assert load({"EXAMHALL_SECRET_KEY": key}).secret_key == key
