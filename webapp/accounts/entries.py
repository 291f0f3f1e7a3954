"""Entries of the log about an account, with all candidacies of its person: staff of each of their tests see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.logbook.append import Actor, append, lock_head, write_subjects
from webapp.models import Candidacy, Test, User

PASSWORD_SET = "account.password_set"  # noqa: S105 the name of an action
UNLOCKED = "account.unlocked"
DEACTIVATED = "account.deactivated"
REACTIVATED = "account.reactivated"
ROLE_CHANGED = "account.role_changed"


def note(session: Session, user: User, actor: Actor, action: str, now: datetime, **detail: Any) -> None:
    """Write the entry, within `writing()`; the log's head is locked from here on."""
    head = lock_head(session)
    candidacies = (
        select(Candidacy.id)
        .join(Test, Test.id == Candidacy.test_id)
        .join(User, User.id == Candidacy.user_id)
        .where(Candidacy.user_id == user.id)
    )
    append(
        session,
        head,
        at=now,
        actor=actor,
        action=action,
        detail={"username": user.username, **detail},
        subjects=write_subjects(session, head, candidacies),
    )
