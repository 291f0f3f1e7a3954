"""R22, R32: guesses at one account do not work, and nobody keeps somebody else from signing in by making them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import repeat

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.accounts.sign_in_form import PASSWORD, submit_sign_in
from tests.databases import SECRET_KEY
from tests.hall import Hall
from tests.messaging.compose_form import csrf
from tests.nightly import at_night
from webapp.accounts import signing_in
from webapp.accounts.passwords import hash_generated
from webapp.accounts.signing_in import (
    ALL_ADDRESSES,
    OF_ADDRESS,
    OF_ALL_ADDRESSES,
    TooManyTries,
    WrongPassword,
    account_key,
    add_account,
    sign_in,
)
from webapp.db.transactions import writing
from webapp.models import LogEntry, SignInBudget, User

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TRIES = OF_ADDRESS.tries
HALL, HOME = "192.0.2.7", "198.51.100.4"
KNOWN_ACCOUNTS = ["anna", "nobody"]
WRONG, LOCKED, IN = "WrongPassword", "TooManyTries", "signed in"


@pytest.fixture
def anna(hall: Hall) -> User:
    return hall.person("Anna Ek", username="anna", password_hash=hash_generated(PASSWORD))


def guess(
    session: Session,
    now: datetime = NOW,
    password: str = "a wrong guess",
    *,
    username: str = "anna",
    address: str = HALL,
    device: str = "",
) -> str:
    try:
        sign_in(session, username, password, address=address, device_cookie=device, secret_key=SECRET_KEY, now=now)
    except (WrongPassword, TooManyTries) as refusal:
        return type(refusal).__name__
    return IN


def device_of(username: str, cookie: str = "") -> str:
    """The cookie of a device on which this account has been used."""
    return add_account(cookie, account_key(username, SECRET_KEY), SECRET_KEY)


def actions(session: Session) -> Counter[str]:
    session.rollback()
    return Counter(session.scalars(select(LogEntry.action)))


@pytest.mark.parametrize("username", KNOWN_ACCOUNTS)
def test_r22_an_address_that_has_used_up_its_tries_waits_for_the_next_one(
    session: Session, anna: User, username: str
) -> None:
    """Also with the right password; and a name that nobody has is treated alike."""
    assert [guess(session, username=username) for _ in range(TRIES)] == [WRONG] * TRIES
    almost = NOW + OF_ADDRESS.refill - timedelta(seconds=1)
    assert guess(session, almost, PASSWORD, username=username) == LOCKED
    last = guess(session, NOW + OF_ADDRESS.refill, PASSWORD, username=username)
    assert last == (IN if username == "anna" else WRONG)


@pytest.mark.one_database
@pytest.mark.parametrize("username", KNOWN_ACCOUNTS)
def test_r22_tries_come_back_one_by_one(session: Session, anna: User, username: str) -> None:
    for _ in range(TRIES):
        guess(session, username=username)
    for minute in range(1, 5):
        now = NOW + minute * OF_ADDRESS.refill
        assert [guess(session, now, username=username) for _ in range(3)] == [WRONG, LOCKED, LOCKED]


@pytest.mark.one_database
def test_r32_wrong_passwords_from_elsewhere_cost_the_person_nothing(session: Session, anna: User) -> None:
    for _ in range(TRIES * 3):
        guess(session, address=HALL)
    assert guess(session, password=PASSWORD, address=HOME) == IN


@pytest.mark.thorough
@pytest.mark.one_database
def test_r15_r32_guesses_from_everywhere_make_new_devices_wait_for_seconds_and_known_ones_not(
    session: Session, anna: User
) -> None:
    """They get no further than the limit of all, which is logged once; a device's own misses lock it alone."""
    own, other = device_of("anna"), device_of("anna")
    answers = Counter(guess(session, address=f"203.0.113.{number}") for number in range(OF_ALL_ADDRESSES.tries + 20))
    assert answers == {WRONG: OF_ALL_ADDRESSES.tries, LOCKED: 20}
    locks = list(session.scalars(select(LogEntry.detail).where(LogEntry.action == "sign_in.locked")))
    last = f"203.0.113.{OF_ALL_ADDRESSES.tries - 1}"
    assert locks == [f'{{"address":"{last}","locked":"new devices","username":"anna"}}']
    assert guess(session, password=PASSWORD, address=HOME) == LOCKED
    for _ in range(TRIES * 2):
        guess(session, address=HALL)
    assert guess(session, password=PASSWORD, device=own) == IN
    assert [guess(session, device=other) for _ in range(TRIES + 1)] == [WRONG] * TRIES + [LOCKED]
    assert guess(session, password=PASSWORD, device=other) == LOCKED
    assert guess(session, password=PASSWORD, device=own) == IN
    assert guess(session, password=PASSWORD, address=HOME) == LOCKED
    assert guess(session, NOW + OF_ALL_ADDRESSES.refill, PASSWORD, address=HOME) == IN


