"""The audience of a form: the candidacies that a filter matches, or that were picked, and how the form names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Select, distinct, func, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope, Right, access_scope, is_contributor
from webapp.db.sql import id_in
from webapp.exceptions import NotAllowed, NotFound
from webapp.logbook.append import Head, Subject, write_subjects
from webapp.messaging.exceptions import AudienceChanged, NoOpenTest, NoRecipients, TooManyRecipients
from webapp.models import Candidacy, User
from webapp.monitor.filters import Filter
from webapp.monitor.query import check_values, listed_scope, resolve_phrase, select_candidacies

MOST_CANDIDACIES = 30_000
"""So many, or twenty for each person if that is more, are written before an audience that has grown too large is
refused. A form that may be carried out never has more."""


@dataclass(frozen=True)
class Selection:
    """What chooses an audience: a filter, or picked candidacies, of which a filter may leave some out."""

    filter: Filter
    listed: tuple[int, ...] | None = None
    """The ids of picked candidacies."""
    frozen: tuple[int, ...] | None = None
    """The ids of candidacies that a refused form has shown: these are sent to, whatever the filter matches now (R3)."""
    shown: frozenset[int] | None = None
    """The ids that any other form with a filter has shown: it must still match exactly these people, or, where what is
    done concerns single candidacies, exactly these (R3)."""

    def query(self, scope: AccessScope, now: datetime) -> Select[Any]:
        """The candidacies within `scope`, with test and person: the monitor's own query (R6, R17)."""
        if self.frozen is not None:
            query = select_candidacies(scope, Filter(), now).where(id_in(Candidacy.id, self.frozen, many=True))
        else:
            query = select_candidacies(self._searched(scope), self.filter, now)
            if self.listed is not None:
                query = query.where(id_in(Candidacy.id, self.listed, many=True))
        return query.join(User, User.id == Candidacy.user_id)

    def resolve_phrase(self, session: Session, actor: User, now: datetime) -> Selection:
        """The selection with the decision whether its filter's phrase is searched as a whole or word by word.

        It is the decision of this person's monitor. A frozen selection was decided when it was shown.
        """
        if self.frozen is not None or not self.filter.has_several_words:
            return self
        scope = self._searched(access_scope(session, actor, Right.WATCH, now))
        return replace(self, filter=resolve_phrase(session, scope, self.filter, now))

    def _searched(self, scope: AccessScope) -> AccessScope:
        """A filter searches the tests that the monitor shows; picked candidacies may be in any test."""
        return listed_scope(scope, self.filter) if self.listed is None else scope

    def described(self) -> dict[str, Any]:
        """As JSON, for the message and its log entry."""
        description: dict[str, Any] = {"scope": "filtered"}
        if self.listed is not None:
            description = {"scope": "listed", "candidacies": list(self.listed)}
        if self.listed is None or self.filter:
            description["filter"] = [list(pair) for pair in self.filter.pairs()]
        if self.filter.by_words:
            description["by_words"] = True
        if self.listed is None and self.frozen is not None:
            description["frozen"] = True
        return description

    @property
    def key(self) -> str:
        """Equal for the same filter or list, whomever it reaches by now."""
        plain = replace(self, filter=replace(self.filter, by_words=False), frozen=None)
        return hashlib.sha256(json.dumps(plain.described(), sort_keys=True).encode()).hexdigest()[:32]


class Tokens:
    """Signs what a dialog shows, for one sender and one selection: a form cannot name anybody else (R3).

    A message shows people, each of whom gets one copy (R5). With `by_candidacy` a form shows candidacies: of a person
    in two tests, the other one is somebody else.
    """

    def __init__(self, secret_key: str, sender_id: int, *, by_candidacy: bool = False) -> None:
        self.by_candidacy = by_candidacy
        salt = f"shown-candidacies-{sender_id}" if by_candidacy else f"shown-{sender_id}"
        self._serializer = URLSafeSerializer(secret_key, salt=salt)

    def sign(self, selection: Selection, shown: Iterable[int]) -> str:
        """A token for a form that shows these ids, whom `selection` reaches now; a frozen one is signed itself."""
        is_frozen = selection.frozen is not None
        ids = sorted(shown if selection.frozen is None else selection.frozen)
        gaps = [number - before for before, number in pairwise([0, *ids])]  # become shorter than the ids
        return str(self._serializer.dumps([is_frozen, selection.key, gaps, selection.filter.by_words]))

    def read(self, token: str, selection: Selection) -> Selection | None:
        """The selection with what a form has shown of it; None if the token is not one of ours, or for another one."""
        try:
            is_frozen, key, gaps, by_words = self._serializer.loads(token)
        except (BadData, ValueError):
            return None
        if key != selection.key:
            return None
        ids = tuple(accumulate(gaps))
        if not is_frozen:
            return replace(selection, shown=frozenset(ids))
        return replace(selection, filter=replace(selection.filter, by_words=by_words), frozen=ids)


