"""The incidents that have not ended, as the monitor shows them to those who may end them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, and_, case, false, func, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope, Right
from webapp.db.sql import PREPARED
from webapp.models import Candidacy, Incident, IncidentCandidacy, Test

ROOMS_NAMED = 3
OPEN = select(Incident.id).where(Incident.ended_at.is_(None)).execution_options(**PREPARED)
IS_IN_IT = and_(
    func.coalesce(Candidacy.paused_at == Incident.started_at, false()),
    Candidacy.submitted_at.is_(None),
    Candidacy.withdrawn_at.is_(None),
)
"""Still paused by the incident: nobody has resumed, withdrawn or submitted this candidacy since. Never NULL."""


@dataclass(frozen=True)
class OpenIncident:
    """An incident that has not ended."""

    id: int
    reason: str
    started_at: datetime
    paused: int
    """How many are still paused by it."""
    rooms: Sequence[str]
    """The first few, by name."""
    more_rooms: int


def open_incidents(session: Session, scope: AccessScope) -> list[OpenIncident]:
    """The incidents that somebody with this scope may end: all of their candidates are in tests and rooms of theirs."""
    tests = scope.tests_with(Right.MANAGE)
    if not tests or not (ids := session.connection().scalars(OPEN).all()):
        return []
    by_incident: dict[int, list[Row[tuple[int, str, datetime, int, str, int, int]]]] = {}
    is_reached = case((and_(Candidacy.test_id.in_(sorted(tests)), scope.condition()), 1), else_=0)
    rows = session.execute(
        select(
            *(Incident.id, Incident.reason, Incident.started_at, Candidacy.test_id, Candidacy.room),
            func.sum(case((IS_IN_IT, 1), else_=0)).label("paused"),
            func.min(is_reached).label("is_reached"),
        )
        .join(IncidentCandidacy, IncidentCandidacy.incident_id == Incident.id)
        .join(Candidacy, Candidacy.id == IncidentCandidacy.candidacy_id)
        .join(Test, Test.id == Candidacy.test_id)
        .where(Incident.id.in_(ids), Test.closed_at.is_(None))
        .group_by(Incident.id, Candidacy.test_id, Candidacy.room)
        .order_by(Incident.started_at, Incident.id, Candidacy.room)
    )
    for row in rows:
        by_incident.setdefault(row.id, []).append(row)
    return [_incident(parts) for parts in by_incident.values() if all(part.is_reached for part in parts)]


def _incident(parts: Collection[Row[tuple[int, str, datetime, int, str, int, int]]]) -> OpenIncident:
    first = next(iter(parts))
    rooms = list(dict.fromkeys(part.room for part in parts if part.room))
    paused = sum(part.paused for part in parts)
    more = max(0, len(rooms) - ROOMS_NAMED)
    return OpenIncident(first.id, first.reason, first.started_at, paused, rooms[:ROOMS_NAMED], more)
