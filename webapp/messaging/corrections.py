"""Corrections: a message that takes the place of an earlier one, for those whom both reached (R30).

Corrections of one message form a tree: each is joined to the newest message that all of its own recipients have, so
that nobody is shown a text struck out that was for others. Of a tree, each person's newest message stands.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.sql import id_in
from webapp.exceptions import BadParameter, NotAllowed
from webapp.messaging.again import Again, find_again
from webapp.messaging.audience import Selection
from webapp.messaging.exceptions import MessageWithdrawn
from webapp.models import Delivery, Message, Role, User
from webapp.models.correction_tree import tree_of


def find_corrected(session: Session, sender: User, message_id: int, now: datetime) -> tuple[Again, Message]:
    """Whom `sender` may reach of a message's people, and what a correction for all of them would take the place of.

    Raises as `find_again`, and `MessageWithdrawn`.
    """
    again = find_again(session, sender, message_id, now)
    return again, find_standing(session, again.message, set(again.candidacies.values()))


def choose_recipients(again: Again, selection: Selection) -> Selection:
    """The audience of a correction: picked candidacies of the message's people, or all of those within reach.

    Raises `BadParameter` for a filter, and for a candidacy whose person has not got the message.
    """
    if selection.listed is None:
        raise BadParameter("scope", "filtered")
    if not selection.listed:
        return again.selection
    for candidacy_id in set(selection.listed) - again.everybody:
        raise BadParameter("candidate", str(candidacy_id))
    return selection


def find_standing(session: Session, message: Message, user_ids: Iterable[int]) -> Message:
    """The newest message of a tree that all of these people have. Raises `MessageWithdrawn` if it was taken back."""
    persons, tree = set(user_ids), tree_of(session, message)
    query = (
        select(Delivery.message_id)
        .where(Delivery.message_id.in_(tree), id_in(Delivery.user_id, persons, many=True))
        .group_by(Delivery.message_id)
        .having(func.count() == len(persons))
    )
    standing = tree[max((message.id, *session.scalars(query)))]
    for each in (message, standing):
        if each.withdrawn_at is not None:
            raise MessageWithdrawn(each)
    return standing


def check_role(message: Message, sender: User, role: Role) -> None:
    """Raise `NotAllowed` for a message of somebody with a higher role: nobody strikes out what their chief says."""
    if is_outranked(message, sender, role):
        raise NotAllowed("of somebody with a higher role")


def is_outranked(message: Message, sender: User, role: Role) -> bool:
    """Whether a message is of somebody else with a higher role than this one of `sender`."""
    ranks = list(Role)
    return message.sender_id != sender.id and ranks.index(role) < ranks.index(message.sender_role)


def close_earlier(session: Session, message: Message, user_ids: Iterable[int]) -> None:
    """Close what a correction takes the place of, for its recipients: it shows them the text struck out.

    The moment is taken inside the transaction, as that of other closings (`inbox.py: close`).
    """
    earlier = Delivery.message_id.in_(earlier_than(session, message)), id_in(Delivery.user_id, user_ids, many=True)
    session.execute(update(Delivery).where(*earlier, Delivery.closed_at.is_(None)).values(closed_at=utcnow()))


def earlier_than(session: Session, message: Message) -> list[int]:
    """The numbers of the messages of a correction's tree that are older than it."""
    return [number for number in tree_of(session, message) if number < message.id]