@pytest.mark.one_database
def test_r32_a_device_is_known_to_the_accounts_used_on_it_only(session: Session, hall: Hall, anna: User) -> None:
    hall.person(username="bo", password_hash=hash_generated(PASSWORD))
    for username in ("anna", "bo"):
        for _ in range(TRIES):
            guess(session, username=username)
    shared = device_of("bo", device_of("anna"))
    for cookie, expected in ((device_of("bo"), LOCKED), (shared, IN), (shared[:-1], LOCKED), ("x", LOCKED)):
        assert guess(session, password=PASSWORD, device=cookie) == expected


def test_success_forgets_the_tries_of_this_client_only(session: Session, hall: Hall, anna: User) -> None:
    for _ in range(3):
        guess(session, address=HOME)
        assert guess(session, password=PASSWORD) == IN
        for _ in range(TRIES - 1):
            assert guess(session) == WRONG
        assert guess(session, password=PASSWORD) == IN
    rows = session.execute(select(SignInBudget.client, SignInBudget.spent_until)).all()
    wrong = 3 + 3 * (TRIES - 1)
    assert dict(rows) == {
        HOME: NOW + 3 * OF_ADDRESS.refill,
        ALL_ADDRESSES: NOW + wrong * OF_ALL_ADDRESSES.refill,
    }


@pytest.mark.thorough
@pytest.mark.one_database
def test_the_right_password_is_never_too_many_tries(session: Session, anna: User) -> None:
    assert {guess(session, password=PASSWORD) for _ in range(OF_ALL_ADDRESSES.tries + 10)} == {IN}
    assert actions(session) == {}


@pytest.mark.one_database
def test_r22_signing_in_oneself_gives_no_tries_at_another_account(session: Session, hall: Hall, anna: User) -> None:
    """From the same address, by somebody who is a candidate too; and a lock is that of one account."""
    hall.person(username="bo", password_hash=hash_generated(PASSWORD))
    for _ in range(TRIES):
        assert guess(session) == WRONG
        assert guess(session, password=PASSWORD, username="bo") == IN
    assert guess(session, password=PASSWORD) == LOCKED
    assert guess(session, password=PASSWORD, username="bo") == IN


@pytest.mark.thorough
@pytest.mark.parametrize(("username", "guesses"), [("anna", 40), *at_night(("anna", 1000), ("nobody", 120))])
def test_a_thousand_guesses_at_once_get_no_further_than_ten(
    app: Flask, session: Session, anna: User, username: str, guesses: int
) -> None:
    """They race for the limit; the password is right in every one after the first ten are used up."""

    def post(password: str) -> int:
        browser = app.test_client()
        return submit_sign_in(browser, username, password).status_code

    with time_machine.travel(NOW, tick=False), ThreadPoolExecutor(32) as threads:
        statuses = Counter(threads.map(post, repeat("a wrong guess", guesses)))
        assert statuses == {422: TRIES, 429: guesses - TRIES}
        assert Counter(threads.map(post, repeat(PASSWORD, 16))) == {429: 16}
    assert actions(session) == {"sign_in.failed": 1, "sign_in.locked": 1}


@pytest.mark.thorough
@pytest.mark.one_database
def test_a_hall_signs_in_from_one_address(app: Flask, hall: Hall, session: Session) -> None:
    """Each mistypes once: together far more failures than one account may have."""
    hashed = hash_generated(PASSWORD)
    with writing(session):
        session.add_all(
            User(username=f"c{n}", sign_in_name=f"c{n}", name=f"Candidate {n}", password_hash=hashed) for n in range(30)
        )

    def walk_in(number: int) -> list[int]:
        browser = app.test_client()
        return [submit_sign_in(browser, f"c{number}", typed).status_code for typed in ("mistyped", PASSWORD)]

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(walk_in, range(30))) == [[422, 302]] * 30


