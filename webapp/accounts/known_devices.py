"""Devices on which an account has been used before: what each says of itself in a signed cookie.

The cookie names accounts, by the key that they are counted by, and for each a random mark of this device. The server
keeps nothing: the mark is only what the device's own tries are counted by. It lets nobody in.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

KEPT_FOR = timedelta(days=400)
"""As long as browsers keep a cookie."""
MOST_ACCOUNTS = 8
"""Accounts that one device is known to; the one that was used longest ago goes first."""


class KnownDevices:
    """Reads and writes that cookie."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeTimedSerializer(secret_key, salt="examhall known devices")

    def mark(self, cookie: str, account: str) -> str | None:
        """What the device with this cookie is known by to an account; None if it is not known there."""
        return self._accounts(cookie).get(account)

    def used(self, cookie: str, account: str) -> str:
        """The cookie after the account has been used on the device that had `cookie`."""
        accounts = self._accounts(cookie)
        mark = accounts.pop(account, None) or secrets.token_urlsafe(12)
        latest = [*accounts.items(), (account, mark)][-MOST_ACCOUNTS:]
        return str(self._serializer.dumps(dict(latest)))

    def _accounts(self, cookie: str) -> dict[str, str]:
        try:
            read: Any = self._serializer.loads(cookie, max_age=int(KEPT_FOR.total_seconds()))
        except BadData:
            return {}
        return read if isinstance(read, dict) else {}
