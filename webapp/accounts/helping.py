"""Helps a candidate who cannot sign in: a new password, or unlocking the sign-in.

Helpers never get at an account that opens more than their own tests: those of staff, of administrators, and of
candidates of other open tests are left to the operator.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.access import Right, access_scope, is_contributor
from webapp.accounts.passwords import hash_password, matches, passphrase
from webapp.accounts.signing_in import account_key, forget
from webapp.accounts.users import log_change, replace_password
from webapp.db.transactions import writing
from webapp.exceptions import NotAllowed, NotFound, Refusal
from webapp.logbook.append import Actor
from webapp.models import Candidacy, Test, User


class CannotHelp(Refusal):
    """The helper must not open this candidate's account. The text is the candidate's name, the code tells why."""

    status = 403

    def __init__(self, code: str, name: str) -> None:
        super().__init__(name)
        self.code = code


class PasswordChanged(CannotHelp):
    """The candidate's password was set by somebody else since the form was opened."""

    status = 409


def load_candidate(session: Session, helper: User, candidacy_id: int, now: datetime) -> tuple[Candidacy, Actor]:
    """The candidate, with person and test, and `helper` as the log names them.

    Raises `NotFound` for one whom the helper does not see, and `CannotHelp` for one whom they only see and for one
    whose account is deactivated: no password signs in to it.
    """
    scope = access_scope(session, helper, Right.HELP_SIGN_IN, now)
    query = select(Candidacy).where(Candidacy.id == candidacy_id)
    query = query.options(joinedload(Candidacy.user), joinedload(Candidacy.test))
    candidate = session.scalar(query.where(scope.condition()))
    if candidate is None:
        visible = access_scope(session, helper, Right.WATCH, now)
        if candidate := session.scalar(query.where(visible.condition())):
            raise CannotHelp("not_in_charge", candidate.user.name)
        raise NotFound(f"candidacy {candidacy_id}") if visible else NotAllowed("no staff")
    if candidate.user.deactivated_at is not None:
        raise CannotHelp("deactivated", candidate.user.name)
    return candidate, Actor(helper.id, helper.name, scope.roles[candidate.test_id].value)


def check_account(session: Session, helper: User, candidate: Candidacy, now: datetime) -> None:
    """Raises `CannotHelp` where another password would open more than the helper's tests."""
    if candidate.user.is_admin or is_contributor(session, candidate.user):
        raise CannotHelp("works_in_tests", candidate.user.name)
    scope = access_scope(session, helper, Right.HELP_SIGN_IN, now, window=False)
    others = select(Candidacy.id).join(Test, Test.id == Candidacy.test_id)
    others = others.where(Candidacy.user_id == candidate.user_id, Test.closed_at.is_(None), ~scope.condition())
    if session.scalar(others.limit(1)) is not None:
        raise CannotHelp("sits_other_tests", candidate.user.name)


def give_password(
    session: Session, helper: User, candidacy_id: int, *, form_key: str, epoch: int, secret_key: str, now: datetime
) -> tuple[Candidacy, str]:
    """Give a candidate a new password and end their sessions. The password itself is not stored.

    `form_key` and `epoch` were in the form: its key, and the epoch of the person's password then. The same form posted
    again gets the same password. Raises `PasswordChanged` if the password was set otherwise since, and what
    `load_candidate` and `check_account` raise.
    """
    candidate, _ = load_candidate(session, helper, candidacy_id, now)
    password = passphrase(secret_key, f"{helper.id} {candidate.user_id} {epoch} {form_key}")
    session.rollback()  # no connection is held while the hash is computed
    password_hash = hash_password(password)
    with writing(session, keep=True):
        candidate, actor = load_candidate(session, helper, candidacy_id, now)
        user = candidate.user
        session.refresh(user, with_for_update={"key_share": True})
        check_account(session, helper, candidate, now)
        if user.epoch == epoch:
            replace_password(session, user, password_hash, secret_key)
            log_change(session, user, actor, "account.password_set", now)
        elif not user.password_hash or not matches(user.password_hash, password):
            raise PasswordChanged("password_changed", user.name)
    return candidate, password


def unlock(session: Session, helper: User, candidacy_id: int, *, secret_key: str, now: datetime) -> Candidacy:
    """Give a candidate's account all its tries back. Raises as `load_candidate`."""
    with writing(session, keep=True):
        candidate, actor = load_candidate(session, helper, candidacy_id, now)
        if forget(session, account_key(candidate.user.sign_in_name, secret_key)):
            log_change(session, candidate.user, actor, "account.unlocked", now)
    return candidate
