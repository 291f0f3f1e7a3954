"""The signed cookie of a device that tells which accounts were used on it.

It maps account keys to random marks, by which the device's own tries are counted. It lets nobody in, and the server
stores nothing.
"""

import secrets
from datetime import timedelta
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

MAX_AGE = timedelta(days=400)
"""The longest that browsers keep a cookie."""
MAX_ACCOUNTS = 8
"""Accounts per device; the one used longest ago is dropped first."""


def device_mark(cookie: str, account: str, secret_key: str) -> str | None:
    """The device's mark for an account; None if the account was not used on it."""
    return _read(cookie, secret_key).get(account)


def add_account(cookie: str, account: str, secret_key: str) -> str:
    """The cookie after the account has been used on its device."""
    accounts = _read(cookie, secret_key)
    mark = accounts.pop(account, None) or secrets.token_urlsafe(12)
    latest = [*accounts.items(), (account, mark)][-MAX_ACCOUNTS:]
    return str(_serializer(secret_key).dumps(dict(latest)))


def _read(cookie: str, secret_key: str) -> dict[str, str]:
    try:
        accounts: Any = _serializer(secret_key).loads(cookie, max_age=int(MAX_AGE.total_seconds()))
    except BadData:
        return {}
    return accounts if isinstance(accounts, dict) else {}


def _serializer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="examhall known devices")
