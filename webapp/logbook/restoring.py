"""After a restore: numbers go on above all that an open page can have seen, and the log says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from webapp.db.transactions import writing
from webapp.logbook.append import Actor, Head, append, lock_head
from webapp.logbook.chain import RESTORED

LEFT_OUT = 1_000_000
"""Numbers that are not given again: more than are given between a backup and its restore, by far."""


def note_restore(session: Session, now: datetime) -> tuple[int, int]:
    """Write the entry that leaves numbers out, in one transaction; gives the first and the last of them.

    A page that was open knows messages by their numbers, also those that the backup does not have. It would take a new
    message for one of them, which its reader may have closed.
    """
    with writing(session):
        head = lock_head(session)
        skipped = Head(head.number + LEFT_OUT, head.hash)
        detail = {"after": head.number}
        append(session, skipped, at=now, actor=Actor(None, "", ""), action=RESTORED, detail=detail)
        return head.number + 1, skipped.number
