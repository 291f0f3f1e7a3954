"""Candidates who were offline during their exam keep a mark of it (the monitor's warning triangle)."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.among import among
from webapp.models import ATTEMPTS, Candidacy
from webapp.models.derived import is_writing


def mark_was_offline(session: Session, user_ids: list[int]) -> None:
    """Mark the candidacies in progress of people who have come back; called inside the presence transaction."""
    session.execute(
        update(ATTEMPTS)
        .where(among(Candidacy.user_id, user_ids), is_writing(), Candidacy.was_offline.is_(False))
        .values(was_offline=True)
    )
