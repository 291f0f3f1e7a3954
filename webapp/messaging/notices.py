"""Notices as they go to the screens, and the messages that the sweep of the push reads."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, after_this_request, current_app, render_template
from flask_babel import force_locale
from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from webapp.db.sql import PREPARED
from webapp.extensions import db
from webapp.messaging.corrections import earlier_than
from webapp.models import SESSION_COUNTS, Delivery, LogSubject, Message, SessionClaims, User
from webapp.push.events import (
    Announcement,
    GroupEvent,
    Item,
    UserEvent,
    closed_event,
    notice_event,
    replaced_event,
    withdrawn_event,
)  # fmt: skip
from webapp.push.service import current_push
from webapp.push.sweep import MessageSource, OpenNotices
from webapp.web.templating import available_locales, current_locale, installation_zone

SHOWN = (
    "id", "sender_role", "subject", "body", "sent_at", "level", "help_request_id", "corrects_id", "old_subject",
    "old_body",
)  # fmt: skip
"""The parts of a message that its notice shows."""
_old, _withdrawn = aliased(Message), aliased(Message)
_is_withdrawn = exists().where(_withdrawn.id == Delivery.message_id, _withdrawn.withdrawn_at.is_not(None))
# a hall that comes back runs it 1,500 times within a second
OPEN_OF_SESSION = (
    select(
        *(getattr(Message, name) for name in SHOWN if not name.startswith("old_")),
        *(_old.subject.label("old_subject"), _old.body.label("old_body"), Message.withdrawn_at),
    )
    .select_from(User)
    .outerjoin(Delivery, and_(Delivery.user_id == User.id, or_(Delivery.closed_at.is_(None), _is_withdrawn)))
    .outerjoin(Message, Message.id == Delivery.message_id)
    .outerjoin(_old, _old.id == Message.corrects_id)
    .where(SESSION_COUNTS)
    .order_by(Message.id)
    .execution_options(**PREPARED)
)
"""The open notices of a session's person, and their messages that were withdrawn: a row of NULL if there are none, no
row if the session has ended."""


def render_notice(message: Any) -> str:
    """The notice of a message, as pages, streams and polls show it; `message` has the attributes `SHOWN`."""
    return _render(installation_zone(), current_locale(), **{name: getattr(message, name) for name in SHOWN})


@lru_cache(maxsize=256)  # the streams of a hall open with the same few
def _render(_zone: ZoneInfo, _locale: str, **message: Any) -> str:
    return render_template("messaging/_notice.html", message=message)


def announce(message: Message, user_ids: list[int]) -> None:
    """Push a committed message to the streams of its recipients; the sweep brings what is lost (R8).

    Its notice takes the place of the one that it corrects; those that were before that one are closed with it.
    """
    items: list[Item] = [_announcement(message, user_ids)]
    if message.corrects_id is not None:
        others = [number for number in earlier_than(db.session(), message) if number != message.corrects_id]
        items += [replaced_event(user_ids, others)] if others else []
    _publish(items)


def announce_withdrawal(message: Message, user_ids: list[int]) -> None:
    """Tell the streams of its recipients that a message was taken back."""
    _publish([withdrawn_event(user_ids, [message.id])])


def _publish(items: list[Item]) -> None:
    """Publish when this request has been answered: the sender does not wait until a hall is written to."""
    bus = current_push().bus

    def publish() -> None:
        for item in items:
            bus.publish(item)

    @after_this_request
    def _publish_at_end(response: Response) -> Response:
        response.call_on_close(publish)  # servers also close the response of a client that has gone
        return response


def announce_at_once(message: Message, user_ids: list[int]) -> None:
    """The same outside of a request."""
    current_push().bus.publish(_announcement(message, user_ids))


def _announcement(message: Message, user_ids: list[int]) -> Announcement:
    """With the notice in every language: each stream takes that of its page, whatever the sender's is."""
    events = {}
    for locale in available_locales():
        with force_locale(locale):
            events[locale] = notice_event(message.id, render_notice(message))
    event = events.pop(current_app.config["SETTINGS"].default_locale)
    translations = {locale: event.decode() for locale, event in events.items()}
    return Announcement(message.id, event, user_ids, translations)


def open_notices(claims: SessionClaims) -> OpenNotices | None:
    """What the stream of a session's person begins with; None if the session has ended."""
    with db.engine.connect() as connection:
        rows = connection.execute(OPEN_OF_SESSION, claims.parameters).all()
    if not rows:
        return None
    messages = [row for row in rows if row.id is not None]
    shown = [(row.id, render_notice(row)) for row in messages if row.withdrawn_at is None]
    return OpenNotices(shown, [row.id for row in messages if row.withdrawn_at is not None])


def _newest_number() -> int:
    return db.session.scalar(select(func.max(Message.id))) or 0


def _numbers_after(number: int) -> list[int]:
    """The numbers of the messages committed after one, in commit order."""
    return list(db.session.scalars(select(Message.id).where(Message.id > number).order_by(Message.id)))


def _load(number: int) -> Announcement:
    """A committed message as it is announced, to those who have it open."""
    message = db.session.get_one(Message, number)
    has_it_open = Delivery.user_id == LogSubject.user_id, Delivery.message_id == number, Delivery.closed_at.is_(None)
    query = select(LogSubject.user_id).distinct().where(LogSubject.entry_id == number, *has_it_open)
    return _announcement(message, list(db.session.scalars(query)))


def _events_since(moment: datetime) -> Iterator[UserEvent | GroupEvent]:
    """The notices closed and the messages withdrawn after a moment, as people's tabs hear of it."""
    query = select(Delivery.user_id, Delivery.message_id).where(Delivery.closed_at > moment)
    for user_id, number in db.session.execute(query).all():
        yield closed_event(user_id, [number])
    for number in db.session.scalars(select(Message.id).where(Message.withdrawn_at > moment)).all():
        recipients = select(LogSubject.user_id).distinct().where(LogSubject.entry_id == number)
        yield withdrawn_event(db.session.scalars(recipients.order_by(LogSubject.user_id)), [number])


MESSAGE_SOURCE = MessageSource(open_notices, _newest_number, _numbers_after, _load, _events_since)
