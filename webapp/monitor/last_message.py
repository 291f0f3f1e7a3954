"""When the last message went to a candidacy, as its row shows it."""

from datetime import datetime

from sqlalchemy import ScalarSelect, exists, select

from webapp.models import Candidacy, Delivery, LogSubject, Message


def last_message_at() -> ScalarSelect[datetime]:
    """When something was last sent to this candidacy, whoever sent it; NULL if nothing was.

    A message to the same person for another test does not count: whoever sees this one need not see that one. It looks
    at the person's newest deliveries first, so that it reads a few index entries for each row.
    """
    concerns = (
        exists()
        .where(LogSubject.entry_id == Delivery.message_id, LogSubject.candidacy_id == Candidacy.id)
        .correlate(Delivery, Candidacy)
    )
    newest = (
        select(Message.sent_at)
        .join(Delivery, Delivery.message_id == Message.id)
        .where(Delivery.user_id == Candidacy.user_id, concerns)
        .order_by(Delivery.message_id.desc())
        .limit(1)
    )
    return newest.correlate(Candidacy).scalar_subquery()
