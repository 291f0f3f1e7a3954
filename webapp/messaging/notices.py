"""Notices as they go to the screens: rendered once per sending, not once per recipient."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import render_template

from webapp import push
from webapp.extensions import db
from webapp.messaging import inbox
from webapp.models import Message, Role, SessionClaims
from webapp.web.languages import current_locale
from webapp.web.times import installation_zone

KEPT = 256
"""Notices that are kept as they are shown."""


def rendered(message: Message) -> str:
    """The notice of a message, as pages, streams and polls show it."""
    said = Said(message.id, message.sender_role, message.subject, message.body, message.sent_at)
    return _written(said, installation_zone(), current_locale())


class Said(NamedTuple):
    """What a notice says. A message never changes."""

    id: int
    sender_role: Role
    subject: str
    body: str
    sent_at: datetime


@lru_cache(maxsize=KEPT)
def _written(message: Said, _zone: ZoneInfo, _locale: str) -> str:
    """Kept, because the pages of a hall show the same few."""
    return render_template("messaging/_notice.html", message=message)


def announce(message: Message, user_ids: list[int]) -> None:
    """Push a committed message to the streams of its recipients; best effort, the sweep brings what is lost (R8)."""
    push.announce(message.id, rendered(message), user_ids)


def open_notices(claims: SessionClaims) -> list[tuple[int, str]] | None:
    """A person's open notices as (message id, notice), oldest first: what each stream begins with.

    None for a session that does not count any more.
    """
    messages = inbox.open_in_session(db.session(), claims)
    if messages is None:
        return None
    zone, locale = installation_zone(), current_locale()
    return [(message.id, _written(Said._make(message), zone, locale)) for message in messages]


def load(number: int) -> push.Announcement:
    """A committed message as it is announced: for the sweep."""
    session = db.session()
    message = session.get_one(Message, number)
    return push.Announcement(number, push.notice_event(number, rendered(message)), inbox.recipients(session, number))


def closed_since(moment: datetime) -> Iterator[push.UserEvent]:
    """What was closed after a moment, as people's other tabs hear of it: for the sweep."""
    for user_id, number in inbox.closed_since(db.session(), moment):
        yield push.UserEvent(user_id, push.closed_event([number]))


MESSAGE_SOURCE = push.MessageSource(
    newest=lambda: inbox.newest_number(db.session()),
    numbers_after=lambda number: inbox.numbers_after(db.session(), number),
    load=load,
    user_events_since=closed_since,
)