@pytest.mark.one_database
def test_r32_a_browser_that_has_signed_in_before_keeps_its_way_in(app: Flask, anna: User) -> None:
    """By HTTP: the cookie stays after signing out, is sent to the sign-in alone, and no script can read it."""
    own = app.test_client()
    answer = submit_sign_in(own, "anna", PASSWORD)
    [cookie] = [one for one in answer.headers.getlist("Set-Cookie") if "_device" in one]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/login" in cookie
    own.post("/logout", data={"csrf_token": csrf(own)})
    for _ in range(TRIES + 5):
        status = submit_sign_in(app.test_client(), "anna", "a wrong guess").status_code
    assert status == 429
    assert submit_sign_in(app.test_client(), "anna", PASSWORD).status_code == 429
    assert submit_sign_in(own, "anna", PASSWORD).status_code == 302


@pytest.mark.one_database
def test_the_page_says_when_it_works_again(client: FlaskClient, session: Session, anna: User) -> None:
    with time_machine.travel(NOW - timedelta(seconds=0.4), tick=False):
        for _ in range(TRIES):
            submit_sign_in(client, "anna", "a wrong guess")
    with time_machine.travel(NOW + timedelta(seconds=20.5), tick=False):
        answer = submit_sign_in(client, "anna", PASSWORD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "40"  # 39.1 seconds, never too early
    assert "08:01:00" in answer.text
    assert 'value="anna"' in answer.text


@pytest.mark.one_database
@pytest.mark.parametrize("username", KNOWN_ACCOUNTS)
def test_a_known_and_an_unknown_name_get_the_same_page(client: FlaskClient, anna: User, username: str) -> None:
    with time_machine.travel(NOW, tick=False):
        pages = [submit_sign_in(client, username, "a wrong guess") for _ in range(TRIES + 1)]
    assert [page.status_code for page in pages] == [422] * TRIES + [429]
    assert pages[0].text.count("Wrong username or password") == 1
    assert pages[-1].text.count("Too many tries") == 1
    assert pages[-1].headers["Retry-After"] == "60"


def test_r15_the_first_failure_and_each_lock_are_logged_with_account_and_address(session: Session, anna: User) -> None:
    """Not each try; and a lock that goes on for minutes is one."""
    for minute in range(3):
        for _ in range(TRIES + 5):
            guess(session, NOW + timedelta(minutes=minute))
    entries = list(session.scalars(select(LogEntry).order_by(LogEntry.id)))
    assert [(entry.action, entry.detail) for entry in entries] == [
        ("sign_in.failed", '{"address":"192.0.2.7","username":"anna"}'),
        ("sign_in.locked", '{"address":"192.0.2.7","locked":"the address","username":"anna"}'),
    ]
    assert {entry.actor_id for entry in entries} == {anna.id}
    for _ in range(TRIES):
        guess(session, NOW + timedelta(hours=1))
    assert actions(session) == {"sign_in.failed": 2, "sign_in.locked": 2}


def test_what_a_stranger_typed_is_never_kept(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may type the password where the username goes. The log cannot be filled from outside either."""
    monkeypatch.setattr(signing_in, "MAX_LOGGED", 5)
    for number in range(8):
        assert guess(session, username=f"My Secret {number}") == WRONG
    entries = list(session.scalars(select(LogEntry)))
    assert len(entries) == 5
    assert {(entry.actor_id, entry.actor_name, entry.detail) for entry in entries} == {
        (None, "", '{"address":"192.0.2.7"}')
    }
    assert all("secret" not in key.lower() for key in session.scalars(select(SignInBudget.account)))
    for _ in range(TRIES):
        guess(session)
    assert actions(session) == {"sign_in.failed": 5, "sign_in.locked": 1}  # so many of each kind
    guess(session, NOW + signing_in.LOG_WINDOW + timedelta(seconds=1), username="My Secret 99")
    assert actions(session) == {"sign_in.failed": 6, "sign_in.locked": 1}


def test_budgets_that_are_whole_again_leave_no_rows(session: Session, anna: User) -> None:
    for number in range(10):
        guess(session, username=f"stranger {number}")
    guess(session, NOW + timedelta(hours=1), username="another")
    assert session.scalar(select(func.count()).select_from(SignInBudget)) == 2
