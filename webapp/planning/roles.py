"""Gives or takes a role in a test, without an import."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.users import COMMAND_LINE, AccountRefused, find_user, log_change
from webapp.db.transactions import writing
from webapp.logbook.append import lock_head
from webapp.models import Candidacy, Contribution, Role
from webapp.monitor.search_text import refresh_search_text
from webapp.planning.closing import find_test
from webapp.text.normalization import normalize


def set_role(
    session: Session, username: str, role: Role | None, title: str, day: date, *, room: str | None, now: datetime
) -> bool:
    """Give somebody a role in a test, limited to a room or not, or take it (None). False if nothing changes.

    Raises `NotFound`, and `AccountRefused` for a username or a room that nobody there has.
    """
    room = normalize(room or "") or None
    with writing(session):
        user = find_user(session, username)  # locked first, as every change of an account does
        lock_head(session)  # then, as closing does, which locks the test and its candidacies next: no deadlock
        test = find_test(session, title, day)
        candidacies = select(Candidacy.id).where(Candidacy.test_id == test.id)
        if role and room and session.scalar(candidacies.where(Candidacy.room == room).limit(1)) is None:
            raise AccountRefused(f"No candidate of this test sits in the room {room} (case matters).")
        is_theirs = Contribution.user_id == user.id, Contribution.test_id == test.id
        contribution = session.scalar(select(Contribution).where(*is_theirs))
        former_role, former_room = (contribution.role, contribution.room) if contribution else (None, None)
        before, after = _in_words(former_role, former_room), _in_words(role, room)
        if before == after:
            return False
        if contribution is None:
            session.add(Contribution(user=user, test=test, role=role, room=room))
        elif role is None:
            session.delete(contribution)
        else:
            contribution.role, contribution.room = role, room
        session.flush()
        if Role.PLANNER in {former_role, role}:  # the search finds candidates by the planners' names
            refresh_search_text(session, session.scalars(candidacies).all())
        detail = {"test": test.title, "date": f"{test.start_date}", "before": before, "after": after}
        log_change(session, user, COMMAND_LINE, "account.role_changed", now, **detail)
    return True


def _in_words(role: Role | None, room: str | None) -> str:
    return f"{role} ({room})" if role and room else f"{role or 'none'}"
