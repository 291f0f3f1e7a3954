"""Receipts, where the installation has them on: who has had a message on a screen, and who has closed it (R16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Select, and_, func, select, update
from sqlalchemy.orm import Session

from webapp.access import AccessScope, Right, access_scope
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.exceptions import NotFound
from webapp.messaging.again import Again
from webapp.messaging.audience import Selection
from webapp.messaging.exceptions import AllHaveSeen
from webapp.models import Candidacy, Delivery, LogSubject, Message, Test, User
from webapp.monitor.filters import Filter
from webapp.text.normalization import natural_sort_key


@dataclass(frozen=True)
class Recipient:
    """Somebody whom a message went to, at their place of now."""

    user_id: int
    candidacy_id: int
    test_id: int
    name: str
    number: str
    test: str
    building: str
    room: str
    seat: str
    is_over: bool
    """Submitted or withdrawn: they may have left."""
    shown_at: datetime | None
    closed_at: datetime | None

    @property
    def place(self) -> tuple[str, str]:
        """Building and room."""
        return self.building, self.room


@dataclass(frozen=True)
class Receipts:
    """What one reader may know of a message: of the people within their reach."""

    message: Message
    now: datetime
    persons: int
    seen: int
    closed: int | None
    """None for a message that was corrected or withdrawn: that closes it."""
    unseen: Sequence[Recipient]
    """Who has not had it on a screen, by building, room and seat."""
    may_send: bool
    """Whether the reader may write to any of them."""

    @property
    def by_room(self) -> list[tuple[tuple[str, str], list[Recipient]]]:
        """Those who have not, in the order of a walk: ((building, room), people)."""
        return [(place, list(people)) for place, people in groupby(self.unseen, key=lambda recipient: recipient.place)]

    @property
    def has_several_tests(self) -> bool:
        """Whether a line has to say which test it is about."""
        return len({recipient.test_id for recipient in self.unseen}) > 1


def note_shown(session: Session, user_id: int, message_ids: Sequence[int] | None = None) -> None:
    """Note that these messages, or all, are on a screen of their reader; the first time counts.

    Other people's and unknown numbers do nothing. It writes only if there is something to write: pages tell it again
    after each reload.
    """
    is_new = [Delivery.user_id == user_id, Delivery.shown_at.is_(None)]
    if message_ids is not None:
        is_new.append(Delivery.message_id.in_(message_ids))
    if session.scalar(select(Delivery.message_id).where(*is_new).limit(1)) is None:
        return
    with writing(session):
        session.execute(update(Delivery).where(*is_new).values(shown_at=utcnow()))


def unseen_of_again(session: Session, again: Again) -> Selection:
    """Those of a message's people who can be reached and have not had it on the screen, as picked candidacies (R3).

    Raises `AllHaveSeen`.
    """
    is_unseen = Delivery.message_id == again.message.id, Delivery.shown_at.is_(None)
    persons = set(session.scalars(select(Delivery.user_id).where(*is_unseen)))
    listed = tuple(sorted(number for number, user_id in again.candidacies.items() if user_id in persons))
    if not listed:
        raise AllHaveSeen("nobody is left")
    return Selection(Filter(), listed)


def load_receipts(session: Session, reader: User, message_id: int, now: datetime) -> Receipts:
    """The receipts of a message. Raises `NotFound` if it reached nobody whom `reader` watches now, or is pruned."""
    scope = access_scope(session, reader, Right.WATCH, now)
    message = session.get(Message, message_id) if scope else None
    by_person: dict[int, Recipient] = {}
    for row in session.execute(_recipients(scope, message_id)) if message else ():
        by_person.setdefault(row.user_id, Recipient(*row))
    if message is None or not by_person:
        raise NotFound(f"receipts of message {message_id}")
    everybody = by_person.values()
    correction = select(Message.id).where(Message.corrects_id == message_id).limit(1)
    is_taken_off = message.withdrawn_at is not None or session.scalar(correction) is not None
    unseen = sorted((recipient for recipient in everybody if recipient.shown_at is None), key=_on_the_way)
    return Receipts(
        message,
        now,
        persons=len(everybody),
        seen=len(everybody) - len(unseen),
        closed=None if is_taken_off else sum(recipient.closed_at is not None for recipient in everybody),
        unseen=unseen,
        may_send=bool(scope.tests_with(Right.SEND) & {recipient.test_id for recipient in unseen}),
    )


def _recipients(scope: AccessScope, message_id: int) -> Select[Any]:
    """The candidacies that a message was sent to; of a person's several the one that goes on comes first (R5)."""
    is_over = func.coalesce(Candidacy.submitted_at, Candidacy.withdrawn_at).is_not(None)
    columns: tuple[Any, ...] = (
        LogSubject.user_id, Candidacy.id, Candidacy.test_id, User.name, Candidacy.number, Test.title,
        Candidacy.building, Candidacy.room, Candidacy.seat, is_over.label("is_over"),
        Delivery.shown_at, Delivery.closed_at,
    )  # fmt: skip
    is_theirs = and_(Delivery.user_id == LogSubject.user_id, Delivery.message_id == LogSubject.entry_id)
    joined = (
        select(*columns)
        .select_from(LogSubject)
        .join(Candidacy, Candidacy.id == LogSubject.candidacy_id)
        .join(Test, Test.id == Candidacy.test_id)
        .join(User, User.id == LogSubject.user_id)
        .join(Delivery, is_theirs)
    )
    return joined.where(LogSubject.entry_id == message_id, scope.condition()).order_by("is_over", Candidacy.id)


def _on_the_way(recipient: Recipient) -> tuple[object, ...]:
    place = natural_sort_key(recipient.building), recipient.building, natural_sort_key(recipient.room), recipient.room
    return *place, natural_sort_key(recipient.seat), recipient.name, recipient.candidacy_id
