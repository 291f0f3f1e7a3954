"""An incident: a part of the hall is paused as one act, and gets back the minutes lost when it ends (R28, R1)."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from webapp.access import Right, access_scope
from webapp.actions.exceptions import AlreadyEnded, NobodyInProgress, NotInCharge
from webapp.actions.kinds import KINDS, lost_minutes
from webapp.actions.outcome import Outcome, carry_out, decide, lock, write
from webapp.actions.taking import actor_scope, find_earlier, keep, log_actor, reach_audience
from webapp.actions.values import parse_reason
from webapp.db.transactions import writing
from webapp.exceptions import NotFound, Refusal
from webapp.logbook.append import append, lock_head, write_subjects
from webapp.messaging.audience import PostedForm, Selection, Tokens
from webapp.messaging.draft import Draft, check_key
from webapp.messaging.sending import Announce, send
from webapp.messaging.text import check_text
from webapp.models import Candidacy, CandidateAction, Incident, IncidentCandidacy, Test, User
from webapp.monitor.filters import Filter

STARTED = "incident.started"
ENDED = "incident.ended"
MINUTES = "{minutes}"
"""What a message at the end may have in place of the number, which is not known before."""


@dataclass(frozen=True)
class Words:
    """The message that goes with the start or the end of an incident, as typed."""

    subject: str = ""
    body: str = ""
    is_sent: bool = False
    """Whether it goes out at all."""


@dataclass(frozen=True)
class StartForm:
    """The content of the form that starts an incident."""

    reason: str
    selection: Selection
    audience: str = ""
    words: Words = Words()
    idempotency_key: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    @property
    def digest(self) -> str:
        """Equal for two forms that start the same (R2)."""
        return _digest([self.reason, self.words, replace(self.selection, frozen=None).described()])


@dataclass(frozen=True)
class EndForm:
    """The content of the form that ends an incident."""

    incident_id: int
    words: Words = Words()
    idempotency_key: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    @property
    def digest(self) -> str:
        """Equal for two forms that end it alike (R2)."""
        return _digest([self.incident_id, self.words])


def _digest(content: list[Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=asdict).encode()).hexdigest()


def start_incident(
    session: Session, actor: User, form: StartForm, *, now: datetime, limit: int, tokens: Tokens
) -> CandidateAction:
    """Pause all of an audience who are in progress and not paused, once. The outcome names the incident.

    A form that is posted again gets its first outcome (R2). Raises as `taking.take`, `BadText` for the message, and
    `NobodyInProgress`; nothing is written then.
    """
    check_key(form.idempotency_key)
    reason = parse_reason(form.reason)
    _check_words(form)
    with writing(session, keep=True):
        head = lock_head(session)
        if earlier := find_earlier(session, actor, form.idempotency_key, form.digest):
            return earlier
        posted = PostedForm(form.selection, form.audience, tokens)
        audience = reach_audience(session, head, actor, Right.MANAGE, posted, now, limit)
        outcome = carry_out(session, KINDS["pause"], {}, audience.candidacy_ids, now=now)
        if not outcome.changed:
            raise NobodyInProgress("nobody is in progress")
        described = audience.described(session)
        audience_json = json.dumps(described["audience"], sort_keys=True)
        incident = Incident(started_by=actor.id, started_at=now, reason=reason, audience=audience_json)
        session.add(incident)
        session.flush()
        paused = [{"incident_id": incident.id, "candidacy_id": number} for number in outcome.changed]
        session.execute(insert(IncidentCandidacy), paused)
        what = {"action": STARTED, "incident": incident.id, "reason": reason, **outcome.detail()}
        who = log_actor(actor, audience.scope, audience.subjects)
        detail = {**what, **described}
        append(session, head, at=now, actor=who, action=STARTED, detail=detail, subjects=audience.subjects)
        return keep(session, head, actor, what, key=form.idempotency_key, digest=form.digest)


def end_incident(session: Session, actor: User, form: EndForm, *, now: datetime) -> CandidateAction:
    """Resume all who are still paused by an incident, and give each the minutes lost.

    Of two who end it at once, the other is refused with `AlreadyEnded`. Raises as `find_incident` too.
    """
    check_key(form.idempotency_key)
    _check_words(form)
    with writing(session, keep=True):
        head = lock_head(session)
        if earlier := find_earlier(session, actor, form.idempotency_key, form.digest):
            return earlier
        incident = find_incident(session, actor, form.incident_id, now)
        if incident.ended_at is not None:
            raise AlreadyEnded(incident.id)
        scope = actor_scope(session, actor, Right.MANAGE, now)
        subjects = write_subjects(session, head, candidacies_of(incident.id).where(scope.condition()))
        lost = lost_minutes(incident.started_at, now)

        def new_columns(row: Any) -> dict[str, Any]:
            return {"paused_at": None, "incident_minutes": row.incident_minutes + lost}

        def why_not(row: Any, _new: dict[str, Any]) -> str | None:
            if row.withdrawn_at is not None or row.submitted_at is not None:
                return "withdrawn" if row.withdrawn_at is not None else "submitted"
            return None if row.paused_at == incident.started_at else "resumed"

        outcome = decide(lock(session, [subject.candidacy_id for subject in subjects], now), new_columns, why_not)
        write(session, outcome)
        incident.ended_at = now
        times = {"started": incident.started_at.isoformat(), "ended": now.isoformat(), "minutes": lost}
        what = {"action": ENDED, "incident": incident.id, "reason": incident.reason, **times, **outcome.detail()}
        who = log_actor(actor, scope, subjects)
        append(session, head, at=now, actor=who, action=ENDED, detail=what, subjects=subjects)
        return keep(session, head, actor, what, key=form.idempotency_key, digest=form.digest)


def _check_words(form: StartForm | EndForm) -> None:
    if form.words.is_sent:
        check_text(form.words.subject, form.words.body.replace(MINUTES, "1440"))


def candidacies_of(incident_id: int) -> Any:
    """The candidacies of an incident, with test and person."""
    return (
        select(Candidacy.id)
        .join(IncidentCandidacy, IncidentCandidacy.candidacy_id == Candidacy.id)
        .join(Candidacy.test)
        .join(Candidacy.user)
        .where(IncidentCandidacy.incident_id == incident_id)
    )


def find_incident(session: Session, actor: User, incident_id: int, now: datetime) -> Incident:
    """An incident that the actor may end.

    Raises `NotFound` if they see none of its candidates, `NotInCharge` if they may not act on all of those in open
    tests, or none of these tests is open.
    """
    incident = session.get(Incident, incident_id)
    candidacies = candidacies_of(incident_id)
    visible = access_scope(session, actor, Right.WATCH, now)
    if incident is None or session.scalar(candidacies.where(visible.condition()).limit(1)) is None:
        raise NotFound(f"incident {incident_id}")
    scope = access_scope(session, actor, Right.MANAGE, now)
    beyond = candidacies.where(Test.closed_at.is_(None), ~scope.condition()).limit(1)
    within = candidacies.where(scope.condition()).limit(1)
    if session.scalar(within) is None or session.scalar(beyond) is not None:
        raise NotInCharge("no role that carries this for all candidates of the incident")
    return incident


def tell(
    session: Session,
    actor: User,
    action: CandidateAction,
    words: Words,
    *,
    now: datetime,
    limit: int,
    tokens: Tokens,
    announce: Announce,
) -> Refusal | None:
    """Send the message to those whom the start or the end of an incident has changed, once (R2).

    A refusal is given and not raised, because the incident stands. Whoever posts the form again sends what a lost
    process has not.
    """
    what = json.loads(action.outcome)
    concerned = Outcome.of(what).changed
    if not words.is_sent or not concerned:
        return None
    body = words.body.replace(MINUTES, str(what.get("minutes", "")))
    selection = Selection(Filter(), listed=tuple(concerned))
    draft = Draft(words.subject, body, selection, idempotency_key=f"{what['action']}-{what['incident']}")
    try:
        send(session, actor, draft, now=now, limit=limit, tokens=tokens, announce=announce)
    except Refusal as refusal:
        return refusal
    return None
