"""What the compose dialog says before anything is sent: who is reached, in words and numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, case
from sqlalchemy.orm import Session

from webapp.access import RoomLimit
from webapp.messaging.audience import Audience, Selection, count, sender_scope
from webapp.messaging.overlaps import Overlap, overlaps
from webapp.messaging.refusals import NoRecipients, Part, TooManyRecipients
from webapp.models import Candidacy, Test, User
from webapp.models.status import Progress, is_online, is_writing, own_end, progress
from webapp.monitor.words import candidate_in_words, filter_in_words, test_in_words

FIRST_NAMES = 3
BY_NAME = User.name, User.id, Candidacy.id
TIME_UP = "time_up"
"""Started, not submitted, and the own end has passed."""
STAGES = (
    Progress.IN_PROGRESS.value, TIME_UP, Progress.PAUSED.value, Progress.DASHBOARD.value, Progress.INACTIVE.value,
    Progress.SUBMITTED.value, Progress.BLANK.value, Progress.WITHDRAWN.value,
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One room of one test in the breakdown."""

    test: str
    """Its title, with its date where two have the same."""
    room: str
    persons: int


@dataclass(frozen=True)
class StageCount:
    """How many persons are at a stage, and how many of them are online. A person counts at one: the first in `STAGES`
    that any of their candidacies in the audience is at."""

    stage: str
    """One of `STAGES`."""
    persons: int
    online: int


@dataclass(frozen=True)
class Preview:
    """Everything the dialog shows of an audience. Of one that is too large no more than its size, and its parts."""

    words: list[str]
    """The filter's conditions, for chips; empty if nothing was filtered or candidates were picked."""
    limit: int
    candidacies: int = 0
    persons: int = 0
    parts: list[Part] = field(default_factory=list)
    """Only above the limit: what to send to instead."""
    audience: Audience | None = None
    """None above the limit or if nobody is reached: then there is nothing to send, and nothing follows here."""
    by_words: bool = False
    """Nobody has the phrase of the filter in one column; these have all its words."""
    stages: list[StageCount] = field(default_factory=list)
    """How far they are, those who write first."""
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
    selection = selection.settled(session, sender, now)
    words = filter_in_words(session, selection.filter) if selection.listed is None else []
    try:
        count(session, selection, scope, now, limit)
    except TooManyRecipients as refusal:
        return Preview(words, limit, refusal.candidacies, refusal.persons, refusal.parts)
    except NoRecipients:
        return Preview(words, limit)
    people = session.execute(selection.query(scope, now).with_only_columns(*_shown(now)).order_by(*BY_NAME)).all()
    if not people:  # all of them have left since they were counted
        return Preview(words, limit)
    audience = Audience(tuple(sorted(one.id for one in people)), frozenset(one.user_id for one in people))
    seen, unseen = overlaps(session, sender, scope, audience, now)
    return Preview(
        words,
        limit,
        candidacies=len(audience.candidacies),
        persons=len(audience.persons),
        audience=audience,
        by_words=selection.filter.by_words,
        stages=_stages(people),
        room_limit=scope.room_limit(),
        names=_names(people),
        places=_places(people),
        tests=sorted({(one.test_id, one.title) for one in people}, key=lambda test: (test[1], test[0])),
        overlaps=seen,
        reached_unseen=unseen,
    )


def _shown(now: datetime) -> list[Any]:
    person = [Candidacy.user_id, User.name, Candidacy.number, Candidacy.seat]
    columns = [Candidacy.id, *person, Candidacy.room, Test.title, Test.start_date]
    stage = case((and_(is_writing(), own_end() <= now), TIME_UP), else_=progress())
    return [*columns, Test.id.label("test_id"), is_online(now).label("online"), stage.label("stage")]


def _stages(people: Sequence[Any]) -> list[StageCount]:
    places: dict[int, int] = {}
    for row in people:
        places[row.user_id] = min(STAGES.index(row.stage), places.get(row.user_id, len(STAGES)))
    persons = Counter(places.values())
    online = Counter(places[user_id] for user_id in {row.user_id for row in people if row.online})
    return [StageCount(STAGES[place], persons[place], online[place]) for place in sorted(persons)]


def _names(people: Sequence[Any]) -> list[str]:
    first: dict[int, Any] = {}
    for row in people:
        first.setdefault(row.user_id, row)
        if len(first) > FIRST_NAMES:
            break
    return [candidate_in_words(row.name, row.number, row.seat) for row in list(first.values())[:FIRST_NAMES]]


def _places(people: Sequence[Any]) -> list[Place]:
    there: defaultdict[tuple[str, date, str], set[int]] = defaultdict(set)
    for one in people:
        there[one.title, one.start_date, one.room].add(one.user_id)
    titles = [title for title, _ in {(title, day) for title, day, _ in there}]
    return [
        Place(test_in_words(title, day, titles), room, len(persons))
        for (title, day, room), persons in sorted(there.items())
    ]
