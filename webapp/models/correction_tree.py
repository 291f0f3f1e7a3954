"""The corrections of a message, and theirs: a tree, whose root was sent first (R30)."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.models.messages import Message


def tree_of(session: Session, message: Message) -> dict[int, Message]:
    """A message, all that it corrects and all that correct those, by number."""
    first = message
    while first.corrects_id is not None:
        first = session.get_one(Message, first.corrects_id)
    return {each.id: each for each in (first, *corrections_of(session, first))}


def corrections_of(session: Session, message: Message) -> Sequence[Message]:
    """The messages that correct this one, or that correct one that does."""
    found: list[Message] = []
    level = [message]
    while level:
        query = select(Message).where(Message.corrects_id.in_([each.id for each in level]))
        level = list(session.scalars(query.order_by(Message.id)))
        found += level
    return found
