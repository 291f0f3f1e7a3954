"""What a candidate's open pages must hear of a sitting: a new start or end, a pause, a withdrawal, a submission (R25).

The database notes the moment in the attempt by triggers, whatever writes the change. Every process looks for the notes
of the last seconds and pushes the sitting to the streams of its person. A push that is lost does no harm: pages ask as
well.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from flask import render_template
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from webapp import push
from webapp.clock import utcnow
from webapp.db.sql import id_in
from webapp.exams.sittings import OF_ANYBODY, Sitting
from webapp.extensions import db
from webapp.models import Candidacy


def note_changes(session: Session, *, candidacy_ids: Iterable[int] = (), test_ids: Iterable[int] = ()) -> None:
    """Note once more, at the end of a long transaction, that these candidacies and all of these tests have changed.

    A note is looked for three seconds back (`push/sweep.py: OVERLAP`): an older one would not be pushed.
    """
    candidacies, tests = [*candidacy_ids], [*test_ids]
    if candidacies:
        _note(session, id_in(Candidacy.id, candidacies))
    if tests:
        _note(session, id_in(Candidacy.test_id, tests))


def _note(session: Session, condition: ColumnElement[bool]) -> None:
    # locked in the order of numbers, as presence does
    changed = select(Candidacy.id).where(condition).order_by(Candidacy.id).with_for_update()
    locked = changed.cte("changed")
    session.connection().execute(
        update(Candidacy).where(Candidacy.id.in_(select(locked.c.id))).values(changed_at=utcnow())
    )


class ChangedSittings:
    """The words that tell of changes; each is rendered once, however often the sweep looks at its moment."""

    def __init__(self) -> None:
        self._words: dict[Change, push.UserEvent] = {}

    def since(self, moment: datetime) -> Iterator[push.UserEvent]:
        """What the streams of this process hear whose person's sitting has changed after a moment."""
        session = db.session()
        query = select(Candidacy.id, Candidacy.user_id, Candidacy.changed_at)
        rows = session.connection().execute(query.where(Candidacy.changed_at > moment))
        changes = [Change._make(row) for row in rows if push.is_listening(row.user_id)]
        new = {change.candidacy_id: change for change in changes if change not in self._words}
        words = {change: self._words[change] for change in changes if change in self._words}
        for sitting in _sittings(session, new):
            words[new[sitting.candidacy.id]] = _word(sitting)
            time.sleep(0)  # a hall whose end has moved is told between other requests
        self._words = words
        return iter(words.values())


class Change(NamedTuple):
    """One candidacy at one moment of change."""

    candidacy_id: int
    user_id: int
    changed_at: datetime


def _sittings(session: Session, candidacy_ids: Collection[int]) -> list[Sitting]:
    if not candidacy_ids:
        return []
    rows = session.execute(OF_ANYBODY.where(id_in(Candidacy.id, candidacy_ids))).all()
    return [Sitting(candidacy, test, ends_at, utcnow()) for candidacy, test, ends_at in rows]


def _word(sitting: Sitting) -> push.UserEvent:
    html = render_template("exams/_sitting.html", sitting=sitting)
    return push.UserEvent(sitting.candidacy.user_id, push.named_event("sitting", html))
