"""Taking a sent message back: it leaves the screens, never the log (R30)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from webapp.access import Right, access_scope
from webapp.clock import utcnow
from webapp.db.sql import id_in
from webapp.db.transactions import writing
from webapp.exceptions import NotAllowed
from webapp.logbook.append import Actor, append, lock_head, write_subjects
from webapp.messaging.again import Again, find_again, find_message
from webapp.messaging.corrections import check_role, find_standing
from webapp.messaging.exceptions import MessageCorrected, MessageWithdrawn
from webapp.models import Candidacy, Delivery, LogSubject, Message, Role, Test, User
from webapp.models.correction_tree import corrections_of

MESSAGE_WITHDRAWN = "message.withdrawn"


@dataclass(frozen=True)
class Withdrawal:
    """A message that was taken back."""

    message: Message
    user_ids: list[int]
    """Whom it had reached; empty if it had been withdrawn before."""
    open: int = 0
    """How many of them had it on their page until now."""


def withdraw(
    session: Session, actor: User, message_id: int, now: datetime, announce: Callable[[Message, list[int]], None]
) -> Withdrawal:
    """Take a message back, and announce it after the commit; one that is withdrawn already stays as it is.

    Raises `NotFound`, `NotAllowed`, and `MessageCorrected` if it stands for nobody any more.
    """
    with writing(session, keep=True):
        head = lock_head(session)  # from here to the commit nobody corrects it
        message = find_message(session, actor, message_id, now)
        role = role_to_withdraw(session, actor, message, now)
        if role is None:
            raise NotAllowed("not the sender, and not in charge of all recipients")
        if message.withdrawn_at is not None:
            return Withdrawal(message, [])
        newest = newest_in_place_of(session, message)
        if newest is not None:
            raise MessageCorrected(newest.id)
        reached = select(LogSubject.candidacy_id).where(LogSubject.entry_id == message_id)
        candidacies = (
            select(Candidacy).join(Test, Test.id == Candidacy.test_id).join(User, User.id == Candidacy.user_id)
        )
        subjects = write_subjects(session, head, candidacies.where(Candidacy.id.in_(reached)))
        # the moment is taken inside, as that of closings (`inbox.py: close`)
        message.withdrawn_at = utcnow()
        user_ids = {subject.user_id for subject in subjects}
        is_open = Delivery.message_id == message_id, Delivery.user_id.in_(user_ids), Delivery.closed_at.is_(None)
        closing = update(Delivery).where(*is_open).values(closed_at=message.withdrawn_at).returning(Delivery.user_id)
        count = len(session.scalars(closing).all())
        detail = {"message": message.id, "subject": message.subject}
        who = Actor(actor.id, actor.name, role.value)
        append(session, head, at=now, actor=who, action=MESSAGE_WITHDRAWN, detail=detail, subjects=subjects)
    announce(message, sorted(user_ids))
    return Withdrawal(message, sorted(user_ids), count)


def role_to_withdraw(session: Session, actor: User, message: Message, now: datetime) -> Role | None:
    """The role by which somebody may take a message back, None if they may not.

    Its sender may while they can write in one of its tests, and who manages all of its candidacies in open tests.
    """
    right = Right.SEND if message.sender_id == actor.id else Right.MANAGE
    scope = access_scope(session, actor, right, now)
    reached = select(LogSubject.test_id).distinct().where(LogSubject.entry_id == message.id)
    role = scope.highest_role(set(session.scalars(reached)))
    if right is Right.MANAGE and role is not None:
        subject = LogSubject.entry_id == message.id, Candidacy.id == LogSubject.candidacy_id
        if session.scalar(select(exists().where(*subject, ~scope.condition(Candidacy)))):
            return None
    return role


def newest_in_place_of(session: Session, message: Message) -> Message | None:
    """The newest correction of a message, if nobody is left for whom the message itself stands."""
    corrections = corrections_of(session, message)
    if not corrections:
        return None
    has_newer = exists().where(
        Delivery.user_id == LogSubject.user_id, Delivery.message_id.in_([each.id for each in corrections])
    )
    stands = select(exists().where(LogSubject.entry_id == message.id, ~has_newer))
    return None if session.scalar(stands) else max(corrections, key=lambda each: each.id)


def actions_on(session: Session, actor: User, message: Message, now: datetime) -> set[str]:
    """What somebody who may read a message can do with it: `again`, `correct`, `withdraw`."""
    actions: set[str] = set()
    is_withdrawn = message.withdrawn_at is not None
    try:
        again = find_again(session, actor, message.id, now)
    except NotAllowed:
        again = None
    if again and again.candidacies:
        actions.add("again")
        if not is_withdrawn and may_correct(session, actor, again, now):
            actions.add("correct")
    may_withdraw = not is_withdrawn and role_to_withdraw(session, actor, message, now) is not None
    if may_withdraw and newest_in_place_of(session, message) is None:
        actions.add("withdraw")
    return actions


def may_correct(session: Session, actor: User, again: Again, now: datetime) -> bool:
    """Whether somebody may correct a message for all of its people whom they reach."""
    tests = select(Candidacy.test_id).distinct().where(id_in(Candidacy.id, again.candidacies, many=True))
    role = access_scope(session, actor, Right.SEND, now).highest_role(set(session.scalars(tests)))
    try:
        check_role(find_standing(session, again.message, again.candidacies.values()), actor, role or Role.INVIGILATOR)
    except (MessageWithdrawn, NotAllowed):
        return False
    return True
