"""Notices as they go to the screens: rendered once per sending, not once per recipient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import render_template
from sqlalchemy import Connection

from webapp import push
from webapp.asking_together import AskedTogether
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


class OpenNotices:
    """A person's open notices as (number, notice), oldest first: what each stream begins with.

    A hall that comes back opens 1,500 within seconds: those that open at a time are asked for together, and what a
    message says is read once.
    """

    def __init__(self) -> None:
        self._of = AskedTogether(self._read)
        self._shown: dict[int, str] = {}
        """Notices by number, for whoever reads: only one does at a time."""

    def __call__(self, kept: SessionClaims) -> list[tuple[int, str]] | None:
        """Those of a session's person; None if the session does not count any more."""
        return self._of(kept)

    def _read(self, kept: Sequence[SessionClaims]) -> list[list[tuple[int, str]] | None]:
        with db.engine.connect() as connection:  # a session's own beginning and end take longer than what is asked
            found = inbox.open_of_each(connection, kept)
            self._show(connection, {number for numbers in found for number in numbers or ()})
        return [None if numbers is None else [*self._of_these(numbers)] for numbers in found]

    def _of_these(self, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        return ((one, self._shown[one]) for one in numbers if one in self._shown)

    def _show(self, connection: Connection, numbers: set[int]) -> None:
        """Have the notices with these numbers, but of messages deleted since they were asked for."""
        if len(self._shown.keys() | numbers) > KEPT:
            self._shown = {one: notice for one, notice in self._shown.items() if one in numbers}
        missing = numbers - self._shown.keys()
        if missing:
            zone, locale = installation_zone(), current_locale()
            for said in map(Said._make, inbox.texts(connection, missing)):
                self._shown[said.id] = _written(said, zone, locale)


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
