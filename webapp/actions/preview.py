"""What an action's form shows: whom it is for, what stands with them, and for whom it would do nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actions.kinds import OBSTACLES, Kind
from webapp.actions.outcome import READ
from webapp.actions.taking import actor_scope, explain, last_entry
from webapp.exceptions import BadParameter, NotFound
from webapp.messaging.audience import Selection, Shown, check_audience
from webapp.messaging.exceptions import NoRecipients, TooManyRecipients
from webapp.messaging.preview import split_audience
from webapp.models import Candidacy, User
from webapp.monitor.filters import Filter
from webapp.monitor.words import candidate_in_words, filter_in_words
from webapp.text.normalization import natural_sort_key

NAMES_SHOWN = 3


@dataclass(frozen=True)
class Preview:
    """What the form shows of its audience; of one that is empty or too large, the first fields only."""

    selection: Selection
    words: list[str]
    """The filter's conditions, for chips; empty if nothing was filtered or candidates were picked."""
    candidacies: int = 0
    persons: int = 0
    parts: list[tuple[Filter, str, int]] = field(default_factory=list)
    """(filter, label, persons); only above the limit: whom to act on instead."""
    candidacy_ids: tuple[int, ...] = ()
    names: list[str] = field(default_factory=list)
    """The first few, each with candidate ID and seat."""
    seen: int = 0
    """The number of the last log entry: what colleagues change from here on is a conflict."""
    left_out: list[tuple[str, int]] = field(default_factory=list)
    """Why it cannot reach some of them, and how many; `already` for those for whom it stands so."""
    standing: list[tuple[Any, int]] = field(default_factory=list)
    """The value that most of them have, and how many, and so on."""
    candidate: Any = None
    """What stands, if it is for a single candidacy."""
    rooms: list[str] = field(default_factory=list)
    """For a move: the rooms that all tests of the audience have, within the actor's room limit."""

    @property
    def reached(self) -> int:
        """How many candidacies it would change."""
        return self.candidacies - sum(number for _, number in self.left_out)

    @property
    def audience(self) -> Shown:
        """Whom the form shows."""
        return Shown(self.selection, self.candidacy_ids, self.candidacy_ids)


def preview(session: Session, actor: User, kind: Kind, selection: Selection, *, now: datetime, limit: int) -> Preview:
    """Look at an audience; too many and nobody are shown, not raised. Raises as `taking.take` for rights and lists."""
    seen = last_entry(session)  # first: what changes between the two is a conflict then, and not missed
    scope = actor_scope(session, actor, kind.right, now)
    try:
        selection = selection.resolve_phrase(session, actor, now)
        words = filter_in_words(session, selection.filter) if selection.listed is None else []
        check_audience(session, selection, scope, now, limit)
    except TooManyRecipients as refusal:
        parts = split_audience(session, selection.query(scope, now), selection.filter)
        return Preview(selection, words, refusal.candidacies, refusal.persons, parts)
    except NoRecipients:
        return Preview(selection, words)
    except (NotFound, BadParameter) as refusal:
        raise explain(session, actor, selection, now, refusal) from refusal
    named = Candidacy.id, Candidacy.user_id, Candidacy.test_id, Candidacy.number, Candidacy.seat, User.name
    people = session.execute(
        selection.query(scope, now).with_only_columns(*named).order_by(User.name, Candidacy.id)
    ).all()
    rows = session.connection().execute(READ, {"ids": [person.id for person in people], "now": now}).all()
    return Preview(
        selection,
        words,
        candidacies=len(people),
        persons=len({person.user_id for person in people}),
        candidacy_ids=tuple(sorted(person.id for person in people)),
        names=[candidate_in_words(each.name, each.number, each.seat) for each in people[:NAMES_SHOWN]],
        seen=seen,
        left_out=_left_out(kind, rows, now),
        standing=Counter(getattr(row, kind.columns[0]) for row in rows).most_common(4) if kind.values else [],
        candidate=rows[0] if len(rows) == 1 else None,
        rooms=_rooms(session, scope.rooms, {row.test_id for row in rows}) if "room" in kind.values else [],
    )


def _left_out(kind: Kind, rows: Sequence[Any], now: datetime) -> list[tuple[str, int]]:
    """An action without values tells beforehand for whom it stands so already."""
    reasons: Counter[str] = Counter()
    for row in rows:
        new = {} if kind.values else kind.new(row, {}, now)
        if new and all(getattr(row, name) == value for name, value in new.items()):
            reasons["already"] += 1
        else:
            reasons.update([why for why in kind.obstacles if OBSTACLES[why](row, now)][:1])
    return reasons.most_common()


def _rooms(session: Session, limits: dict[int, str], test_ids: set[int]) -> list[str]:
    """The rooms that all of these tests have, without those that the actor may not choose."""
    having = select(Candidacy.test_id, Candidacy.room).where(Candidacy.test_id.in_(test_ids), Candidacy.room != "")
    rooms: dict[int, set[str]] = {test_id: set() for test_id in test_ids}
    for test_id, room in session.execute(having.distinct()):
        if limits.get(test_id, room) == room:
            rooms[test_id].add(room)
    return sorted(set.intersection(*rooms.values()), key=natural_sort_key)
