"""A compose form as a browser would post it: what the dialog gave, and a text."""

from __future__ import annotations

import re
import secrets
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')
HTMX = {"HX-Request": "true"}


def fields_of(answer: TestResponse) -> MultiDict[str, str]:
    """The hidden fields of the compose form in an answer."""
    return fields_in(answer.text)


def fields_in(html: str) -> MultiDict[str, str]:
    """The hidden fields of the compose form in a dialog or page."""
    form = html[html.index("data-compose") :]
    return MultiDict((name, unescape(value)) for name, value in HIDDEN.findall(form))


def open_dialog(client: FlaskClient, **selection: Any) -> MultiDict[str, str]:
    """Open the dialog and give the fields of its form."""
    answer = client.get("/messages/new", query_string=selection, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return fields_of(answer)


def csrf(client: FlaskClient) -> str:
    """The CSRF token of this browser's session, as any page would carry it; that one does has tests of its own."""
    with client.session_transaction() as session:
        secret = session.setdefault("csrf_token", secrets.token_hex(20))
    return str(URLSafeTimedSerializer(client.application.secret_key, salt="wtf-csrf-token").dumps(secret))


def reopen(client: FlaskClient, address: str = "/messages/new", **fields: Any) -> TestResponse:
    """Post to the dialog's address, as the monitor does for many candidates and the dialog for a part."""
    return client.post(address, data=fields, headers={**HTMX, "X-CSRFToken": csrf(client)})


def post(client: FlaskClient, form: MultiDict[str, str], **changes: Any) -> TestResponse:
    """Press Send as HTMX does, with a text unless the form has one."""
    filled = MultiDict(form)
    for name, value in {"subject": "Please note", "body": "Ten more minutes.", **changes}.items():
        filled.setlist(name, value if isinstance(value, list) else [value])
    return client.post("/messages", data=filled, headers=HTMX)
