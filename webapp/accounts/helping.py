"""Helps a candidate who cannot sign in: a new password, or unlocking the sign-in.

Helpers never get at an account that opens more than their own tests: those of staff, of administrators, and of
candidates of other open tests are left to the operator.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.access import Right, access_scope, is_contributor
from webapp.accounts import budgets
from webapp.accounts.exceptions import Deactivated, NotInCharge, PasswordChanged, SitsOtherTests, WorksInTests
from webapp.accounts.passwords import hash_password, matches, passphrase
from webapp.accounts.users import log_change, replace_password
from webapp.db.transactions import writing
from webapp.exceptions import NotAllowed, NotFound
from webapp.logbook.append import Actor
from webapp.models import Candidacy, Test, User


@dataclass(frozen=True)
class HelpedCandidate:
    """A candidate in the test in which they get help."""

    candidacy_id: int
    user: User
    number: str
    room: str
    seat: str
    test_id: int
    test: str


def load_candidate(session: Session, helper: User, candidacy_id: int, now: datetime) -> HelpedCandidate:
    """The candidate, if `helper` may help them sign in.

    Raises `NotFound` for one whom the helper does not see, `NotAllowed` for one whom they only see, and `Deactivated`.
    """
    candidate = _load(session, candidacy_id)
    if candidate is None or not _is_in(
        session, candidacy_id, access_scope(session, helper, Right.HELP_SIGN_IN, now).condition()
    ):
        visible = access_scope(session, helper, Right.WATCH, now)
        if candidate is not None and visible and _is_in(session, candidacy_id, visible.condition()):
            raise NotInCharge(candidate.user.name)
        raise NotFound(f"candidacy {candidacy_id}") if visible else NotAllowed("no staff")
    if candidate.user.deactivated_at is not None:
        raise Deactivated(candidate.user.name)
    return candidate


def check_account(session: Session, helper: User, candidate: HelpedCandidate, now: datetime) -> None:
    """Raises `WorksInTests` or `SitsOtherTests` where another password would open more than the helper's tests."""
    if candidate.user.is_admin or is_contributor(session, candidate.user):
        raise WorksInTests(candidate.user.name)
    scope = access_scope(session, helper, Right.HELP_SIGN_IN, now, window=False)
    others = select(Candidacy.id).join(Test, Test.id == Candidacy.test_id)
    others = others.where(Candidacy.user_id == candidate.user.id, Test.closed_at.is_(None), ~scope.condition())
    if session.scalar(others.limit(1)) is not None:
        raise SitsOtherTests(candidate.user.name)


def give_password(
    session: Session, helper: User, candidacy_id: int, *, form_key: str, epoch: int, secret_key: str, now: datetime
) -> tuple[HelpedCandidate, str]:
    """Give a candidate a new password and end their sessions. The password itself is not stored.

    `form_key` and `epoch` were in the form: its key, and the epoch of the person's password then. The same form posted
    again gets the same password. Raises `PasswordChanged` if the password was set otherwise since, and what
    `load_candidate` and `check_account` raise.
    """
    helper_id = helper.id
    user = load_candidate(session, helper, candidacy_id, now).user
    password = passphrase(secret_key, f"{helper_id} {user.id} {epoch} {form_key}")
    session.rollback()  # no connection is held while the hash is computed
    password_hash = hash_password(password)
    with writing(session, keep=True):
        candidate = load_candidate(session, helper, candidacy_id, now)
        user = session.get_one(User, candidate.user.id, with_for_update={"key_share": True}, populate_existing=True)
        check_account(session, helper, candidate, now)
        if user.epoch == epoch:
            replace_password(session, user, password_hash, secret_key, now)
            log_change(session, user, _actor(session, helper, candidate, now), "account.password_set", now)
        elif user.epoch != epoch + 1 or not user.password_hash or not matches(user.password_hash, password):
            raise PasswordChanged(user.name)
    return candidate, password


def unlock(session: Session, helper: User, candidacy_id: int, *, secret_key: str, now: datetime) -> HelpedCandidate:
    """Give a candidate's account all its tries back. Raises as `load_candidate`."""
    with writing(session, keep=True):
        candidate = load_candidate(session, helper, candidacy_id, now)
        if budgets.forget(session, budgets.account_key(candidate.user.sign_in_name, secret_key)):
            log_change(session, candidate.user, _actor(session, helper, candidate, now), "account.unlocked", now)
    return candidate


def _load(session: Session, candidacy_id: int) -> HelpedCandidate | None:
    columns = Candidacy.id, User, Candidacy.number, Candidacy.room, Candidacy.seat, Test.id, Test.title
    query = select(*columns).join(User, User.id == Candidacy.user_id).join(Test, Test.id == Candidacy.test_id)
    row = session.execute(query.where(Candidacy.id == candidacy_id)).first()
    return HelpedCandidate(*row) if row else None


def _is_in(session: Session, candidacy_id: int, condition: ColumnElement[bool]) -> bool:
    return session.scalar(select(Candidacy.id).where(Candidacy.id == candidacy_id, condition)) is not None


def _actor(session: Session, helper: User, candidate: HelpedCandidate, now: datetime) -> Actor:
    role = access_scope(session, helper, Right.HELP_SIGN_IN, now).highest_role({candidate.test_id})
    return Actor(helper.id, helper.name, role.value if role else "")
