"""Budgets of wrong passwords: how many an account takes, and from which client (R22, R32).

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
from sqlalchemy import BigInteger, ColumnElement, and_, case, delete, select, tuple_, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.db.types import MICROSECOND, microseconds
from webapp.exceptions import Refusal
from webapp.models import SignInBudget

ALL_ADDRESSES = ""
"""The client of the budget that all addresses share."""
MAX_AGE = timedelta(days=400)
"""Of the cookie: the longest that browsers keep one."""
MAX_ACCOUNTS = 8
"""Accounts per device; the one used longest ago is dropped first."""
SPENT_UNTIL = type_coerce(SignInBudget.spent_until, BigInteger)


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


def account_key(name: str, secret_key: str) -> str:
    """Under which an account's tries are stored; not the name itself, which may be a mistyped password."""
    return hmac.digest(secret_key.encode(), f"sign-in {name}".encode(), "sha256").hex()[:32]


def device_marks(cookie: str, secret_key: str) -> dict[str, str]:
    """The device's marks for the accounts that were used on it, by account key."""
    try:
        return dict(_serializer(secret_key).loads(cookie, max_age=int(MAX_AGE.total_seconds())))
    except BadData:
        return {}


def add_account(cookie: str, account: str, secret_key: str) -> str:
    """The cookie after the account has been used on its device."""
    marks = device_marks(cookie, secret_key)
    mark = marks.pop(account, None) or secrets.token_urlsafe(12)
    latest = [*marks.items(), (account, mark)][-MAX_ACCOUNTS:]
    return str(_serializer(secret_key).dumps(dict(latest)))


def _serializer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="examhall known devices")


def limits_of(address: str, device: str | None) -> dict[str, Limit]:
    """The budgets that a try is taken from, by client: its own first. Their rows are locked in this order.

    `device` is the account's mark of a known device, one of `device_marks()`.
    """
    if device:
        return {f"device {device}": OF_DEVICE}
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
