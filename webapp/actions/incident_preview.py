"""What the page of an incident shows: whom it has paused, and what they have lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Right, access_scope
from webapp.actions.incidents import candidacies_of, find_incident
from webapp.actions.kinds import lost_minutes
from webapp.models import Candidacy, Incident, IncidentCandidacy, Test, User
from webapp.models.status import state
from webapp.monitor.incidents import IS_IN_IT
from webapp.monitor.words import candidate_in_words


@dataclass(frozen=True)
class IncidentShown:
    """An incident with those whom it has paused."""

    incident: Incident
    started_by: str
    candidates: Sequence[tuple[str, str, str, bool]]
    """(in words, room, state, still paused by it), by room and name."""
    minutes: int
    """Lost so far, or when it had ended."""

    @property
    def paused(self) -> int:
        """How many are still paused by it."""
        return sum(is_in_it for *_, is_in_it in self.candidates)


def look_at_incident(session: Session, actor: User, incident_id: int, now: datetime) -> IncidentShown:
    """What the page of an incident shows at a moment. Raises as `find_incident`."""
    incident = find_incident(session, actor, incident_id, now)
    scope = access_scope(session, actor, Right.MANAGE, now)
    columns = User.name, Candidacy.number, Candidacy.seat, Candidacy.room, state(now).label("state")
    query = candidacies_of(incident_id).join(Incident, Incident.id == IncidentCandidacy.incident_id)
    query = query.with_only_columns(*columns, IS_IN_IT.label("is_in_it")).where(
        scope.condition(), Test.closed_at.is_(None)
    )
    rows = session.execute(query.order_by(Candidacy.room, Candidacy.sort_name, Candidacy.id)).all()
    return IncidentShown(
        incident,
        session.scalars(select(User.name).where(User.id == incident.started_by)).one(),
        [(candidate_in_words(row.name, row.number, row.seat), row.room, row.state, row.is_in_it) for row in rows],
        lost_minutes(incident.started_at, incident.ended_at or now),
    )
