"""Whom a sending is for: everyone a filter shows, or a list; and the token by which a form says whom it had shown."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from typing import Any, NamedTuple

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Select, distinct, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.access import AccessScope, Right, access_scope, is_contributor
from webapp.db.sql import id_in
from webapp.exceptions import NotAllowed, NotFound
from webapp.messaging.refusals import AudienceChanged, NoOpenTest, NoRecipients, Part, TooManyRecipients
from webapp.models import Candidacy, Test, User
from webapp.monitor.filters import Filter
from webapp.monitor.query import check_values, listed_scope, resolve_phrase, select_candidacies

CANDIDACIES_OF_A_PERSON = 20
"""Hardly anybody has more. An audience of more than that for each person is counted before it is read to the end."""


class Kind(StrEnum):
    """What a token holds."""

    SEEN = "seen"
    """The persons whom the dialog showed: the filter must still match exactly them (R3)."""
    FROZEN = "frozen"
    """The candidacies to send to, whatever the filter matches by now (R3, second press)."""


@dataclass(frozen=True)
class Selection:
    """What chose the audience: a filter, or candidacies that were picked one by one (those the filter matches)."""

    filter: Filter
    listed: tuple[int, ...] | None = None
    frozen: tuple[int, ...] | None = None
    """Candidacies held fast by a form that was refused once because the filter's matches had changed."""

    def held_fast(self, candidacies: tuple[int, ...], *, by_words: bool) -> Selection:
        """The same for exactly these, who were shown by the filter's phrase or by its words."""
        return replace(self, filter=replace(self.filter, by_words=by_words), frozen=candidacies)

    def query(self, scope: AccessScope, now: datetime) -> Select[Any]:
        """The candidacies within `scope`, each with its test and person: those of the monitor's list (R6, R17)."""
        return self.ids(scope, now).join(User, User.id == Candidacy.user_id)

    def ids(self, scope: AccessScope, now: datetime) -> Select[Any]:
        """The same candidacies and their tests only, to count them."""
        return self._narrowed(select_candidacies(self._within(scope), self._asked, now))

    def _within(self, scope: AccessScope) -> AccessScope:
        """A filter looks where the monitor's does; picked candidates may be in any test within reach."""
        return listed_scope(scope, self.filter) if self.listed is None and self.frozen is None else scope

    @property
    def _asked(self) -> Filter:
        return self.filter if self.frozen is None else Filter()

    def _narrowed(self, query: Select[Any]) -> Select[Any]:
        chosen = self.listed if self.frozen is None else self.frozen
        return query if chosen is None else query.where(id_in(Candidacy.id, chosen))

    def settled(self, session: Session, actor: User, now: datetime) -> Selection:
        """The selection with the decision whether its filter's phrase is meant, or all the words of it: the one that
        the monitor's list of this person makes. What is frozen was decided when it was shown."""
        if self.frozen is not None or not self.filter.has_several_words:
            return self
        watched = self._within(access_scope(session, actor, Right.WATCH, now))
        return replace(self, filter=resolve_phrase(session, watched, self.filter, now))

    def described(self) -> dict[str, Any]:
        """As JSON, for the message and its log entry."""
        chosen: dict[str, Any] = {"scope": "filtered"}
        if self.listed is not None:
            chosen = {"scope": "listed", "candidacies": list(self.listed)}
        if self.listed is None or self.filter:
            chosen["filter"] = [list(pair) for pair in self.filter.pairs()]
        if self.filter.by_words:
            chosen["by_words"] = True
        return {**chosen, "frozen": True} if self.listed is None and self.frozen is not None else chosen

    @property
    def key(self) -> str:
        """Names the selection itself: equal for the same filter or list, whomever it reaches by now."""
        described = json.dumps(
            replace(self, filter=replace(self.filter, by_words=False), frozen=None).described(), sort_keys=True
        )
        return hashlib.sha256(described.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Audience:
    """Who is reached now: each person once, and every candidacy that matched (R5)."""

    candidacies: tuple[int, ...]
    persons: frozenset[int]


def sender_scope(session: Session, sender: User, now: datetime) -> AccessScope:
    """Whom `sender` may write to at all. Raises `NoOpenTest`, or `NotAllowed` for who works in no test."""
    scope = access_scope(session, sender, Right.SEND, now)
    if not scope:
        raise NoOpenTest("no test is open") if is_contributor(session, sender) else NotAllowed("no staff")
    return scope


def count(session: Session, selection: Selection, scope: AccessScope, now: datetime, limit: int) -> int:
    """How many candidacies a selection reaches at this moment; each person counts once against the limit (R4, R5).

    Raises `TooManyRecipients` above `limit` persons, `NoRecipients` for none, and for a list `NotFound` if none of it
    is within reach, `AudienceChanged` if only a part is; `BadParameter` for a test, room or group that nobody has.
    """
    if selection.frozen is None:
        check_values(session, scope, selection.filter)
    query = selection.ids(scope, now)
    found, persons = _counted(session, query.limit(limit * CANDIDACIES_OF_A_PERSON + 1))
    if found > limit * CANDIDACIES_OF_A_PERSON:
        found, persons = _counted(session, query)
    if persons > limit:
        raise TooManyRecipients(found, persons, limit, parts(session, selection.query(scope, now)))
    if selection.listed and selection.frozen is None and not selection.filter:
        missing = len(set(selection.listed)) - found
        if missing and not found:
            raise NotFound("none of these candidates can be reached")
        if missing:
            raise AudienceChanged(joined=0, left=missing)
    if not found:
        raise NoRecipients("nobody to reach")
    return found


def _counted(session: Session, query: Select[Any]) -> tuple[int, int]:
    """Candidacies and persons of a query."""
    found = query.with_only_columns(Candidacy.user_id, maintain_column_froms=True).subquery()
    candidacies, persons = session.execute(select(func.count(), func.count(distinct(found.c.user_id)))).one()
    return candidacies, persons


def parts(session: Session, query: Select[Any]) -> list[Part]:
    """An audience cut by room, or by test or group if a room alone is no help: the parts to send to one by one."""
    cuts: list[tuple[str, InstrumentedAttribute[Any], InstrumentedAttribute[Any]]] = [
        ("room", Candidacy.room, Candidacy.room),
        ("test", Candidacy.test_id, Test.title),
        ("group", Candidacy.group_name, Candidacy.group_name),
    ]
    found: list[Part] = []
    for name, value, label in cuts:
        found = [
            Part(name, str(row[0]), str(row[1]), row[2])
            for row in session.execute(
                query.with_only_columns(value, label, func.count(distinct(Candidacy.user_id)))
                .group_by(value, label)
                .order_by(label)
            )
        ]
        if len(found) > 1:
            return found
    return found


class Shown(NamedTuple):
    """What a token holds: whom a dialog showed, and whether by the words of its filter's phrase."""

    kind: Kind
    ids: tuple[int, ...]
    by_words: bool


class Tokens:
    """Signs what a dialog showed, for one sender and one selection: a form can name only what this server put into it,
    and only with the filter or list that it was shown for."""

    def __init__(self, secret_key: str, sender_id: int) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt=f"audience-{sender_id}")

    def seen(self, selection: Selection, audience: Audience, *, by_words: bool = False) -> str:
        """A token for a form that shows this audience."""
        return self._signed(Kind.SEEN, selection, sorted(audience.persons), by_words=by_words)

    def frozen(self, selection: Selection, audience: Audience, *, by_words: bool = False) -> str:
        """A token for a form that sends to exactly this audience, or to those of it who may still be reached."""
        return self._signed(Kind.FROZEN, selection, list(audience.candidacies), by_words=by_words)

    def read(self, token: str, selection: Selection) -> Shown | None:
        """What a token holds; None if it is not one of ours, or was made for another selection."""
        try:
            kind, key, text, by_words = self._serializer.loads(token)
            return Shown(Kind(kind), _expanded(text), bool(by_words)) if key == selection.key else None
        except (BadData, ValueError, TypeError):
            return None

    def _signed(self, kind: Kind, selection: Selection, ids: list[int], *, by_words: bool) -> str:
        return str(self._serializer.dumps([kind.value, selection.key, _compressed(ids), by_words]))


def _compressed(ids: list[int]) -> str:
    """Ascending ids as their gaps, deflated: 1,500 of them stay below 2 KB."""
    gaps = [str(one - before) for before, one in zip([0, *ids], ids, strict=False)]
    return zlib.compress(",".join(gaps).encode(), 9).hex()


def _expanded(text: str) -> tuple[int, ...]:
    return tuple(accumulate(map(int, zlib.decompress(bytes.fromhex(text)).decode().split(","))))
