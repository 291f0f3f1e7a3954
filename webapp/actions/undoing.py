"""An action is undone by its actor, for those who still stand as it left them. That is an entry of its own."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actions.exceptions import CannotUndo, NotInCharge
from webapp.actions.kinds import KINDS, OBSTACLES, SITTING
from webapp.actions.outcome import Outcome, decide, lock, plain, stored, write
from webapp.actions.taking import actor_scope, keep, log_actor
from webapp.db.sql import id_in
from webapp.db.transactions import writing
from webapp.exceptions import NotFound
from webapp.logbook.append import append, lock_head, write_subjects
from webapp.models import Candidacy, CandidateAction, Incident, IncidentCandidacy, LogEntry, User

UNDONE = "candidate.undo"
UNDO_WITHIN = timedelta(minutes=1)
"""The page offers it for ten seconds, and for as long as somebody points at it."""


def undo(session: Session, actor: User, action_id: int, *, now: datetime) -> CandidateAction:
    """Undo an own action; doing it again gives the first outcome (R2).

    Who was changed since stays as they are. Raises `NotFound` for what is not an own action, `CannotUndo`, and as
    `actor_scope` where the right is gone.
    """
    with writing(session, keep=True):
        head = lock_head(session)
        own = {"actor_id": actor.id}
        action = session.scalar(select(CandidateAction).filter_by(id=action_id, **own))
        if action is None:
            raise NotFound(f"action {action_id}")
        key = f"undo-{action_id}"
        earlier = session.scalar(select(CandidateAction).filter_by(idempotency_key=key, **own))
        if earlier is not None:
            return earlier
        detail = json.loads(action.outcome)
        kind = KINDS.get(detail["action"])
        if kind is None or not kind.can_be_undone or not detail["changes"]:
            raise CannotUndo("not_undone")
        if session.scalars(select(LogEntry.at).where(LogEntry.id == action_id)).one() < now - UNDO_WITHIN:
            raise CannotUndo("too_late")
        scope = actor_scope(session, actor, kind.right, now)
        changes = {number: change for change in Outcome.of(detail).changes for number in change.candidacies}
        candidacies = select(Candidacy.id).join(Candidacy.test).join(Candidacy.user).where(scope.condition())
        subjects = write_subjects(session, head, candidacies.where(id_in(Candidacy.id, changes, many=True)))
        if not subjects:
            raise NotInCharge("none of these candidates are within reach")

        over = _ended_since(session, changes, action_id)

        def why_not(row: Any, _new: dict[str, Any]) -> str | None:
            before, after = changes[row.id].before, changes[row.id].after
            if (row.id, before.get("paused_at")) in over or plain(
                {name: getattr(row, name) for name in after}
            ) != after:
                return "changed"
            return next((why for why in kind.obstacles if why in SITTING and OBSTACLES[why](row, now)), None)

        def columns_before(row: Any) -> dict[str, Any]:
            return {name: stored(name, value) for name, value in changes[row.id].before.items()}

        outcome = decide(lock(session, [subject.candidacy_id for subject in subjects], now), columns_before, why_not)
        write(session, outcome)
        what = {"action": "undo", "values": {"of": kind.name, "entry": action_id}, **outcome.detail()}
        who = log_actor(actor, scope, subjects)
        append(session, head, at=now, actor=who, action=UNDONE, detail=what, subjects=subjects)
        return keep(session, head, actor, what, key=key, digest="")


def _ended_since(session: Session, candidacies: Iterable[int], entry_id: int) -> set[tuple[int, str]]:
    """The pauses by incidents that ended after an entry, as candidacy and moment: nobody is put back into them."""
    entry_at = select(LogEntry.at).where(LogEntry.id == entry_id).scalar_subquery()
    paused = select(IncidentCandidacy.candidacy_id, Incident.started_at).join(
        Incident, Incident.id == IncidentCandidacy.incident_id
    )
    ended = session.execute(
        paused.where(id_in(IncidentCandidacy.candidacy_id, candidacies, many=True), Incident.ended_at >= entry_at)
    )
    return {(number, started_at.isoformat()) for number, started_at in ended}
