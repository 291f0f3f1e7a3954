"""One candidate of the monitor: what is known now, and what has happened (R6, R14, R24)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from webapp.access import AccessScope, Right
from webapp.clock import undated
from webapp.exceptions import NotFound
from webapp.logbook.reading import entries_about, log_scope
from webapp.models import Absence, Candidacy, HelpRequest, Test, User
from webapp.models.status import State, absent_since, is_online, last_heard, last_sign, own_end, state

MOST_EVENTS = 100
"""Of each kind, the newest. The log has all."""
STEPS = {
    "entered_at": "arrived",
    "started_at": "started",
    "saved_at": "saved",
    "paused_at": "paused",
    "submitted_at": "submitted",
    "withdrawn_at": "withdrawn",
}
"""Moments of a candidacy, and the events that they are."""
SINCE = {State.OFFLINE: "heard_at", State.IDLE: "sign_at"}
"""Since when a state lasts, of those that tell."""
TO_THE_MINUTE = ("saved_at", "last_seen")
"""They change every few seconds; what is shown of them does not."""
NOT_SHOWN = ("heard_at", "absent_since", "sign_at")
"""They change as often, and only what follows from them is shown."""
FACTS: tuple[Any, ...] = (
    Candidacy.id, Candidacy.test_id, Candidacy.number, Candidacy.room, Candidacy.building, Candidacy.seat,
    Candidacy.group_name, Candidacy.question_set, Candidacy.extra_minutes, Candidacy.incident_minutes,
    Candidacy.flagged, Candidacy.id_checked, Candidacy.attendance, Candidacy.note, Candidacy.blank,
    Candidacy.last_seen, *(getattr(Candidacy, name) for name in STEPS),
    User.name, Test.title, Test.starts_at, Test.closed_at, own_end().label("ends_at"),
    last_heard().label("heard_at"), absent_since().label("absent_since"), last_sign().label("sign_at"),
)  # fmt: skip
"""Nothing of what was written, and no question (R24)."""
_claimer, _ender = aliased(User), aliased(User)


class Event(NamedTuple):
    """Something that has happened to a candidate."""

    at: datetime
    kind: str
    """A value of `STEPS`, `offline`, or an action of the log."""
    until: datetime | None = None
    """When an absence ended; None for one that goes on."""
    entry: dict[str, Any] | None = None
    """Of its log entry: `id`, `actor_name`, `actor_role`, and what it says about this candidate (`_read_detail`)."""
    help_request: dict[str, Any] | None = None
    """Of a request for help: its `id`, `kind` and `text`, the `name` of who did this, and whether it `is_open`."""


@dataclass(frozen=True)
class Candidate:
    """One candidate, as one person sees them."""

    facts: dict[str, Any]
    """By the names of `FACTS`, with `state` and `online`."""
    events: list[Event]
    """Newest first."""
    may: frozenset[Right]
    """What this person may do with the candidate, besides watching."""
    now: datetime
    undated: tuple[datetime, datetime]
    """The moments that are shown without the date, from the first and before the second."""

    @property
    def asking(self) -> Event | None:
        """The request for help that is open: who goes, else that it was made."""
        return next((event for event in self.events if event.help_request and event.help_request["is_open"]), None)

    @property
    def minutes(self) -> int | None:
        """For how long the candidate has been offline or idle; None for others."""
        since = self.facts.get(SINCE.get(self.facts["state"], ""))
        return None if since is None else int((self.now - since).total_seconds() // 60)

    @cached_property
    def tag(self) -> str:
        """A digest of everything that is shown to this person, so that the same is not sent again."""
        facts = [pair for pair in sorted(self.facts.items()) if pair[0] not in NOT_SHOWN]
        shown = facts, self.minutes, self.events, sorted(self.may), self.undated
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]


def load_candidate(
    session: Session, actor: User, scope: AccessScope, candidacy_id: int, now: datetime, zone: ZoneInfo
) -> Candidate:
    """The candidate, as `actor` sees them, who watches `scope`; times are shown in `zone`.

    Raises `NotFound` for one whom they do not see.
    """
    derived = state(now).label("state"), is_online(now).label("online")
    query = select(*FACTS, *derived).join(Candidacy.test).join(Candidacy.user)
    row = session.execute(query.where(Candidacy.id == candidacy_id, scope.condition())).one_or_none()
    if row is None:
        raise NotFound(f"candidacy {candidacy_id}")
    facts = row._asdict()
    facts |= {name: facts[name] and facts[name].replace(second=0, microsecond=0) for name in TO_THE_MINUTE}
    facts["last_seen"] = None if facts["online"] else facts["last_seen"]
    events = [*_log_events(session, actor, candidacy_id, now), *_absences(session, facts)]
    events += _help_events(session, candidacy_id)
    events += reversed([*_steps(facts, {event.at for event in events if event.entry})])
    may = frozenset(right for right in Right if facts["test_id"] in scope.tests_with(right))
    return Candidate(facts, sorted(events, key=lambda event: event.at, reverse=True), may, now, undated(now, zone))


def _log_events(session: Session, actor: User, candidacy_id: int, now: datetime) -> Iterator[Event]:
    """What the log has about the candidate, as far as `actor` reads it; not what was the same before."""
    scope = log_scope(session, actor, now)
    for entry in entries_about(session, scope, candidacy_id, MOST_EVENTS):
        if entry.action.startswith("help."):
            continue  # told to everybody who sees the candidate
        detail = _read_detail(json.loads(entry.detail), candidacy_id)
        if detail is not None:
            who = {"id": entry.id, "actor_name": entry.actor_name, "actor_role": entry.actor_role}
            yield Event(entry.at, entry.action, entry=who | detail)


def _read_detail(detail: dict[str, Any], candidacy_id: int) -> dict[str, Any] | None:
    """Of an entry about many: a message's text, or this candidate's values before and after; None if they stayed."""
    if "changes" not in detail:
        return {name: detail[name] for name in ("subject", "body") if name in detail}
    for change in detail["changes"]:
        if candidacy_id in change["candidacies"]:
            reason = detail.get("reason") or detail.get("values", {}).get("reason", "")
            return {"before": change["before"], "after": change["after"], "reason": reason}
    return None


def _absences(session: Session, facts: dict[str, Any]) -> Iterator[Event]:
    """The absences, and the one that goes on."""
    noted = select(Absence.since, Absence.until).where(Absence.candidacy_id == facts["id"])
    for since, until in session.execute(noted.order_by(Absence.since.desc()).limit(MOST_EVENTS)):
        yield Event(since, "offline", until)
    if facts["state"] == State.OFFLINE and facts["absent_since"]:
        yield Event(facts["absent_since"], "offline")


def _help_events(session: Session, candidacy_id: int) -> Iterator[Event]:
    """When help was asked for, who said to go, and how it ended."""
    query = select(HelpRequest, _claimer.name, _ender.name)
    query = query.outerjoin(_claimer, _claimer.id == HelpRequest.claimed_by)
    query = query.outerjoin(_ender, _ender.id == HelpRequest.ended_by)
    query = query.where(HelpRequest.candidacy_id == candidacy_id).order_by(HelpRequest.id.desc()).limit(MOST_EVENTS)
    for request, claimer, ender in session.execute(query):
        facts = {"id": request.id, "kind": request.kind, "text": request.text, "is_open": request.ended_at is None}
        if request.ended_at is not None:
            yield Event(request.ended_at, "help.done", help_request={**facts, "name": ender})
        if request.claimed_at is not None:
            yield Event(request.claimed_at, "help.claimed", help_request={**facts, "name": claimer})
        yield Event(request.asked_at, "help.asked", help_request={**facts, "name": None})


def _steps(facts: dict[str, Any], logged: set[datetime]) -> Iterator[Event]:
    """The steps of the candidacy, but those that the log tells of."""
    for name, kind in STEPS.items():
        if facts[name] and facts[name] not in logged:
            yield Event(facts[name], kind)
