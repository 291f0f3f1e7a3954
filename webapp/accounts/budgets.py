"""Budgets of wrong passwords: how many an account takes, and from which client (R22, R32).

A budget is a bucket of tries that refills one by one. Its client is a network address, which a whole hall may share,
or a device on which the account has been used before. Each address has few tries at an account, and all addresses
together have many, which stops guesses from a thousand machines. A known device has a budget of its own and depends
on nobody else's. Names without an account have budgets too, so that nothing tells the two apart.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, and_, case, delete, select, tuple_, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.accounts.exceptions import TooManyTries
from webapp.db.types import MICROSECOND, microseconds
from webapp.models import SignInBudget

ALL_ADDRESSES = ""
"""The client of the budget that all addresses share."""
EXPIRED_ROWS_DELETED = 100
"""With each wrong password."""


class Limit(NamedTuple):
    """The size of a budget, and the time after which one more try is there."""

    tries: int
    refill: timedelta

    @property
    def others(self) -> timedelta:
        """How far ahead `spent_until` may lie for one more try to be there."""
        return self.refill * (self.tries - 1)


OF_CLIENT = Limit(10, timedelta(minutes=1))
OF_ALL_ADDRESSES = Limit(100, timedelta(seconds=6))


@dataclass(frozen=True)
class Client:
    """Where a try comes from; `device` is the account's mark of a known device (`known_devices`)."""

    address: str
    device: str | None = None

    @property
    def name(self) -> str:
        """Under which its own budget is stored."""
        return f"device {self.device}" if self.device else _network(self.address)

    def limits(self) -> dict[str, Limit]:
        """The budgets that each of its tries is taken from, in the order in which rows are locked."""
        own = {self.name: OF_CLIENT}
        return own if self.device else {**own, ALL_ADDRESSES: OF_ALL_ADDRESSES}


def account_key(name: str, secret_key: str) -> str:
    """Under which an account's tries are stored; not the name itself, which may be a mistyped password."""
    return hmac.digest(secret_key.encode(), f"sign-in {name}".encode(), "sha256").hex()[:32]


def take(session: Session, account: str, client: Client, now: datetime) -> bool:
    """Count a try; True if the client had no earlier one open. Within `writing()`. Raises `TooManyTries`."""
    is_first = False
    for name, limit in client.limits().items():
        spent_until = session.connection().scalar(_take_statement(session, account, name, limit, now))
        if spent_until is None:
            query = select(SignInBudget.spent_until).where(*_is(account, name))
            raise TooManyTries(session.scalars(query).one() - limit.others)
        if name == client.name:
            is_first = spent_until == now + limit.refill
    return is_first


def lock_spent(session: Session, account: str, client: Client, now: datetime) -> list[str]:
    """Mark the budgets that a wrong password has used up; gives their clients, each once until it is full again."""
    expired = select(SignInBudget.account, SignInBudget.client).where(SignInBudget.spent_until < now)
    # rows that another sign-in has locked are left, because the two could wait for each other
    expired = expired.limit(EXPIRED_ROWS_DELETED).with_for_update(skip_locked=True)
    _execute(session, delete(SignInBudget).where(tuple_(SignInBudget.account, SignInBudget.client).in_(expired)))
    locked = []
    for name, limit in client.limits().items():
        is_spent = ~SignInBudget.is_locked, SignInBudget.spent_until > now + limit.others
        if _execute(session, update(SignInBudget).where(*_is(account, name), *is_spent).values(is_locked=True)):
            locked.append(name)
    return locked


def give_back(session: Session, account: str, client: Client) -> None:
    """The password was right: forget the client's tries, and return this one to all addresses."""
    _execute(session, delete(SignInBudget).where(*_is(account, client.name)))
    if not client.device:
        earlier = _as_number(SignInBudget.spent_until) - OF_ALL_ADDRESSES.refill // MICROSECOND
        _execute(session, update(SignInBudget).where(*_is(account, ALL_ADDRESSES)).values(spent_until=earlier))


def forget(session: Session, account: str) -> bool:
    """Give an account all its tries back; False if none were missing."""
    return _execute(session, delete(SignInBudget).where(SignInBudget.account == account)) > 0


def _take_statement(session: Session, account: str, client: str, limit: Limit, now: datetime) -> Any:
    """One statement, so that a thousand tries at once get no further than as many one by one."""
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    is_open = SignInBudget.spent_until > now
    start = case((is_open, _as_number(SignInBudget.spent_until)), else_=microseconds(now))
    return (
        insert(SignInBudget)
        .values(account=account, client=client, spent_until=now + limit.refill, is_locked=False)
        .on_conflict_do_update(
            index_elements=[SignInBudget.account, SignInBudget.client],
            set_={
                "spent_until": start + limit.refill // MICROSECOND,
                "is_locked": and_(is_open, SignInBudget.is_locked),
            },
            where=SignInBudget.spent_until <= now + limit.others,
        )
        .returning(SignInBudget.spent_until)
    )


def _is(account: str, client: str) -> tuple[Any, Any]:
    return SignInBudget.account == account, SignInBudget.client == client


def _as_number(moment: Any) -> Any:
    return type_coerce(moment, BigInteger)


def _execute(session: Session, statement: Any) -> int:
    return session.connection().execute(statement).rowcount


def _network(address: str) -> str:
    """An IPv4 address, or an IPv6 network, of which a machine has all addresses."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or f"{IPv6Address(int(parsed) >> 64 << 64)}/64")
    return str(parsed)
