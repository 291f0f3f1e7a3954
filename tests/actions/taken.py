"""Actions as tests take them, and what they have written."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actions.kinds import KINDS
from webapp.actions.outcome import Outcome
from webapp.actions.taking import ActionForm, take
from webapp.clock import utcnow
from webapp.messaging.audience import Selection, Tokens
from webapp.models import Candidacy, CandidateAction, LogEntry, LogSubject, User
from webapp.monitor.filters import Filter

SECRET = "for tests"


def form_for(action: str, *candidacies: int, seen: int | None = None, **fields: str) -> ActionForm:
    """A form for picked candidates."""
    return ActionForm(KINDS[action], fields, Selection(Filter(), listed=tuple(sorted(candidacies))), seen=seen)


def carry(session: Session, actor: User, form: ActionForm, now: datetime | None = None) -> CandidateAction:
    """Take an action."""
    return take(
        session, actor, form, now=now or utcnow(), limit=1500, tokens=Tokens(SECRET, actor.id, by_candidacy=True)
    )


def outcome_of(action: CandidateAction) -> Outcome:
    """What it did."""
    return Outcome.of(json.loads(action.outcome))


def reasons(action: CandidateAction) -> dict[str, list[int]]:
    """Why it could not reach whom."""
    return {obstacle.why: obstacle.candidacies for obstacle in outcome_of(action).obstacles}


def entries(session: Session) -> list[tuple[str, dict[str, Any], set[int]]]:
    """The log: action, detail and subjects of each entry."""
    session.rollback()
    return [
        (entry.action, json.loads(entry.detail), set(session.scalars(subjects.where(LogSubject.entry_id == entry.id))))
        for entry in session.scalars(select(LogEntry).order_by(LogEntry.id))
    ]


subjects = select(LogSubject.candidacy_id)


def stands(session: Session, candidacy_id: int, *names: str) -> Any:
    """Columns of a candidacy, as they are stored."""
    session.rollback()
    row = session.execute(select(*(getattr(Candidacy, name) for name in names)).where(Candidacy.id == candidacy_id))
    values = row.one()
    return values[0] if len(names) == 1 else tuple(values)
