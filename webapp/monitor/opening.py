"""When the monitor opens for somebody who has no test open now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import ENTRY_BEFORE_START
from webapp.models import Contribution, Test, User


@dataclass(frozen=True)
class Opening:
    """The next test that opens for a person."""

    title: str
    opens_at: datetime


def next_opening(session: Session, actor: User, now: datetime) -> Opening | None:
    """The test of this contributor whose access window begins next; None if nothing is ahead."""
    found = session.execute(
        select(Test.title, Test.starts_at)
        .join(Contribution, Contribution.test_id == Test.id)
        .where(
            Contribution.user_id == actor.id,
            Test.closed_at.is_(None),
            Test.starts_at > now + ENTRY_BEFORE_START,
        )
        .order_by(Test.starts_at, Test.title)
        .limit(1)
    ).first()
    return None if found is None else Opening(found.title, found.starts_at - ENTRY_BEFORE_START)
