"""Session cookies that were read before: what is remembered is what was signed, and for each request alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from itsdangerous import BadSignature
from time_machine import TimeMachineFixture

from webapp.clock import utcnow
from webapp.web.security import KnownCookies

MONTH = 31 * 24 * 3600


@pytest.fixture
def cookies(app: Flask) -> KnownCookies:
    made = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    assert isinstance(made, KnownCookies)
    return made


def test_what_a_request_does_to_its_session_stays_its_own(cookies: KnownCookies) -> None:
    cookie = cookies.dumps({"_user_id": "1.0", "list": [1]})
    first = cookies.loads(cookie, MONTH)
    first["_user_id"] = "2.0"
    first["list"].append(2)
    assert cookies.loads(cookie, MONTH) == {"_user_id": "1.0", "list": [1]}


def test_a_changed_cookie_is_refused_after_the_real_one_was_read(cookies: KnownCookies) -> None:
    cookie = cookies.dumps({"_user_id": "1.0"})
    cookies.loads(cookie, MONTH)
    # of the last letter only the higher four bits count
    last = "A" if cookie[-1] not in "ABCD" else "Q"
    for changed in (cookie[:-1] + last, "x" + cookie, cookie.replace(".", "", 1)):
        for _ in range(2):
            with pytest.raises(BadSignature):
                cookies.loads(changed, MONTH)


def test_one_that_gets_too_old_is_refused(cookies: KnownCookies, time_machine: TimeMachineFixture) -> None:
    now = utcnow()
    time_machine.move_to(now)
    cookie = cookies.dumps({"_user_id": "1.0"})
    assert cookies.loads(cookie, MONTH)
    time_machine.move_to(now + timedelta(days=31, hours=2))
    with pytest.raises(BadSignature):
        cookies.loads(cookie, MONTH)
