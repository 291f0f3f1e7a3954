"""Sign-in with username and password, and its budgets of wrong ones: how many, and from which client (R22, R32).

A try is counted before its password is checked, in a transaction of its own: a thousand tries at once cannot pass the
limit together. The steps and their time are the same whether the account exists or not.

A budget is a bucket of tries that refills one by one. Its client is a network address, which a whole hall may share,
or a device on which the account has been used before. Each address has few tries at an account, and all addresses
together have many, which stops guesses from a thousand machines. A known device has a budget of its own and depends
on nobody else's. Names without an account have budgets too, so that nothing tells the two apart.

A signed cookie tells which accounts a device knows: it maps account keys to random marks, by which the device's own
tries are counted. It lets nobody in, and the server stores nothing.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Any, NamedTuple

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import BigInteger, ColumnElement, and_, case, delete, func, select, tuple_, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.accounts.passwords import is_possible_password, verify
from webapp.db.transactions import writing
from webapp.db.types import MICROSECOND, microseconds
from webapp.exceptions import Refusal
from webapp.logbook.append import Actor, append, lock_head
from webapp.models import LogEntry, SignInBudget, User
from webapp.models.people import LONGEST_USERNAME, sign_in_name
from webapp.text.characters import is_storable

LOG_WINDOW = timedelta(minutes=5)
MAX_LOGGED = 500
"""Log entries of each kind per window: people who are not signed in must not fill the log."""
ALL_ADDRESSES = ""
"""The client of the budget that all addresses share."""
COOKIE_SALT = "examhall known devices"
MAX_AGE = timedelta(days=400)
"""Of the cookie: the longest that browsers keep one."""
MAX_ACCOUNTS = 8
"""Accounts per device; the one used longest ago is dropped first."""
SPENT_UNTIL = type_coerce(SignInBudget.spent_until, BigInteger)


class WrongPassword(Refusal):
    """The username, the password or both are wrong: which one is not told."""

    status = 422
    code = "wrong_password"


class TooManyTries(Refusal):
    """The account takes no more tries from this client until `again_at`, a whole second."""

    status = 429
    code = "too_many_tries"

    def __init__(self, again_at: datetime, now: datetime) -> None:
        super().__init__(f"too many tries, next one at {again_at.isoformat()}")
        self.again_at = (again_at + timedelta(microseconds=999_999)).replace(microsecond=0)
        self.retry_after = ceil((again_at - now).total_seconds())


class Limit(NamedTuple):
    """The size of a budget, the time after which one more try is there, and what the log calls its client."""

    tries: int
    refill: timedelta
    client_kind: str

    @property
    def others(self) -> timedelta:
        """How far ahead `spent_until` may lie for one more try to be there."""
        return self.refill * (self.tries - 1)


OF_ADDRESS = Limit(10, timedelta(minutes=1), "the address")
OF_DEVICE = Limit(10, timedelta(minutes=1), "a known device")
OF_ALL_ADDRESSES = Limit(100, timedelta(seconds=6), "new devices")


def sign_in(
    session: Session, username: str, password: str, *, address: str, device_cookie: str, secret_key: str, now: datetime
) -> User:
    """The person with this username and password.

    `address` is the client's, `device_cookie` tells the accounts used there. Raises `WrongPassword`, or `TooManyTries`,
    also for the right password, once the client's tries are used up. Success gives them back.
    """
    name = sign_in_name(username) if len(username) <= LONGEST_USERNAME and is_storable(username) else ""
    if not 0 < len(name) <= LONGEST_USERNAME or not is_possible_password(password):
        raise WrongPassword("not a username and a password")
    account = account_key(name, secret_key)
    limits = limits_of(address, device_marks(device_cookie, secret_key).get(account))
    can_sign_in = User.sign_in_name == name, User.deactivated_at.is_(None)
    with writing(session):
        is_first = take(session, account, limits, now)
        query = select(User.id, User.name, User.username, User.password_hash).where(*can_sign_in)
        person = session.execute(query).first()
    password_hash = person.password_hash if person else None
    if not verify(password_hash, password):  # no connection is held while the hash is computed
        with writing(session):
            spent = lock_spent(session, account, limits, now)  # before the log, as every sign-in: no deadlock
            if is_first:
                _log_failure(session, "sign_in.failed", person, now, address=address)
            for client_kind in spent:
                _log_failure(session, "sign_in.locked", person, now, address=address, locked=client_kind)
        raise WrongPassword("wrong username or password")
    with writing(session, keep=True):
        give_back(session, account, limits)
        user: User | None = session.scalar(select(User).where(*can_sign_in, User.password_hash == password_hash))
        if user is None:
            raise WrongPassword("the password was replaced meanwhile")
    session.expunge(user)  # read again, it could have the epoch of a password that was set since
    return user


def _log_failure(session: Session, action: str, person: Any, now: datetime, **detail: str) -> None:
    """Log nothing that was typed for a name without an account: it may have been a password in the wrong field."""
    head = lock_head(session)
    recent = select(func.count()).where(LogEntry.action == action, LogEntry.at > now - LOG_WINDOW)
    if session.scalars(recent).one() >= MAX_LOGGED:
        return
    actor = Actor(person.id, person.name, "") if person else Actor(None, "", "")
    if person:
        detail["username"] = person.username
    append(session, head, at=now, actor=actor, action=action, detail=detail)


def account_key(name: str, secret_key: str) -> str:
    """Under which an account's tries are stored; not the name itself, which may be a mistyped password."""
    return hmac.digest(secret_key.encode(), f"sign-in {name}".encode(), "sha256").hex()[:32]


