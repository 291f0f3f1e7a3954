"""When the last message went to a candidacy, as its row shows it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from webapp.db.sql import PREPARED, id_in
from webapp.models import Candidacy, Delivery, LogSubject, Message

_concerns = (
    exists()
    .where(LogSubject.entry_id == Delivery.message_id, LogSubject.candidacy_id == Candidacy.id)
    .correlate(Delivery, Candidacy)
)
_newest = (
    select(Message.sent_at)
    .join(Delivery, Delivery.message_id == Message.id)
    .where(Delivery.user_id == Candidacy.user_id, _concerns)
    .order_by(Delivery.message_id.desc())
    .limit(1)
    .correlate(Candidacy)
    .scalar_subquery()
)
_OF_IDS = select(Candidacy.id, _newest).where(id_in(Candidacy.id, "ids")).execution_options(**PREPARED)


def last_messages(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    """Candidacy id → when something was last sent to it, whoever sent it; without those to whom nothing was.

    A message to the same person for another test does not count: whoever sees this one need not see that one. It looks
    at each person's newest deliveries first, so that it reads a few index entries for each.
    """
    rows = session.connection().execute(_OF_IDS, {"ids": ids})
    return {number: sent_at for number, sent_at in rows if sent_at is not None}
