"""What the monitor shows of a candidacy. Moments are whole minutes, so that what looks equal is equal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import compress
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, case, func, literal, type_coerce
from sqlalchemy.orm import Session

from webapp.db.sql import DialectExpression
from webapp.db.types import microseconds
from webapp.models import Candidacy, Test, User
from webapp.models.status import MINUTE, Moment, constant, has_warning, is_online, is_writing, own_end, progress
from webapp.models.status import Warning as CandidateWarning
from webapp.monitor.presentation import Presentation
from webapp.planning.search_text import planners_of

WARNINGS = tuple(one.value for one in CandidateWarning)


class CandidateRow(NamedTuple):
    """A candidacy as the monitor shows it, just as the database says it: a page has fifty, and is asked for often.

    Moments are minutes since 1970 (`moment_of_minute`), durations minutes on a clock without seconds: all rows step at
    the same time, so a list stays equal for a minute.
    """

    id: int
    test_id: int
    name: str
    number: str
    flagged: bool
    was_offline: bool
    """Came back from a long absence at any time."""
    online: bool
    progress: str
    last_seen: int | None
    """None while online and for people who never came."""
    warning_offline: bool
    warning_idle: bool
    warning_timed_out: bool
    warning_was_offline: bool
    saved: int | None
    spent: int | None
    remaining: int | None
    room: str
    seat: str
    test: str
    test_start: int
    test_end: int
    started: int | None
    submitted: int | None
    group: str
    extra: int
    incident: int
    id_checked: bool
    attendance: str | None
    building: str
    question_set: str
    planner: str

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of `models.status.Warning` that it carries."""
        held = (self.warning_offline, self.warning_idle, self.warning_timed_out, self.warning_was_offline)
        return tuple(compress(WARNINGS, held))

    @property
    def ever_offline(self) -> bool:
        """Offline before, or now."""
        return self.was_offline or self.warning_offline

    @property
    def submitted_once(self) -> bool:
        """Whether a submission is there."""
        return self.submitted is not None


MOMENTS = frozenset({"last_seen", "saved", "test_start", "test_end", "started", "submitted"})
"""The fields that hold a minute since 1970."""


def moment_of_minute(minute: int) -> datetime:
    """The moment at which a minute since 1970 begins."""
    return datetime.fromtimestamp(minute * 60, UTC)


def shown(matches: Select[Any], now: Moment) -> Select[Any]:
    """The same candidacies with every column that a row needs, in the order of `CandidateRow`, without the planner."""
    at = literal(microseconds(now), BigInteger) if isinstance(now, datetime) else now
    begun = Candidacy.started_at
    until = func.coalesce(type_coerce(Candidacy.submitted_at, BigInteger), Candidacy.withdrawn_at, at)
    facts: dict[str, Any] = {
        **{field: getattr(Candidacy, field) for field in CandidateRow._fields if hasattr(Candidacy, field)},
        "name": User.name,
        "was_offline": Candidacy.back_at.is_not(None),
        "online": is_online(now),
        "progress": progress(),
        "last_seen": case((~is_online(now), _minute(Candidacy.last_seen))),
        **{f"warning_{one}": has_warning(one, now) for one in CandidateWarning},
        "saved": _minute(Candidacy.saved_at),
        "spent": case((begun.is_not(None), _not_below_zero(_minute(until) - _minute(begun)))),
        "remaining": case((is_writing(), _not_below_zero(_minute(own_end(), MINUTE - 1) - _minute(at)))),
        "test": Test.title,
        "test_start": _minute(Test.starts_at),
        "test_end": _minute(Test.ends_at),
        "started": _minute(begun),
        "submitted": _minute(Candidacy.submitted_at),
        "group": Candidacy.group_name,
        "extra": Candidacy.extra_minutes,
        "incident": Candidacy.incident_minutes,
    }
    columns = [facts[field].label(field) for field in CandidateRow._fields if field != "planner"]
    return matches.with_only_columns(*columns, maintain_column_froms=True)


def _minute(moment: Any, and_so_long: int = 0) -> ColumnElement[int]:
    exact = type_coerce(moment, BigInteger)
    return (exact + constant(and_so_long) if and_so_long else exact) // constant(MINUTE)


def _not_below_zero(minutes: ColumnElement[int]) -> ColumnElement[int]:
    of_two = (minutes, constant(0))
    return DialectExpression(on_postgresql=func.greatest(*of_two), on_sqlite=func.max(*of_two), type_=BigInteger())


def as_rows(found: Iterable[Any], planners: dict[int, str]) -> list[CandidateRow]:
    """Rows of `shown()` in the terms of the page."""
    return [CandidateRow._make((*row, planners.get(row.test_id, ""))) for row in found]


def planner_names(session: Session, test_ids: set[int], presentation: Presentation) -> dict[int, str]:
    """Test id → its planners' names; asked for only where that column is shown."""
    if "planner" not in presentation.columns:
        return {}
    return {number: ", ".join(names) for number, names in planners_of(session, test_ids).items()}
