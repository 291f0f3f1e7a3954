"""Accounts are created and changed by commands, and opened for a candidate who cannot sign in. All is logged (R15).

Staff who help a candidate never get at an account that opens more than their own tests: those of staff, of
administrators, and of candidates of other open tests are left to the operator.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.access import Right, access_scope, is_contributor
from webapp.accounts.passwords import hash_password, matches, passphrase, problem_with
from webapp.accounts.signing_in import account_key, forget
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.exceptions import NotAllowed, NotFound, Refusal
from webapp.logbook.append import Actor, append, lock_head, write_subjects
from webapp.models import Candidacy, Test, User
from webapp.models.people import LONGEST_USERNAME, sign_in_name
from webapp.push.sessions import write_end_of_all
from webapp.text.characters import has_control_characters
from webapp.text.normalization import normalize

COMMAND_LINE = Actor(None, "command line", "")
"""Somebody who runs a command on the server, where nobody is signed in."""


class AccountRefused(Refusal):
    """An account cannot be created or changed; the text says what to change."""


class CannotHelp(Refusal):
    """The helper must not open this candidate's account. The text is the candidate's name, the code tells why."""

    status = 403

    def __init__(self, code: str, name: str) -> None:
        super().__init__(name)
        self.code = code


class PasswordChanged(CannotHelp):
    """The candidate's password was set by somebody else since the form was opened."""

    status = 409


def create_user(session: Session, username: str, name: str, password: str, *, is_admin: bool = False) -> User:
    """Create a person with a password of their choice. Raises `AccountRefused`."""
    username, name = _checked("username", username, LONGEST_USERNAME), _checked("name", name, 200)
    key = sign_in_name(username)
    if len(key) > LONGEST_USERNAME:
        raise AccountRefused("The username is too long.")
    password_hash = _hash_checked(password)
    with writing(session):
        if session.scalar(select(User.id).where(User.sign_in_name == key)) is not None:
            raise AccountRefused(f"The username {username} is taken.")
        user = User(username=username, sign_in_name=key, name=name, password_hash=password_hash, is_admin=is_admin)
        session.add(user)
    return user


def set_password(session: Session, username: str, password: str, *, secret_key: str, now: datetime) -> User:
    """Give somebody another password; ends their sessions, and a lock of their sign-in. Raises `AccountRefused`."""
    password_hash = _hash_checked(password)
    with writing(session, keep=True):
        user = find_user(session, username)
        replace_password(session, user, password_hash, secret_key)
        log_change(session, user, COMMAND_LINE, "account.password_set", now)
    return user


def set_deactivated(session: Session, username: str, *, deactivated: bool, now: datetime) -> bool:
    """End somebody's sessions and refuse their sign-ins, or allow them again. False if it is so already."""
    with writing(session):
        user = find_user(session, username)
        if deactivated == (user.deactivated_at is not None):
            return False
        user.deactivated_at = now if deactivated else None
        _end_sessions(session, user)
        log_change(session, user, COMMAND_LINE, "account.deactivated" if deactivated else "account.reactivated", now)
    return True


def set_administrator(session: Session, username: str, *, is_admin: bool, now: datetime) -> bool:
    """Give or take the right to see everything in this installation. False if it is so already."""
    with writing(session):
        user = find_user(session, username)
        if user.is_admin is is_admin:
            return False
        user.is_admin = is_admin
        before, after = ("none", "administrator") if is_admin else ("administrator", "none")
        log_change(session, user, COMMAND_LINE, "account.role_changed", now, before=before, after=after)
    return True


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


def find_user(session: Session, username: str) -> User:
    """The person with this username, locked until the transaction ends. Raises `AccountRefused`."""
    query = select(User).where(User.sign_in_name == sign_in_name(username)).with_for_update(key_share=True)
    user: User | None = session.scalar(query)
    if user is None:
        raise AccountRefused(f"Nobody has the username {username}.")
    return user


def replace_password(session: Session, user: User, password_hash: str, secret_key: str) -> None:
    """Store a password; ends the person's sessions, and a lock of their sign-in. Within `writing()`."""
    forget(session, account_key(user.sign_in_name, secret_key))
    user.password_hash = password_hash
    _end_sessions(session, user)


def log_change(session: Session, user: User, actor: Actor, action: str, now: datetime, **detail: Any) -> None:
    """Append an entry about an account, with all candidacies of its person: staff of their tests see it."""
    session.flush()
    head = lock_head(session)
    query = select(Candidacy.id).join(Test, Test.id == Candidacy.test_id).join(User, User.id == Candidacy.user_id)
    subjects = write_subjects(session, head, query.where(Candidacy.user_id == user.id))
    detail = {"username": user.username, **detail}
    append(session, head, at=now, actor=actor, action=action, detail=detail, subjects=subjects)


def _end_sessions(session: Session, user: User) -> None:
    user.epoch += 1
    session.flush()
    write_end_of_all(session, [user.id], utcnow())  # the change may have waited, and sweeps look back seconds only


def _hash_checked(password: str) -> str:
    if problem := problem_with(password):
        raise AccountRefused(f"The password {problem}.")
    return hash_password(password)


def _checked(field: str, value: str, longest: int) -> str:
    text = normalize(value)
    if not text:
        raise AccountRefused(f"The {field} is empty.")
    if len(text) > longest:
        raise AccountRefused(f"The {field} has {len(text)} characters; at most {longest} fit.")
    if has_control_characters(value.strip()):
        raise AccountRefused(f"The {field} holds a control character or is no UTF-8 text.")
    return text
