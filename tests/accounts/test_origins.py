"""Where a try comes from: a network address, or a device that an account has been used on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.databases import SECRET_KEY
from webapp.accounts.signing_in import ALL_ADDRESSES, MAX_ACCOUNTS, MAX_AGE, add_account, device_marks, limits_of

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),  # how a server that listens to both kinds names an IPv4 address
        ("::ffff:192.0.2.8", "192.0.2.8"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("no address at all " * 9, ("no address at all " * 9)[:64]),
    ],
    ids=lambda value: value[:20],
)
def test_an_address_is_the_network_that_one_machine_has(address: str, origin: str) -> None:
    """A hall behind a dual-stack server is not one machine, and a machine has all addresses of its IPv6 network."""
    assert list(limits_of(address, None)) == [origin, ALL_ADDRESSES]


def test_a_known_device_shares_no_budget() -> None:
    assert list(limits_of("192.0.2.7", "mark")) == ["device mark"]


def test_a_device_remembers_the_latest_accounts_only() -> None:
    cookie = ""
    for number in range(MAX_ACCOUNTS + 4):
        cookie = add_account(cookie, f"account {number}", SECRET_KEY)
    marks = device_marks(cookie, SECRET_KEY)
    assert list(marks) == [f"account {number}" for number in range(4, MAX_ACCOUNTS + 4)]
    assert len(set(marks.values())) == MAX_ACCOUNTS
    marks = device_marks(add_account(cookie, "account 5", SECRET_KEY), SECRET_KEY)
    assert list(marks) == [f"account {number}" for number in (4, *range(6, MAX_ACCOUNTS + 4), 5)]
    assert marks == device_marks(cookie, SECRET_KEY)


def test_a_device_is_forgotten_with_its_cookie() -> None:
    """Also by a browser that keeps cookies for longer; and another installation's cookie says nothing."""
    with time_machine.travel(NOW, tick=False):
        cookie = add_account("", "anna", SECRET_KEY)
        assert device_marks(cookie, SECRET_KEY)
        assert device_marks(cookie, SECRET_KEY[::-1]) == {}
    with time_machine.travel(NOW + MAX_AGE + timedelta(seconds=2), tick=False):
        assert device_marks(cookie, SECRET_KEY) == {}
