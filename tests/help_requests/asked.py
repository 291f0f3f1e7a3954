"""People who ask for help, and staff who see it, as browsers do."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from webapp.models import Candidacy, HelpRequest, LogEntry, LogSubject, User


def client_of(app: Flask, hall: Hall, candidacy: Candidacy) -> FlaskClient:
    """The browser of a candidate."""
    return signed_in(app, hall.session.get_one(User, candidacy.user_id))


def press(client: FlaskClient, address: str, *, script: bool = True, **fields: Any) -> TestResponse:
    """Post a form, as a script does or without one."""
    form = {"csrf_token": csrf(client), **fields}
    return client.post(address, data=form, headers=HTMX if script else None)


def ask(
    client: FlaskClient, test_id: int, kind: str = "question", text: str = "", *, script: bool = True
) -> TestResponse:
    """Ask for help."""
    return press(client, f"/tests/{test_id}/help", script=script, kind=kind, text=text)


def queue_of(client: FlaskClient) -> list[int]:
    """The requests on a person's queue, in its order."""
    return [int(number) for number in re.findall(r'data-help="(\d+)"', client.get("/help").text)]


def state_on_page(client: FlaskClient, test_id: int) -> str:
    """What a candidate's page says of their request."""
    page = client.get(f"/tests/{test_id}").text
    found = re.search(r'data-help-panel="\d+" data-state="(\w+)"', page)
    told = re.search(r'data-sitting="\d+".*?data-help-state="(\w+)"', page)
    assert found
    assert told
    assert found[1] == told[1]
    return found[1]


def requests(session: Session) -> list[HelpRequest]:
    """All requests, as they are now."""
    session.rollback()
    return list(session.scalars(select(HelpRequest).order_by(HelpRequest.id)))


def logged(session: Session) -> list[tuple[str, str, str, list[int]]]:
    """(action, actor, role, candidacies) of each entry about help."""
    session.rollback()
    rows = session.scalars(select(LogEntry).where(LogEntry.action.startswith("help.")).order_by(LogEntry.id)).all()
    subjects = select(LogSubject.candidacy_id)
    return [
        (
            row.action,
            row.actor_name,
            row.actor_role,
            list(session.scalars(subjects.where(LogSubject.entry_id == row.id))),
        )
        for row in rows
    ]


def details(session: Session) -> list[dict[str, Any]]:
    """What each entry about help says."""
    session.rollback()
    rows = session.scalars(select(LogEntry.detail).where(LogEntry.action.startswith("help.")).order_by(LogEntry.id))
    return [json.loads(row) for row in rows]
