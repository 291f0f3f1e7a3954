"""A person's own messages: the message center over all tests, and the notices not yet closed (R9, R12, R13)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Connection,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.sql import PREPARED, id_in
from webapp.db.transactions import writing
from webapp.models import Delivery, LogSubject, Message, SessionClaims, User, still_counts


def open_notices(session: Session, user_id: int) -> Sequence[Message]:
    """The messages that this person has not closed, newest first."""
    return session.scalars(OPEN_NOTICES, {"user_id": user_id}).all()


def open_of_each(connection: Connection, kept: Sequence[SessionClaims]) -> list[list[int] | None]:
    """The numbers of the same messages for each of these sessions, oldest first.

    None for a session that does not count any more: the same statement asks for both.
    """
    asked = json.dumps([{"place": place, **one._asdict()} for place, one in enumerate(kept)])
    found: list[list[int] | None] = [None] * len(kept)
    for place, number in connection.execute(OPEN_OF_EACH[connection.dialect.name], {"kept": asked}):
        numbers = found[place] = found[place] or []
        if number is not None:
            numbers.append(number)
    return found


def texts(connection: Connection, numbers: Iterable[int]) -> Sequence[Any]:
    """What messages say, as (id, sender's role, subject, body, moment)."""
    said = select(Message.id, Message.sender_role, Message.subject, Message.body, Message.sent_at)
    return connection.execute(said.where(id_in(Message.id, numbers))).all()


def all_messages(session: Session, user_id: int) -> Sequence[Message]:
    """Every message this person ever got, newest first."""
    return session.scalars(_delivered_to(user_id)).all()


def open_numbers(session: Session, user_id: int) -> frozenset[int]:
    """The numbers of the messages not yet closed."""
    query = select(Delivery.message_id).where(Delivery.user_id == user_id, Delivery.closed_at.is_(None))
    return frozenset(session.scalars(query))


def close(session: Session, user_id: int, message_ids: Sequence[int]) -> list[int]:
    """Close notices; gives the numbers that were open until now. Other people's and unknown numbers do nothing.

    The moment is taken inside the transaction, which may have waited for seconds: other processes look for closings of
    the last three (`push/sweep.py: OVERLAP`).
    """
    if not message_ids:
        return []
    with writing(session):
        closed = session.scalars(
            update(Delivery)
            .where(Delivery.user_id == user_id, Delivery.message_id.in_(message_ids), Delivery.closed_at.is_(None))
            .values(closed_at=utcnow())
            .returning(Delivery.message_id)
        )
        return sorted(closed)


def closed_since(session: Session, moment: datetime) -> Sequence[tuple[int, int]]:
    """The notices closed after a moment, as (user id, message number)."""
    query = select(Delivery.user_id, Delivery.message_id).where(Delivery.closed_at > moment)
    return [(user_id, number) for user_id, number in session.execute(query).all()]


def newest_number(session: Session) -> int:
    """The number of the newest message of all (0: none): where the sweep begins."""
    return session.scalar(select(func.max(Message.id))) or 0


def numbers_after(session: Session, number: int) -> Sequence[int]:
    """The numbers of the messages committed after one, in commit order."""
    return session.scalars(select(Message.id).where(Message.id > number).order_by(Message.id)).all()


def recipients(session: Session, message_id: int) -> list[int]:
    """The user ids that a message was delivered to: those whom its log entry names."""
    return list(session.scalars(select(LogSubject.user_id).distinct().where(LogSubject.entry_id == message_id)))


def _delivered_to(user_id: int | BindParameter[int]) -> Select[Message]:
    return (
        select(Message)
        .join(Delivery, Delivery.message_id == Message.id)
        .where(Delivery.user_id == user_id)
        .order_by(Message.id.desc())
    )


# made and planned once: a hall that comes back asks them 1,500 times within a second
OPEN_NOTICES = _delivered_to(bindparam("user_id")).where(Delivery.closed_at.is_(None)).execution_options(**PREPARED)


def _open_of_each(kept: FromClause) -> Select[int, int | None]:
    return (
        select(kept.c.place, Delivery.message_id)
        .join_from(kept, User, still_counts(kept.c.user_id, kept.c.epoch, kept.c.session_id))
        .outerjoin(Delivery, and_(Delivery.user_id == User.id, Delivery.closed_at.is_(None)))
        .order_by(kept.c.place, Delivery.message_id)
        .execution_options(**PREPARED)
    )


FIELDS = {"place": Integer, "user_id": Integer, "epoch": Integer, "session_id": Text}
OPEN_OF_EACH = {
    "postgresql": _open_of_each(
        func.json_to_recordset(cast(bindparam("kept", type_=Text), JSON))
        .table_valued(*(column(name, type_) for name, type_ in FIELDS.items()))
        .render_derived("kept", with_types=True)
    ),
    "sqlite": _open_of_each(
        select(*(func.json_extract(column("value"), literal_column(f"'$.{name}'")).label(name) for name in FIELDS))
        .select_from(func.json_each(bindparam("kept", type_=Text)))
        .subquery("kept")
    ),
}
