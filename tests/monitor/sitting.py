"""Whom a filter finds, and a test with candidacies by name."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.hall import Hall
from webapp.access import AccessScope
from webapp.clock import utcnow
from webapp.models import Candidacy
from webapp.monitor.filters import parse_filter
from webapp.monitor.query import select_candidacies

EVERYTHING = AccessScope(everything=True, roles={}, rooms={})


def found(
    session: Session, *pairs: tuple[str, str], within: AccessScope = EVERYTHING, now: datetime | None = None
) -> set[int]:
    asked = parse_filter(MultiDict(pairs), ZoneInfo("UTC"))
    ids = list(session.scalars(select_candidacies(within, asked, now or utcnow())))
    assert len(ids) == len(set(ids))
    return set(ids)


class Sitting:
    """A test with one candidacy for each situation, by name."""

    def __init__(self, hall: Hall, title: str = "Algebra") -> None:
        self.hall, self.session, self.now = hall, hall.session, utcnow()
        self.test = hall.test(title)
        self.ids: dict[str, int] = {}

    def add(self, name: str, *, seen: timedelta | None = timedelta(0), **fields: object) -> Candidacy:
        one = self.hall.candidacy(self.test, **fields)
        if seen is not None:
            self.hall.seen(one.user_id, seen + (utcnow() - self.now))  # before the moment that `names` asks for
        self.ids[name] = one.id
        return one

    def names(self, *pairs: tuple[str, str]) -> set[str]:
        ids = found(self.session, *pairs, now=self.now)
        return {name for name, number in self.ids.items() if number in ids}
