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
from webapp.models import KeptSession, Message, Role
from webapp.timezone import installation_locale, installation_zone


def rendered(message: Message) -> str:
    """The notice of a message, as pages, streams and polls show it."""
    said = Said(message.id, message.sender_role, message.subject, message.body, message.sent_at)
    return _written(said, installation_zone(), installation_locale())


class Said(NamedTuple):
    """What a notice says. A message never changes."""

    id: int
    sender_role: Role
    subject: str
    body: str
    sent_at: datetime


@lru_cache(maxsize=256)
def _written(message: Said, _zone: ZoneInfo, _locale: str) -> str:
    """Kept, because a hall that comes back asks for the same few 1,500 times."""
    return render_template("messaging/_notice.html", message=message)


def announce(message: Message, user_ids: list[int]) -> None:
    """Push a committed message to the streams of its recipients; best effort, the sweep brings what is lost (R8)."""
    push.announce(message.id, rendered(message), user_ids)


def open_notices(kept: KeptSession) -> list[tuple[int, str]] | None:
    """A person's open notices as (number, notice), oldest first: what a stream begins with. None if the session does
    not count any more."""
    zone, locale = installation_zone(), installation_locale()
    with db.engine.connect() as connection:  # a session's own beginning and end take longer than what is asked
        said = inbox.open_texts(connection, kept)
    return None if said is None else [(one.id, _written(one, zone, locale)) for one in map(Said._make, said)]


def load(number: int) -> push.Announcement:
    """A committed message as it is announced: for the sweep."""
    session = db.session()
    message = session.get_one(Message, number)
    return push.Announcement(number, push.notice_event(number, rendered(message)), inbox.recipients(session, number))


def closed_since(moment: datetime) -> Iterator[push.Word]:
    """What was closed after a moment, as people's other tabs hear of it: for the sweep."""
    for user_id, number in inbox.closed_since(db.session(), moment):
        yield push.Word(user_id, push.closed_event([number]))


OUTBOX = push.Outbox(
    newest=lambda: inbox.newest_number(db.session()),
    numbers_after=lambda number: inbox.numbers_after(db.session(), number),
    load=load,
    closed_since=closed_since,
)
