"""How many wrong passwords an account takes, and from whom (R22, R32).

Each budget is a bucket of tries that fills again one by one: whoever has used it up waits for the next try only, not
for the end of a window. A client is a network address, which a whole hall may share, or a device on which the account
has been used before. An address has few tries at an account; all addresses together have many, so that guesses from
a thousand machines do not work either. A known device has its own and depends on nobody else's.

Names without an account have budgets like all others: nothing tells the two apart.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, and_, case, delete, select, tuple_, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.accounts.refusals import TooManyTries
from webapp.db.types import MICROSECOND, microseconds
from webapp.models import SignInBudget

ALL_ADDRESSES = ""
"""The client of the budget that all addresses share."""
EXPIRED_AT_ONCE = 100
"""Rows that are of no more use, deleted with each failure."""


class Limit(NamedTuple):
    """The size of a budget."""

    tries: int
    refill: timedelta
    """After so long one more try is there."""

    @property
    def others(self) -> timedelta:
        """How far ahead `spent_until` may lie for one more try to be there."""
        return self.refill * (self.tries - 1)


OF_CLIENT = Limit(10, timedelta(minutes=1))
OF_ALL_ADDRESSES = Limit(100, timedelta(seconds=6))


@dataclass(frozen=True)
class Client:
    """Where a try comes from."""

    address: str
    device: str | None = None
    """What the account's device is known by (`known_devices`), or None."""

    @property
    def own(self) -> str:
        """The client of its own budget."""
        return f"device {self.device}" if self.device else _network(self.address)

    def budgets(self) -> dict[str, Limit]:
        """What each of its tries is taken from, in the order in which rows are locked."""
        return {self.own: OF_CLIENT} if self.device else {self.own: OF_CLIENT, ALL_ADDRESSES: OF_ALL_ADDRESSES}


def account_key(name: str, secret_key: str) -> str:
    """What the account of a sign-in name is counted by. The name itself is not kept: it may be a mistyped password."""
    return hmac.digest(secret_key.encode(), f"sign-in {name}".encode(), "sha256").hex()[:32]


def take(session: Session, account: str, client: Client, now: datetime) -> bool:
    """Count a try, within `writing()`; gives whether its client had none open. Raises `TooManyTries`."""
    fresh = False
    for place, limit in client.budgets().items():
        spent_until = session.connection().scalar(_taking(session, account, place, limit, now))
        if spent_until is None:
            at = select(SignInBudget.spent_until).where(*_is(account, place))
            raise TooManyTries(session.scalars(at).one() - limit.others)
        if place == client.own:
            fresh = spent_until == now + limit.refill
    return fresh


def lock(session: Session, account: str, client: Client, now: datetime) -> list[str]:
    """The clients whose budgets a wrong password has used up by now, each once until it is whole again."""
    expired = select(SignInBudget.account, SignInBudget.client).where(SignInBudget.spent_until < now)
    # skipped if another sign-in has them: waiting for each other in a circle is impossible then
    expired = expired.limit(EXPIRED_AT_ONCE).with_for_update(skip_locked=True)
    _rows(session, delete(SignInBudget).where(tuple_(SignInBudget.account, SignInBudget.client).in_(expired)))
    return [
        place
        for place, limit in client.budgets().items()
        if _rows(
            session,
            update(SignInBudget)
            .where(*_is(account, place), ~SignInBudget.is_locked, SignInBudget.spent_until > now + limit.others)
            .values(is_locked=True),
        )
    ]


def give_back(session: Session, account: str, client: Client) -> None:
    """The password was right: the client's tries are forgotten, and what all addresses share gets this one back."""
    _rows(session, delete(SignInBudget).where(*_is(account, client.own)))
    if not client.device:
        earlier = _number(SignInBudget.spent_until) - OF_ALL_ADDRESSES.refill // MICROSECOND
        _rows(session, update(SignInBudget).where(*_is(account, ALL_ADDRESSES)).values(spent_until=earlier))


def forget(session: Session, account: str) -> bool:
    """Give an account all its tries back; gives whether any were missing."""
    return _rows(session, delete(SignInBudget).where(SignInBudget.account == account)) > 0


def _taking(session: Session, account: str, place: str, limit: Limit, now: datetime) -> Any:
    """Takes one try in one statement, so that a thousand at once get no further than as many one by one."""
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    is_open = SignInBudget.spent_until > now
    begins = case((is_open, _number(SignInBudget.spent_until)), else_=microseconds(now))
    return (
        insert(SignInBudget)
        .values(account=account, client=place, spent_until=now + limit.refill, is_locked=False)
        .on_conflict_do_update(
            index_elements=[SignInBudget.account, SignInBudget.client],
            set_={
                "spent_until": begins + limit.refill // MICROSECOND,
                "is_locked": and_(is_open, SignInBudget.is_locked),
            },
            where=SignInBudget.spent_until <= now + limit.others,
        )
        .returning(SignInBudget.spent_until)
    )


def _is(account: str, place: str) -> tuple[Any, Any]:
    return SignInBudget.account == account, SignInBudget.client == place


def _number(moment: Any) -> Any:
    return type_coerce(moment, BigInteger)


def _rows(session: Session, statement: Any) -> int:
    return session.connection().execute(statement).rowcount


def _network(address: str) -> str:
    """The address; of IPv6 the network, of which each machine has a few billion addresses."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or f"{IPv6Address(int(parsed) >> 64 << 64)}/64")
    return str(parsed)
