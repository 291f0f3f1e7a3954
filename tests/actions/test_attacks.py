"""R6, R28: what no form sends, sent to actions, incidents, views and settings: refused, and never a 500."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.actions.action_form import at_once
from tests.actions.taken import entries
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from tests.nightly import at_night
from webapp.models import Test as Exam
from webapp.models import User

pytestmark = [pytest.mark.one_database("postgresql"), pytest.mark.thorough]

HOSTILE = ["", "0" * 19 + "1" + "9" * 20, "9" * 5000, str(2**31), "1\x00", "\x07", "<script>", "{minutes}" * 900]
STEP = 8
VALUES = ("room", "seat", "note", "minutes", "mode", "attendance", "reason", "seen")
FILTER = ("candidate", "scope", "q", "test", "state", "sort", "audience", "idempotency_key", "unknown")
MESSAGE = ("reason", "subject", "body", "tell", "room")
FIELDS = {
    "/candidates/actions/new": ("action", *VALUES, *FILTER),
    "/candidates/actions": ("action", *VALUES, *FILTER),
    "/candidates/actions/1/undo": ("idempotency_key", "unknown"),
    "/incidents/new": (*MESSAGE, *FILTER),
    "/incidents": (*MESSAGE, *FILTER),
    "/incidents/1/end": ("subject", "body", "tell", "idempotency_key", "unknown"),
    "/monitor/views": ("name", "query", "unknown"),
    "/monitor/views/1/rename": ("name", "unknown"),
    "/monitor/views/1/share": ("test", "unknown"),
    "/monitor/views/1/default": ("default", "unknown"),
    "/monitor/settings": ("sort", "column", "density", "query", "move", "unknown"),
}
READ = {
    "/candidates/actions/new": FIELDS["/candidates/actions/new"],
    "/incidents/new": FIELDS["/incidents/new"],
    "/monitor": ("view", "test", "state", "sort", "column", "page", "move", "room", "not_seen_for", "unknown"),
    "/monitor/plan": ("view", "test", "state", "room", "unknown"),
    "/monitor/views": ("name", "test", "state", "sort", "column", "unknown"),
    "/monitor/filters/room": ("test", "room", "q", "unknown"),
    "/monitor/filters/times": ("from", "not_saved_for", "unknown"),
    "/monitor/alerts": ("test", "q", "unknown"),
    "/log": ("test", "page", "q", "action", "from"),
    "/monitor/candidates/1": ("test", "unknown"),
}
MANY = {"test", "room", "state", "column", "candidate", "unknown"}
"""Parameters of which an address may have several."""
USUAL: dict[str, dict[str, str]] = {
    "/candidates/actions/new": {"action": "extra_time", "candidate": "1"},
    "/candidates/actions": {"action": "room", "room": "Room 1", "candidate": "1", "idempotency_key": "k", "seen": "0"},
    "/incidents/new": {"candidate": "1"},
    "/incidents": {"candidate": "1", "reason": "r", "idempotency_key": "k", "subject": "s", "body": "b", "tell": "yes"},
    "/incidents/1/end": {"idempotency_key": "k", "subject": "s", "body": "b {minutes}", "tell": "yes"},
    "/monitor/views": {"name": "v", "query": "room=Room+1"},
    "/monitor/views/1/share": {"test": "1"},
    "/monitor/views/1/default": {"default": "yes"},
    "/monitor/settings": {"sort": "room", "column": "name"},
}


thoroughly = pytest.mark.parametrize("step", [STEP, *at_night(1)], ids=["some", "all"])
"""By day each field gets one of the values, and the next field the next one; at night each gets all."""


def hostile(place: int, step: int) -> list[Any]:
    """Every `step`-th value, beginning with another one for each field."""
    return HOSTILE[place % step :: step]


@pytest.fixture
def browser(app: Flask, planner: User) -> FlaskClient:
    return signed_in(app, planner)


@pytest.fixture
def prepared(hall: Hall, test: Exam, browser: FlaskClient) -> dict[str, str]:
    """An action, an incident and a view with the number 1; gives the headers of HTMX with a token."""
    hall.candidacy(test)
    headers = {**HTMX, "X-CSRFToken": csrf(browser)}
    at_once(browser, "flag", candidate="1")
    browser.post("/incidents", data=USUAL["/incidents"] | {"idempotency_key": "first"}, headers=headers)
    browser.post("/monitor/views", data=USUAL["/monitor/views"] | {"name": "first"}, headers=headers)
    return headers


@thoroughly
@pytest.mark.parametrize("address", FIELDS)
def test_no_value_of_any_field_is_an_error_of_the_server(
    browser: FlaskClient, prepared: dict[str, str], address: str, step: int
) -> None:
    usual = USUAL.get(address, {})
    for place, name in enumerate(FIELDS[address]):
        for value in [*hostile(place, step), [usual.get(name, "1"), "2"]]:
            answer = browser.post(address, data={**usual, name: value}, headers=prepared)
            assert answer.status_code < 500, (name, value[:50])
            assert "<script>" not in answer.text


@thoroughly
def test_no_value_of_any_parameter_is_an_error_of_the_server(
    browser: FlaskClient, prepared: dict[str, str], step: int
) -> None:
    """Neither on a page, whose bar above it names tests, nor on the page that refuses it."""
    for address, (place, name) in ((address, each) for address, names in READ.items() for each in enumerate(names)):
        usual = USUAL.get(address, {}) if address.endswith("/new") else {}
        many = [[str(number) for number in range(1, 1500)]] if step == 1 or name in MANY else []
        for value in [*hostile(place, step), *many]:
            answer = browser.get(address, query_string={**usual, name: value})
            assert answer.status_code < 500, (address, name, value[:50])
            assert value != "<script>" or value not in answer.text.replace(
                "<script>", "", answer.text.count("<script>\n")
            )


def test_a_form_without_its_token_changes_nothing(
    browser: FlaskClient, prepared: dict[str, str], session: Session
) -> None:
    before = entries(session)
    for address in FIELDS:
        assert browser.post(address, data=USUAL.get(address, {}), headers=HTMX).status_code == 400, address
        assert entries(session) == before, address