def device_marks(cookie: str, secret_key: str) -> dict[str, str]:
    """The device's marks for the accounts that were used on it, by account key."""
    try:
        return dict(URLSafeTimedSerializer(secret_key, COOKIE_SALT).loads(cookie, int(MAX_AGE.total_seconds())))
    except BadData:
        return {}


def add_account(cookie: str, account: str, secret_key: str) -> str:
    """The cookie after the account has been used on its device."""
    marks = device_marks(cookie, secret_key)
    mark = marks.pop(account, None) or secrets.token_urlsafe(12)
    latest = [*marks.items(), (account, mark)][-MAX_ACCOUNTS:]
    return str(URLSafeTimedSerializer(secret_key, COOKIE_SALT).dumps(dict(latest)))


def limits_of(address: str, device_mark: str | None) -> dict[str, Limit]:
    """The budgets that a try is taken from, by client: its own first. Their rows are locked in this order."""
    if device_mark:
        return {f"device {device_mark}": OF_DEVICE}
    return {_network(address): OF_ADDRESS, ALL_ADDRESSES: OF_ALL_ADDRESSES}


def _network(address: str) -> str:
    """An IPv4 address, or an IPv6 network, of which a machine has all addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64] or "unknown"  # behind a socket without a network
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or f"{IPv6Address(int(parsed) >> 64 << 64)}/64")
    return str(parsed)


def take(session: Session, account: str, limits: dict[str, Limit], now: datetime) -> bool:
    """Count a try; True if the client had no earlier one open. Within `writing()`. Raises `TooManyTries`.

    One statement for each budget, so that a thousand tries at once get no further than as many one by one.
    """
    connection = session.connection()
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    is_open = SignInBudget.spent_until > now
    start = case((is_open, SPENT_UNTIL), else_=microseconds(now))
    were_full: list[bool] = []
    for client, limit in limits.items():
        full_again = now + limit.refill
        row = insert(SignInBudget).values(account=account, client=client, spent_until=full_again, is_locked=False)
        statement = row.on_conflict_do_update(
            index_elements=[SignInBudget.account, SignInBudget.client],
            set_={
                "spent_until": start + limit.refill // MICROSECOND,
                "is_locked": and_(is_open, SignInBudget.is_locked),
            },
            where=SignInBudget.spent_until <= now + limit.others,
        )
        spent_until = connection.scalar(statement.returning(SignInBudget.spent_until))
        if spent_until is None:
            spent = session.get_one(SignInBudget, (account, client))
            raise TooManyTries(spent.spent_until - limit.others, now)
        were_full.append(spent_until == full_again)
    return were_full[0]


def lock_spent(session: Session, account: str, limits: dict[str, Limit], now: datetime) -> list[str]:
    """Mark the budgets that a wrong password has used up; gives the kinds of their clients, once until full again."""
    connection = session.connection()
    expired = select(SignInBudget.account, SignInBudget.client).where(SignInBudget.spent_until < now)
    # rows that another sign-in has locked are left, because the two could wait for each other
    expired = expired.limit(100).with_for_update(skip_locked=True)
    connection.execute(delete(SignInBudget).where(tuple_(SignInBudget.account, SignInBudget.client).in_(expired)))
    locked = []
    for client, limit in limits.items():
        is_spent = ~SignInBudget.is_locked, SignInBudget.spent_until > now + limit.others
        statement = update(SignInBudget).where(_is(account, client), *is_spent).values(is_locked=True)
        if connection.execute(statement).rowcount:
            locked.append(limit.client_kind)
    return locked


def give_back(session: Session, account: str, limits: dict[str, Limit]) -> None:
    """The password was right: forget the client's tries, and return this one to all addresses."""
    own, *shared = limits
    session.connection().execute(delete(SignInBudget).where(_is(account, own)))
    for client in shared:
        earlier = SPENT_UNTIL - limits[client].refill // MICROSECOND
        session.connection().execute(update(SignInBudget).where(_is(account, client)).values(spent_until=earlier))


def forget(session: Session, account: str) -> bool:
    """Give an account all its tries back; False if none were missing."""
    return session.connection().execute(delete(SignInBudget).where(SignInBudget.account == account)).rowcount > 0


def _is(account: str, client: str) -> ColumnElement[bool]:
    return and_(SignInBudget.account == account, SignInBudget.client == client)
