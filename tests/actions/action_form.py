"""An action's form as a browser would post it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.messaging.compose_form import HIDDEN, HTMX, csrf


def fields_of(answer: TestResponse) -> MultiDict[str, str]:
    """The hidden fields of the form in an answer."""
    form = answer.text[answer.text.index('id="action-form"') :]
    return MultiDict((name, unescape(value)) for name, value in HIDDEN.findall(form))


def open_form(client: FlaskClient, action: str, **selection: Any) -> MultiDict[str, str]:
    """Open the form and give its fields."""
    answer = client.get("/candidates/actions/new", query_string={"action": action, **selection}, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return fields_of(answer)


def press(client: FlaskClient, form: MultiDict[str, str], **values: Any) -> TestResponse:
    """Press the form's button as HTMX does, with these values typed below its hidden fields."""
    filled = MultiDict(form)
    for name, value in values.items():
        filled.add(name, value)
    return client.post("/candidates/actions", data=filled, headers=HTMX)


def at_once(client: FlaskClient, action: str, **fields: Any) -> TestResponse:
    """One press in a row's menu: without a form, as a script posts it."""
    token = csrf(client)
    form = {"action": action, "idempotency_key": "one-press", **fields}
    return client.post("/candidates/actions", data=form, headers={**HTMX, "X-CSRFToken": token})


def undo(client: FlaskClient, answer: TestResponse, **headers: str) -> TestResponse:
    """Press Undo in an outcome."""
    address = re.search(r'action="(/candidates/actions/\d+/undo)"', answer.text)
    assert address, answer.text
    return client.post(address[1], headers={**HTMX, "X-CSRFToken": csrf(client), **headers})
