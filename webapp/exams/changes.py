"""Pushes changed sittings to open pages: a new start or end, a pause, a withdrawal, a submission (R25).

Triggers note the moment of every such change in the candidacy. Every process looks for the notes of the last seconds
and pushes the sitting to the streams of its person. A push that is lost does no harm, because pages ask as well.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from flask import render_template
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.sql import id_in
from webapp.exams.sittings import find_sittings
from webapp.extensions import db
from webapp.models import Candidacy
from webapp.push.events import UserEvent, named_event
from webapp.push.service import current_push


def note_changes(session: Session, candidacy_ids: Iterable[int], test_ids: Iterable[int]) -> None:
    """Note once more, at the end of a long transaction, that these candidacies and all of these tests have changed.

    The sweep looks three seconds back (`push/sweep.py: OVERLAP`); it would miss an older note.
    """
    changed = or_(id_in(Candidacy.id, candidacy_ids), id_in(Candidacy.test_id, test_ids))
    # locked in the order of ids, as presence locks them
    locked = select(Candidacy.id).where(changed).order_by(Candidacy.id).with_for_update().cte("changed")
    in_order = Candidacy.id.in_(select(locked.c.id))
    session.connection().execute(update(Candidacy).where(in_order).values(changed_at=utcnow()))


class ChangedSittings:
    """The events that tell of changes. Each is rendered once, however often the sweep looks at its moment."""

    def __init__(self) -> None:
        self._events: dict[tuple[int, datetime], UserEvent] = {}

    def since(self, moment: datetime) -> Iterator[UserEvent]:
        """The events for streams of this process whose person's sitting has changed after `moment`."""
        session = db.session()
        query = select(Candidacy.id, Candidacy.user_id, Candidacy.changed_at).where(Candidacy.changed_at > moment)
        rows, hub = session.connection().execute(query), current_push().hub
        changes = {row.id: (row.id, row.changed_at) for row in rows if hub.is_open(row.user_id)}
        events = {change: self._events[change] for change in changes.values() if change in self._events}
        new = [candidacy_id for candidacy_id, change in changes.items() if change not in events]
        for sitting in find_sittings(session, utcnow(), id_in(Candidacy.id, new)) if new else ():
            html = render_template("exams/_sitting.html", sitting=sitting)
            event = UserEvent(sitting.candidacy.user_id, named_event("sitting", html))
            events[changes[sitting.candidacy.id]] = event
            time.sleep(0)  # lets other requests run while a hall whose end has moved is told
        self._events = events
        return iter(events.values())
