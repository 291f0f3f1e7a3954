"""Incidents as tests start and end them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.actions.taken import SECRET
from webapp.access import Right, access_scope
from webapp.actions.incidents import EndForm, StartForm, end_incident, start_incident
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.messaging.audience import Selection, Tokens
from webapp.models import (
    Candidacy,
    CandidateAction,
    IncidentCandidacy,
    User,
)
from webapp.monitor.filters import Filter
from webapp.monitor.incidents import open_incidents

NOW = utcnow()
EARLIER = NOW - timedelta(minutes=10)
ROOM = Selection(Filter({"room": ("Room 1",)}))


def picked(*candidacies: int) -> Selection:
    return Selection(Filter(), listed=tuple(sorted(candidacies)))


def start(
    session: Session,
    actor: User,
    selection: Selection,
    *,
    at: datetime = NOW,
    shown: set[int] | None = None,
    **fields: str,
) -> CandidateAction:
    """Start an incident; `shown` are the candidacies that the form of a filter showed."""
    tokens = Tokens(SECRET, actor.id, by_candidacy=True)
    token = "" if shown is None else tokens.sign(selection, shown)
    form = StartForm(fields.pop("reason", "Power cut"), selection, token, **fields)
    return start_incident(session, actor, form, now=at, limit=1500, tokens=tokens)


def end(session: Session, actor: User, incident: int, at: datetime, key: str = "") -> CandidateAction:
    form = EndForm(incident, idempotency_key=key) if key else EndForm(incident)
    return end_incident(session, actor, form, now=at)


def set_columns(session: Session, candidacy_id: int, **columns: object) -> None:
    with writing(session):
        session.execute(update(Candidacy).where(Candidacy.id == candidacy_id).values(**columns))


def number_of(action: CandidateAction) -> int:
    number: int = json.loads(action.outcome)["incident"]
    return number


def members(session: Session, incident: int) -> set[int]:
    query = select(IncidentCandidacy.candidacy_id).where(IncidentCandidacy.incident_id == incident)
    return set(session.scalars(query))


def shown_to(session: Session, actor: User) -> list[tuple[int, str, int, list[str]]]:
    """The incidents on somebody's monitor."""
    scope = access_scope(session, actor, Right.WATCH, NOW)
    return [(one.id, one.reason, one.paused, list(one.rooms)) for one in open_incidents(session, scope)]
