"""After signing in, people go to a page of this site, whatever the address says."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.accounts.sign_in_form import PASSWORD, submit_sign_in
from tests.hall import Hall
from webapp.accounts.passwords import hash_generated
from webapp.web.security import safe_address

OUTSIDE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "\x01//evil.example",
    " //evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "?next=x",
    "/a\\b",
    "/\x85/evil.example",
    "/" + "a" * 5000,
    "/\udc80",
    "//[",
    "/login",
    "/logout",
    "",
    None,
]


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_leads_elsewhere_leads_to_the_start(address: str | None) -> None:
    assert safe_address(address) == "/"


@pytest.mark.parametrize("address", ["/", "/monitor?q=a&room=Sal%20C9#x", "/monitor?next=//b", "/tests/1"])
def test_pages_of_this_site_are_kept(address: str) -> None:
    assert safe_address(address) == address


@pytest.mark.one_database
def test_the_form_does_not_lead_elsewhere(app: Flask, hall: Hall) -> None:
    hall.person(username="anna", password_hash=hash_generated(PASSWORD))
    for address in ("//evil.example", "/\\evil.example", "https://evil.example/", "/\t/evil.example"):
        assert submit_sign_in(app.test_client(), "anna", PASSWORD, address).location == "/", address


@pytest.mark.one_database
def test_the_form_leads_on(client: FlaskClient, hall: Hall) -> None:
    hall.person(username="anna", password_hash=hash_generated(PASSWORD))
    assert submit_sign_in(client, "anna", PASSWORD, "/monitor?q=%C3%A9").location == "/monitor?q=%C3%A9"


@pytest.mark.one_database
def test_a_mistyped_password_does_not_forget_where_to_go(client: FlaskClient) -> None:
    assert 'name="next" value="/monitor?q=a"' in submit_sign_in(client, "anna", "wrong", "/monitor?q=a").text