class PostedForm(NamedTuple):
    """How a posted form names its audience."""

    selection: Selection
    token: str
    """What it showed of the audience; empty for picked candidacies."""
    tokens: Tokens


class Shown(NamedTuple):
    """What a form shows of its audience."""

    selection: Selection
    candidacy_ids: tuple[int, ...]
    token_ids: Collection[int]
    """What its token names: the persons, or the candidacies (`Tokens`)."""


def show_again(form: PostedForm, *, has_changed: bool) -> Selection:
    """Whom a form that comes back is to show: whom it had shown, and of picked candidacies those still within reach.

    `has_changed` says that it was refused because its audience is another one by now.
    """
    selection = form.tokens.read(form.token, form.selection) or form.selection
    if has_changed and selection.listed is not None:
        selection = replace(selection, frozen=selection.listed)
    return selection


def next_audience(shown: Shown, selection: Selection, tokens: Tokens, *, has_changed: bool) -> tuple[Selection, str]:
    """Whom the next form is for, and the token of whom it shows.

    After a change of the audience it carries the present one, frozen: its next press cannot be refused for this again
    (R3).
    """
    if not shown.candidacy_ids:
        return selection, ""
    if selection.listed is not None:
        return Selection(Filter(), listed=shown.candidacy_ids), ""  # those who can be reached
    signed = shown.selection
    if has_changed or signed.frozen is not None:
        signed = replace(signed, frozen=shown.candidacy_ids)
    return selection, tokens.sign(signed, shown.token_ids)


def sender_scope(session: Session, sender: User, now: datetime) -> AccessScope:
    """Whom `sender` may write to at all. Raises `NoOpenTest`, or `NotAllowed` for somebody who works in no test."""
    scope = access_scope(session, sender, Right.SEND, now)
    if not scope:
        raise NoOpenTest("no test is open") if is_contributor(session, sender) else NotAllowed("no staff")
    return scope


def check_audience(session: Session, selection: Selection, scope: AccessScope, now: datetime, limit: int) -> None:
    """Refuse an audience that cannot be sent to; `limit` is in persons, each of whom counts once (R4, R5).

    Raises `TooManyRecipients`, `NoRecipients`, `BadParameter` for a test, room or group that nobody has, and for a list
    `NotFound` if none of it is within reach, `AudienceChanged` if only a part is.
    """
    if selection.frozen is None:
        check_values(session, scope, selection.filter)
    query = selection.query(scope, now)
    matches = query.with_only_columns(Candidacy.user_id, maintain_column_froms=True).subquery()
    candidacies, persons = session.execute(select(func.count(), func.count(distinct(matches.c.user_id)))).one()
    if persons > limit:
        raise TooManyRecipients(candidacies, persons)
    if selection.listed and selection.frozen is None and not selection.filter:
        missing = len(set(selection.listed)) - candidacies
        if missing and not candidacies:
            raise NotFound("none of these candidates can be reached")
        if missing:
            raise AudienceChanged(joined=0, left=missing)
    if not candidacies:
        raise NoRecipients("nobody to reach")


def write_audience(
    session: Session, head: Head, sender: User, scope: AccessScope, form: PostedForm, now: datetime, limit: int
) -> tuple[Selection, list[Subject]]:
    """Write the candidacies that a form is for as subjects of the next log entry; refuse if they are not as expected.

    Usually nothing has changed since the form was shown, so they are written first and compared afterwards. They are
    counted only to say what is wrong. Raises as `check_audience`, and `AudienceChanged` for a filter that matches
    others than were shown (R3).
    """
    shown = form.tokens.read(form.token, form.selection)
    selection = (shown or form.selection).resolve_phrase(session, sender, now)
    if shown is None and (selection.listed is None or form.token):
        check_audience(session, selection, scope, now, limit)
        raise AudienceChanged(joined=None, left=None)
    if selection.frozen is None:
        check_values(session, scope, selection.filter)
    most = max(20 * limit, MOST_CANDIDACIES)
    subjects = write_subjects(session, head, selection.query(scope, now).limit(most + 1))
    persons = {subject.user_id for subject in subjects}
    candidacies = {subject.candidacy_id for subject in subjects}
    found: Set[int] = candidacies if form.tokens.by_candidacy else persons
    expected = found if selection.shown is None else selection.shown
    if selection.listed is not None and selection.frozen is None and not selection.filter:
        found, expected = candidacies, set(selection.listed)
    if found != expected or not subjects or len(persons) > limit or len(subjects) > most:
        check_audience(session, selection, scope, now, limit)
        raise AudienceChanged(joined=len(found - expected), left=len(expected - found))
    return selection, subjects
