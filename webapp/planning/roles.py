"""Gives or takes a role in a test, without an import."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.exceptions import AccountRefused
from webapp.accounts.users import find_user, log_change
from webapp.db.transactions import writing
from webapp.logbook.append import Actor, lock_head
from webapp.models import Candidacy, Contribution, Role, Test
from webapp.planning.closing import find_test
from webapp.planning.search_text import refresh_search_text
from webapp.text.normalization import normalize


def set_role(
    session: Session,
    username: str,
    role: Role | None,
    title: str,
    day: date,
    *,
    room: str | None,
    actor: Actor,
    now: datetime,
) -> bool:
    """Give somebody a role in a test, limited to a room or not, or take it (None). False if nothing changes.

    Raises `NoSuchTest`, and `AccountRefused` for a username or a room that nobody there has.
    """
    room = normalize(room or "") or None
    with writing(session):
        lock_head(session)  # first, as closing does, which then locks the test and its candidacies: no deadlock
        user, test = find_user(session, username), find_test(session, title, day)
        if role and room:
            _check_room(session, test, room)
        is_theirs = Contribution.user_id == user.id, Contribution.test_id == test.id
        contribution = session.scalar(select(Contribution).where(*is_theirs))
        before = _in_words(contribution.role, contribution.room) if contribution else "none"
        after = _in_words(role, room) if role else "none"
        if before == after:
            return False
        roles = {role, contribution.role if contribution else None}
        if contribution is None:
            session.add(Contribution(user=user, test=test, role=role, room=room))
        elif role is None:
            session.delete(contribution)
        else:
            contribution.role, contribution.room = role, room
        session.flush()
        if Role.PLANNER in roles:  # the search finds candidates by the planners' names
            candidacies = session.scalars(select(Candidacy.id).where(Candidacy.test_id == test.id))
            refresh_search_text(session, candidacies.all())
        detail = {"test": test.title, "date": f"{test.start_date}", "before": before, "after": after}
        log_change(session, user, actor, "account.role_changed", now, **detail)
    return True


def _check_room(session: Session, test: Test, room: str) -> None:
    there = select(Candidacy.id).where(Candidacy.test_id == test.id, Candidacy.room == room)
    if session.scalar(there.limit(1)) is None:
        raise AccountRefused(f"No candidate of this test sits in the room {room} (case matters).")


def _in_words(role: Role, room: str | None) -> str:
    return f"{role} ({room})" if room else f"{role}"
