"""The signed cookie of a device that tells which accounts were used on it.

It maps account keys to random marks, by which the device's own tries are counted. It lets nobody in, and the server
stores nothing.
"""

import secrets
from datetime import timedelta

from itsdangerous import BadData, URLSafeTimedSerializer

MAX_AGE = timedelta(days=400)
"""The longest that browsers keep a cookie."""
MAX_ACCOUNTS = 8
"""Accounts per device; the one used longest ago is dropped first."""


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
