"""A candidate cannot sign in: those in charge of the test give them another password, or unlock their sign-in.

Nobody gets at an account in this way that is worth more than the candidate's own: staff and administrators are left to
whoever runs the server, and so is a candidate who sits an open test that the helper is not in charge of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.access import Right, access_scope, is_contributor
from webapp.accounts import budgets, entries
from webapp.accounts.changing import replace_password
from webapp.accounts.passphrases import passphrase
from webapp.accounts.passwords import hash_password, matches
from webapp.accounts.refusals import NotInCharge, OutOfUse, PasswordChanged, SitsOtherTests, WorksInTests
from webapp.db.transactions import writing
from webapp.exceptions import NotAllowed, NotFound
from webapp.logbook.append import Actor
from webapp.models import Candidacy, Test, User


@dataclass(frozen=True)
class Helped:
    """A candidate who is helped, and in which test."""

    candidacy_id: int
    user: User
    number: str
    room: str
    seat: str
    test_id: int
    test: str


def candidate_to_help(session: Session, helper: User, candidacy_id: int, now: datetime) -> Helped:
    """The candidate, if `helper` may help them sign in.

    Raises `NotFound` for one whom they do not see, `NotAllowed` for one whom they only see, `OutOfUse` for one whom no
    help of this kind lets in.
    """
    in_charge = access_scope(session, helper, Right.HELP_SIGN_IN, now)
    found = _candidate(session, candidacy_id)
    if found is None or not _is_within(session, candidacy_id, in_charge.condition()):
        seen = access_scope(session, helper, Right.WATCH, now)
        if found is not None and (not seen or _is_within(session, candidacy_id, seen.condition())):
            raise NotInCharge(found.user.name) if seen else NotAllowed("no staff")
        raise NotFound(f"candidacy {candidacy_id}") if seen else NotAllowed("no staff")
    if found.user.deactivated_at is not None:
        raise OutOfUse(found.user.name)
    return found


def check_account(session: Session, helper: User, helped: Helped, now: datetime) -> None:
    """Raises `WorksInTests` or `SitsOtherTests` where another password would open more than the helper's tests."""
    if helped.user.is_admin or is_contributor(session, helped.user):
        raise WorksInTests(helped.user.name)
    in_charge = access_scope(session, helper, Right.HELP_SIGN_IN, now, window=False)
    others = select(Candidacy.id).join(Test, Test.id == Candidacy.test_id)
    others = others.where(Candidacy.user_id == helped.user.id, Test.closed_at.is_(None), ~in_charge.condition())
    if session.scalar(others.limit(1)) is not None:
        raise SitsOtherTests(helped.user.name)


def give_password(
    session: Session, helper: User, candidacy_id: int, *, form: str, epoch: int, secret_key: str, now: datetime
) -> tuple[Helped, str]:
    """Give a candidate a new password and end their sessions; the password, which is stored nowhere.

    `form` and `epoch` are the form's: its key, and how often the person's password had been set before. The same form
    posted again gets the same password without setting it once more. Raises `PasswordChanged` if it was set otherwise
    since, and what `candidate_to_help` and `check_account` raise.
    """
    helper_id = helper.id
    user = candidate_to_help(session, helper, candidacy_id, now).user
    password = passphrase(secret_key, f"{helper_id} {user.id} {epoch} {form}")
    session.rollback()  # no connection is held while the hash is computed
    password_hash = hash_password(password)
    with writing(session, keep=True):
        helped = candidate_to_help(session, helper, candidacy_id, now)
        user = session.get_one(User, helped.user.id, with_for_update={"key_share": True}, populate_existing=True)
        check_account(session, helper, helped, now)
        if user.epoch == epoch:
            replace_password(session, user, password_hash, secret_key, now)
            entries.note(session, user, _actor(session, helper, helped, now), entries.PASSWORD_SET, now)
        elif user.epoch != epoch + 1 or not user.password_hash or not matches(user.password_hash, password):
            raise PasswordChanged(user.name)
    return helped, password


def unlock(session: Session, helper: User, candidacy_id: int, *, secret_key: str, now: datetime) -> tuple[Helped, bool]:
    """Give a candidate's account all its tries back; and whether any had been used. Raises as `candidate_to_help`."""
    with writing(session, keep=True):
        helped = candidate_to_help(session, helper, candidacy_id, now)
        were_used = budgets.forget(session, budgets.account_key(helped.user.sign_in_name, secret_key))
        if were_used:
            entries.note(session, helped.user, _actor(session, helper, helped, now), entries.UNLOCKED, now)
    return helped, were_used


def _candidate(session: Session, candidacy_id: int) -> Helped | None:
    columns = Candidacy.id, User, Candidacy.number, Candidacy.room, Candidacy.seat, Test.id, Test.title
    query = select(*columns).join(User, User.id == Candidacy.user_id).join(Test, Test.id == Candidacy.test_id)
    row = session.execute(query.where(Candidacy.id == candidacy_id)).first()
    return Helped(*row) if row else None


def _is_within(session: Session, candidacy_id: int, condition: ColumnElement[bool]) -> bool:
    return session.scalar(select(Candidacy.id).where(Candidacy.id == candidacy_id, condition)) is not None


def _actor(session: Session, helper: User, helped: Helped, now: datetime) -> Actor:
    role = access_scope(session, helper, Right.HELP_SIGN_IN, now).highest_role({helped.test_id})
    return Actor(helper.id, helper.name, role.value if role else "")
