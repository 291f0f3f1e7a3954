"""Candidates who were away during their exam: that they came back, and when, is noted for the monitor."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.db.sql import id_in
from webapp.models import Candidacy
from webapp.models.status import is_writing


def note_return(session: Session, user_ids: list[int], moment: datetime) -> None:
    """Note in the candidacies in progress of these people that they have come back at `moment` from a long absence.

    Called inside the presence transaction.
    """
    own = id_in(Candidacy.user_id, user_ids)
    session.connection().execute(update(Candidacy).where(own, is_writing()).values(back_at=moment))
