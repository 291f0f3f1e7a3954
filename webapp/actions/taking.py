"""An action on candidates: their columns, the log entry and its outcome together, or nothing (R28, R1)."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope, Right, access_scope, is_contributor
from webapp.actions.exceptions import BadValues, NotInCharge, RoomLimit
from webapp.actions.kinds import Kind, Values
from webapp.actions.outcome import carry_out
from webapp.actions.values import parse_values
from webapp.db.sql import id_in
from webapp.db.transactions import writing
from webapp.exceptions import BadParameter, NotAllowed, NotFound, Refusal
from webapp.logbook.append import Actor, Head, Subject, append, lock_head
from webapp.messaging.audience import PostedForm, Selection, Tokens, write_audience
from webapp.messaging.draft import check_key
from webapp.messaging.exceptions import ContentChanged, NoOpenTest, Problem
from webapp.models import Candidacy, CandidateAction, LogEntry, LogHead, LogSubject, User
from webapp.monitor.query import check_values
from webapp.monitor.words import filter_in_words


@dataclass(frozen=True)
class ActionForm:
    """The content of an action's form."""

    kind: Kind
    fields: dict[str, str]
    """The values as typed, by name."""
    selection: Selection
    audience: str = ""
    """The token of whom the form showed; empty for picked candidacies."""
    seen: int | None = None
    """The number of the last log entry when the form was shown; None where there was none, as for one press."""
    idempotency_key: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    @property
    def digest(self) -> str:
        """Equal for two forms that do the same (R2)."""
        selection = replace(self.selection, frozen=None).described()
        typed = {name: text for name, text in self.fields.items() if text}
        return hashlib.sha256(json.dumps([self.kind.name, typed, selection], sort_keys=True).encode()).hexdigest()


def take(
    session: Session, actor: User, form: ActionForm, *, now: datetime, limit: int, tokens: Tokens
) -> CandidateAction:
    """Carry an action out once for everybody that the form is for.

    A form that is posted again gets its first outcome (R2). `limit` is in persons. Raises `BadValues`, `RoomLimit`,
    `NotInCharge`, `ContentChanged`, `NotAllowed`, `NotFound`, `TooManyRecipients`, `NoRecipients`, `AudienceChanged` or
    `BadParameter`; nothing is written then.
    """
    check_key(form.idempotency_key)
    kind, values = form.kind, parse_values(form.kind, form.fields)
    with writing(session, keep=True):
        head = lock_head(session)  # from here to the commit no colleague acts, and no test is closed
        if earlier := find_earlier(session, actor, form.idempotency_key, form.digest):
            return earlier
        posted = PostedForm(form.selection, form.audience, tokens)
        audience = reach_audience(session, head, actor, kind.right, posted, now, limit)
        if kind.name == "room":
            _check_place(session, audience.scope, audience.subjects, values)
        ids = audience.candidacy_ids
        colleagues = {} if form.seen is None else _changed_by_colleagues(session, actor, kind, ids, form.seen)
        outcome = carry_out(session, kind, values, ids, now=now, colleagues=colleagues)
        what = {"action": kind.name, "values": values, **outcome.detail()}
        detail, who = {**what, **audience.described(session)}, log_actor(actor, audience.scope, audience.subjects)
        append(session, head, at=now, actor=who, action=kind.log_action, detail=detail, subjects=audience.subjects)
        return keep(session, head, actor, what, key=form.idempotency_key, digest=form.digest)


class Audience(NamedTuple):
    """Whom a form reaches."""

    scope: AccessScope
    """On whom its actor may act at all."""
    selection: Selection
    subjects: Sequence[Subject]
    """Of the next log entry."""

    @property
    def candidacy_ids(self) -> list[int]:
        """The ids of the candidacies reached."""
        return [subject.candidacy_id for subject in self.subjects]

    def described(self, session: Session) -> dict[str, Any]:
        """As a log entry's detail has it."""
        words = filter_in_words(session, self.selection.filter) if self.selection.listed is None else []
        return {"audience": self.selection.described(), "audience_words": words}


def reach_audience(
    session: Session, head: Head, actor: User, right: Right, form: PostedForm, now: datetime, limit: int
) -> Audience:
    """Read the actor's right anew (R6), and write whom a form is for as subjects of the next log entry (R3).

    Within `writing()`, with the head of the log locked. `limit` is in persons. Raises as `actor_scope` and
    `write_audience`, and `NotInCharge` where the actor sees the candidates but must not act on them.
    """
    scope = actor_scope(session, actor, right, now)
    try:
        selection, subjects = write_audience(session, head, actor, scope, form, now, limit)
    except (NotFound, BadParameter) as refusal:
        raise explain(session, actor, form.selection, now, refusal) from refusal
    return Audience(scope, selection, subjects)


