"""The compose dialog's view of an audience: who is reached, in words and numbers."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, case
from sqlalchemy.orm import Session

from webapp.access import RoomLimit
from webapp.messaging.audience import Audience, Selection, check_audience, sender_scope
from webapp.messaging.exceptions import NoRecipients, Part, TooManyRecipients
from webapp.messaging.overlaps import Overlap, find_overlaps
from webapp.models import Candidacy, Test, User
from webapp.models.status import Progress, is_online, is_writing, own_end, progress
from webapp.monitor.words import candidate_in_words, filter_in_words, test_in_words

FIRST_NAMES = 3
TIME_UP = "time_up"
"""Started, not submitted, and the own end has passed."""
STAGES = (
    Progress.IN_PROGRESS.value, TIME_UP, Progress.PAUSED.value, Progress.DASHBOARD.value, Progress.INACTIVE.value,
    Progress.SUBMITTED.value, Progress.BLANK.value, Progress.WITHDRAWN.value,
)  # fmt: skip


class Place(NamedTuple):
    """One room of one test in the breakdown."""

    test: str
    """Its title, with its date where two have the same."""
    room: str
    persons: int


class StageCount(NamedTuple):
    """How many persons are at a stage. A person counts once, at the first in `STAGES` of any of their candidacies."""

    stage: str
    persons: int
    online: int


@dataclass(frozen=True)
class Preview:
    """What the dialog shows of an audience; of one that is too large, its size and its parts only."""

    selection: Selection
    words: list[str]
    """The filter's conditions, for chips; empty if nothing was filtered or candidates were picked."""
    limit: int
    candidacies: int = 0
    persons: int = 0
    parts: list[Part] = field(default_factory=list)
    """Only above the limit: what to send to instead."""
    audience: Audience | None = None
    """None if the audience is empty or above the limit; the fields below are then unset."""
    stages: list[StageCount] = field(default_factory=list)
    """In the order of `STAGES`."""
    room_limit: RoomLimit | None = None
    names: list[str] = field(default_factory=list)
    """The first few, each with candidate ID and seat."""
    places: list[Place] = field(default_factory=list)
    tests: list[tuple[int, str]] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    """What others have just sent to these people, as far as the sender may see it."""
    reached_unseen: int = 0
    """How many of these persons other recent messages reached."""


def preview(session: Session, sender: User, selection: Selection, *, now: datetime, limit: int) -> Preview:
    """Look at an audience; too many and nobody are shown, not raised.

    Raises as `sender_scope`, and `NotFound` or `AudienceChanged` for a list that is not wholly within reach.
    """
    scope = sender_scope(session, sender, now)
    selection = selection.resolve_phrase(session, sender, now)
    words = filter_in_words(session, selection.filter) if selection.listed is None else []
    try:
        check_audience(session, selection, scope, now, limit)
    except TooManyRecipients as refusal:
        return Preview(selection, words, limit, refusal.candidacies, refusal.persons, refusal.parts)
    except NoRecipients:
        return Preview(selection, words, limit)
    query = selection.query(scope, now).with_only_columns(*_columns(now))
    rows = session.execute(query.order_by(User.name, User.id, Candidacy.id)).all()
    if not rows:  # all of them have left since they were counted
        return Preview(selection, words, limit)
    audience = Audience(tuple(sorted(row.id for row in rows)), frozenset(row.user_id for row in rows))
    overlaps, reached_unseen = find_overlaps(session, sender, scope, audience, now)
    return Preview(
        selection,
        words,
        limit,
        candidacies=len(audience.candidacies),
        persons=len(audience.persons),
        audience=audience,
        stages=_stages(rows),
        room_limit=scope.room_limit(),
        names=_names(rows),
        places=_places(rows),
        tests=sorted({(row.test_id, row.title) for row in rows}, key=lambda test: (test[1], test[0])),
        overlaps=overlaps,
        reached_unseen=reached_unseen,
    )


def _columns(now: datetime) -> list[Any]:
    stage = case((and_(is_writing(), own_end() <= now), TIME_UP), else_=progress())
    return [
        *(Candidacy.id, Candidacy.user_id, Candidacy.number, Candidacy.room, Candidacy.seat, User.name),
        *(Test.id.label("test_id"), Test.title, Test.start_date),
        *(is_online(now).label("online"), stage.label("stage")),
    ]


def _stages(rows: Sequence[Any]) -> list[StageCount]:
    first: dict[int, int] = {}
    for row in rows:
        first[row.user_id] = min(STAGES.index(row.stage), first.get(row.user_id, len(STAGES)))
    persons = Counter(first.values())
    online = Counter(first[user_id] for user_id in {row.user_id for row in rows if row.online})
    return [StageCount(STAGES[index], persons[index], online[index]) for index in sorted(persons)]


def _names(rows: Sequence[Any]) -> list[str]:
    by_person = {row.user_id: row for row in reversed(rows)}  # of several candidacies of a person the first
    first = [row for row in rows if by_person[row.user_id] is row][:FIRST_NAMES]
    return [candidate_in_words(row.name, row.number, row.seat) for row in first]


def _places(rows: Sequence[Any]) -> list[Place]:
    persons: defaultdict[tuple[str, date, str], set[int]] = defaultdict(set)
    for row in rows:
        persons[row.title, row.start_date, row.room].add(row.user_id)
    titles = [title for title, _ in {(title, day) for title, day, _ in persons}]
    return [
        Place(test_in_words(title, day, titles), room, len(user_ids))
        for (title, day, room), user_ids in sorted(persons.items())
    ]
