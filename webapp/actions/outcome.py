"""What an action does to each candidacy: decided on locked rows, written by groups, and kept as JSON.

Whatever changes candidates in a transaction of its own (an incident) calls `carry_out` within `writing(session)`,
after `lock_head()` and `reach_audience()`, and puts the outcome into the entry's detail:

    outcome = carry_out(session, KINDS["pause"], {}, audience.candidacy_ids, now=now)
    append(session, head, …, action="incident.started", detail={…, **outcome.detail()}, subjects=audience.subjects)

`outcome.changed` has the ids of those that were changed now; who was paused before is in `outcome.unchanged`. Values
are those of `values.parse_values`, such as `{"minutes": 12, "mode": "add"}` for `KINDS["incident_time"]`. An entry with
such a detail whose action begins with `candidate.` or `incident.` counts as a colleague's change for all forms that
were open meanwhile.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from webapp.actions.kinds import MOST_MINUTES, OBSTACLES, Kind, Values
from webapp.db.sql import PREPARED, id_in
from webapp.db.types import UtcDateTime
from webapp.models import Candidacy, Incident, IncidentCandidacy
from webapp.models.status import own_end
from webapp.monitor.search_text import refresh_search_text

CHANGED: tuple[Any, ...] = (
    Candidacy.flagged, Candidacy.attendance, Candidacy.id_checked, Candidacy.note, Candidacy.paused_at,
    Candidacy.extra_minutes, Candidacy.incident_minutes, Candidacy.room, Candidacy.seat, Candidacy.withdrawn_at,
    Candidacy.submitted_at, Candidacy.blank,
)  # fmt: skip
"""All columns that actions change."""
_lost_until = (
    select(func.max(func.coalesce(Incident.ended_at, bindparam("now", type_=UtcDateTime))))
    .join(IncidentCandidacy, IncidentCandidacy.incident_id == Incident.id)
    .where(IncidentCandidacy.candidacy_id == Candidacy.id, Incident.started_at == Candidacy.paused_at)
    .scalar_subquery()
)
"""The end of the time lost by an incident that has paused a candidacy, or now; NULL for one that is paused alone."""
READ = (
    select(Candidacy.id, Candidacy.test_id, Candidacy.started_at, own_end().label("ends_at"), *CHANGED)
    .add_columns(_lost_until.label("lost_until"))
    .join(Candidacy.test)
    .where(id_in(Candidacy.id, "ids", many=True))
    .order_by(Candidacy.id)
    .execution_options(**PREPARED)
)
LOCKED = READ.with_for_update(of=Candidacy, key_share=True)


@dataclass(frozen=True)
class Change:
    """Candidacies with the same columns before, and the same after. Moments are ISO 8601 in UTC."""

    before: dict[str, Any]
    after: dict[str, Any]
    candidacies: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Obstacle:
    """Candidacies that an action could not reach: one of `OBSTACLES`, `too_much` (minutes), or `changed`."""

    why: str
    candidacies: list[int] = field(default_factory=list)
    by: str = ""
    """The colleague who has changed them since the form was shown."""
    stands: dict[str, Any] = field(default_factory=dict)
    """What stands, where it was changed."""


@dataclass(frozen=True)
class Outcome:
    """What an action did: whom it changed, for whom it stood so already, and whom it could not reach."""

    changes: list[Change] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> Self:
        """The outcome that a log entry's detail, or a stored action, has."""
        changes = [Change(**change) for change in detail["changes"]]
        return cls(changes, detail["unchanged"], [Obstacle(**found) for found in detail["obstacles"]])

    def detail(self) -> dict[str, Any]:
        """As a log entry's detail, or a stored action, has it."""
        changes, obstacles = [vars(change) for change in self.changes], [vars(each) for each in self.obstacles]
        return {"changes": changes, "unchanged": self.unchanged, "obstacles": obstacles}

    @property
    def changed(self) -> list[int]:
        """The ids of all candidacies that were changed."""
        return sorted(number for change in self.changes for number in change.candidacies)


def carry_out(
    session: Session,
    kind: Kind,
    values: Values,
    ids: Collection[int],
    *,
    now: datetime,
    colleagues: Mapping[int, str] = MappingProxyType({}),
) -> Outcome:
    """Lock these candidacies, decide for each of them, and write. Within `writing()`, with the head of the log locked.

    `colleagues` names, by candidacy, who has changed what this action changes since its form was shown: what they set
    stands.
    """

    def why_not(row: Any, new: dict[str, Any]) -> str | None:
        return obstacle(kind, row, new, now) or ("changed" if row.id in colleagues else None)

    outcome = decide(lock(session, ids, now), lambda row: kind.new(row, values, now), why_not, colleagues)
    write(session, outcome)
    return outcome


def lock(session: Session, ids: Collection[int], now: datetime) -> Sequence[Any]:
    """These candidacies as they are until the commit; locked in the order of ids, as presence does."""
    return session.connection().execute(LOCKED, {"ids": ids, "now": now}).all()


def decide(
    rows: Sequence[Any],
    new_columns: Callable[[Any], dict[str, Any]],
    why_not: Callable[[Any, dict[str, Any]], str | None],
    colleagues: Mapping[int, str] = MappingProxyType({}),
) -> Outcome:
    """What is to become of each of these candidacies: its new columns, unless they stand so already or `why_not` says.

    For the reason `changed` the outcome has what stands, and which of the `colleagues` has set it.
    """
    changes: dict[str, Change] = {}
    obstacles: dict[str, Obstacle] = {}
    unchanged: list[int] = []
    for row in rows:
        new = new_columns(row)
        before, after = plain({name: getattr(row, name) for name in new}), plain(new)
        if before == after:
            unchanged.append(row.id)
        elif why := why_not(row, new):
            is_changed = why == "changed"
            found = Obstacle(why, [], colleagues.get(row.id, "") if is_changed else "", before if is_changed else {})
            obstacles.setdefault(_key(asdict(found)), found).candidacies.append(row.id)
        else:
            changes.setdefault(_key([before, after]), Change(before, after)).candidacies.append(row.id)
    return Outcome([*changes.values()], unchanged, [*obstacles.values()])


def obstacle(kind: Kind, row: Any, new: dict[str, Any], now: datetime) -> str | None:
    """Why this action cannot reach a candidacy; None if it can."""
    for why in kind.obstacles:
        if OBSTACLES[why](row, now):
            return why
    return "too_much" if "minutes" in kind.values and max(new.values()) > MOST_MINUTES else None


def write(session: Session, outcome: Outcome) -> None:
    """Write the changes of an outcome: by one statement for all who stand alike afterwards, or who are moved."""
    places: dict[int, tuple[str, str]] = {}
    groups: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for change in outcome.changes:
        if "room" in change.after:
            places |= dict.fromkeys(change.candidacies, (change.after["room"], change.after["seat"]))
        else:
            groups.setdefault(_key(change.after), (change.after, []))[1].extend(change.candidacies)
    for after, changed in groups.values():
        columns = {name: stored(name, value) for name, value in after.items()}
        theirs = update(Candidacy).where(id_in(Candidacy.id, changed, many=True))
        session.connection().execute(theirs.values(columns))
    if places:
        refresh_search_text(session, places, places)


def plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as JSON has them."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in columns.items()}


def stored(name: str, value: Any) -> Any:
    """A column's value as the database has it, from JSON."""
    return datetime.fromisoformat(value) if name.endswith("_at") and value else value


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