def find_earlier(session: Session, actor: User, key: str, digest: str) -> CandidateAction | None:
    """What the form with this key has done already (R2). Raises `ContentChanged` if it did something else then."""
    earlier = session.scalar(select(CandidateAction).filter_by(actor_id=actor.id, idempotency_key=key))
    if earlier is not None and earlier.content_digest != digest:
        raise ContentChanged(earlier.id)
    return earlier


def actor_scope(session: Session, actor: User, right: Right, now: datetime) -> AccessScope:
    """On whom `actor` may act. Raises `NotInCharge` for staff without this right, `NoOpenTest`, `NotAllowed`."""
    scope = access_scope(session, actor, right, now)
    if scope:
        return scope
    if access_scope(session, actor, Right.WATCH, now):
        raise NotInCharge("no role that carries this action")
    raise NoOpenTest("no test is open") if is_contributor(session, actor) else NotAllowed("no staff")


def explain(session: Session, actor: User, selection: Selection, now: datetime, refusal: Refusal) -> Refusal:
    """Why nobody of an audience is reached: the actor sees them and must not act there, or does not even see them."""
    visible = access_scope(session, actor, Right.WATCH, now)
    if isinstance(refusal, BadParameter):
        check_values(session, visible, selection.filter)  # raises again for what is nowhere
        return NotInCharge("no role that carries this action in these tests")
    is_visible = select(Candidacy.id).where(id_in(Candidacy.id, selection.listed or ()), visible.condition()).limit(1)
    return refusal if session.scalar(is_visible) is None else NotInCharge("no role here that carries this action")


def _check_place(session: Session, scope: AccessScope, subjects: Sequence[Subject], values: Values) -> None:
    """Refuse a room that one of the tests has not, a seat for several, and moves out of the actor's only room."""
    room, tests = values["room"], {subject.test_id for subject in subjects}
    if values["seat"] and len(subjects) > 1:
        raise BadValues({"seat": Problem("several")})
    if not room:
        return
    if any(scope.rooms.get(test_id, room) != room for test_id in tests):
        raise RoomLimit("limited to another room")
    having = select(func.count(Candidacy.test_id.distinct())).where(Candidacy.test_id.in_(tests))
    if session.scalar(having.where(Candidacy.room == room)) != len(tests):
        raise BadValues({"room": Problem("unknown")})


def last_entry(session: Session) -> int:
    """The number of the last log entry: a form carries it, to tell what colleagues have changed since."""
    return session.scalar(select(LogHead.number)) or 0


def _changed_by_colleagues(session: Session, actor: User, kind: Kind, ids: Sequence[int], seen: int) -> dict[int, str]:
    """Candidacy → the colleague who has last changed what this action changes, in an entry after number `seen`."""
    of_hall = or_(*(LogEntry.action.startswith(prefix) for prefix in ("candidate.", "incident.")))
    theirs = LogSubject.entry_id == LogEntry.id, id_in(LogSubject.candidacy_id, ids, many=True)
    about_them = select(LogSubject.entry_id).where(*theirs).exists()  # a form may be days old
    entries = select(LogEntry.actor_name, LogEntry.detail).where(LogEntry.id > seen, of_hall, about_them)
    changed: dict[int, str] = {}
    for name, detail in session.execute(entries.where(LogEntry.actor_id != actor.id).order_by(LogEntry.id)):
        for change in json.loads(detail).get("changes", ()):
            if not set(kind.columns).isdisjoint(change["after"]):
                changed |= dict.fromkeys(change["candidacies"], name)
    return changed


def log_actor(actor: User, scope: AccessScope, subjects: Sequence[Subject]) -> Actor:
    """The actor as the log names them: by their highest role in these tests."""
    role = scope.highest_role({subject.test_id for subject in subjects})
    return Actor(actor.id, actor.name, role.value if role else "")


def keep(session: Session, head: Head, actor: User, what: dict[str, Any], *, key: str, digest: str) -> CandidateAction:
    """Keep an outcome under its form's key (R2); its number is that of the log entry that follows `head`."""
    own = {"actor_id": actor.id, "idempotency_key": key, "content_digest": digest}
    action = CandidateAction(id=head.number + 1, outcome=json.dumps(what, sort_keys=True), **own)
    session.add(action)
    return action
