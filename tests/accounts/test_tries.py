"""R22: guesses at one account are limited, a hall behind one address is not."""

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

from tests.accounts.door import PASSWORD, knock
from tests.hall import Hall
from webapp.accounts.passwords import hash_generated
from webapp.accounts.refusals import TooManyTries, WrongPassword
from webapp.accounts.signing_in import STRANGERS_LOGGED, TRIES, WINDOW, sign_in
from webapp.database import writing
from webapp.models import LogEntry, SignInAttempt, User

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def anna(hall: Hall) -> User:
    return hall.person("Anna Ek", username="anna", password_hash=hash_generated(PASSWORD))


def guess(session: Session, now: datetime = NOW, password: str = "a wrong guess") -> str:
    try:
        sign_in(session, "anna", password, address="192.0.2.7", now=now)
    except (WrongPassword, TooManyTries) as refusal:
        return type(refusal).__name__
    return "signed in"


def actions(session: Session) -> Counter[str]:
    session.rollback()
    return Counter(session.scalars(select(LogEntry.action)))


def test_after_ten_tries_the_right_password_has_to_wait_too(session: Session, anna: User) -> None:
    assert [guess(session) for _ in range(TRIES)] == ["WrongPassword"] * TRIES
    assert guess(session, NOW + WINDOW - timedelta(seconds=1), PASSWORD) == "TooManyTries"
    assert guess(session, NOW + WINDOW, PASSWORD) == "signed in"


def test_success_forgets_the_tries_of_this_account_only(session: Session, hall: Hall, anna: User) -> None:
    other = hall.person()
    with writing(session):
        session.add(SignInAttempt(user_id=other.id, at=NOW))
    for _ in range(3):
        guess(session)
        assert guess(session, password=PASSWORD) == "signed in"
        for _ in range(TRIES - 1):
            assert guess(session) == "WrongPassword"
        assert guess(session, password=PASSWORD) == "signed in"
    assert list(session.scalars(select(SignInAttempt.user_id))) == [other.id]


def test_refused_tries_do_not_push_the_end_away(session: Session, anna: User) -> None:
    for _ in range(TRIES):
        guess(session)
    for minute in range(5):
        assert guess(session, NOW + timedelta(minutes=minute)) == "TooManyTries"
    assert guess(session, NOW + WINDOW, PASSWORD) == "signed in"


def test_one_account_does_not_lock_another(session: Session, hall: Hall, anna: User) -> None:
    other = hall.person(username="bo", password_hash=hash_generated(PASSWORD))
    for _ in range(TRIES + 1):
        guess(session)
    assert sign_in(session, "bo", PASSWORD, address="192.0.2.7", now=NOW).id == other.id


def test_a_thousand_guesses_at_once_get_no_further_than_ten(app: Flask, session: Session, anna: User) -> None:
    """They race for the limit; the password is right in every one after the first ten are used up."""

    def post(password: str) -> int:
        browser = app.test_client()
        return knock(browser, "anna", password).status_code

    with ThreadPoolExecutor(32) as threads:
        statuses = Counter(threads.map(post, repeat("a wrong guess", 120)))
        assert statuses == {422: TRIES, 429: 120 - TRIES}
        assert Counter(threads.map(post, repeat(PASSWORD, 40))) == {429: 40}
    assert actions(session) == {"sign_in.failed": TRIES, "sign_in.locked": 1}
    assert session.scalar(select(func.count()).select_from(SignInAttempt)) == TRIES


def test_a_hall_signs_in_from_one_address(app: Flask, hall: Hall, session: Session) -> None:
    """Each mistypes once: together far more failures than one account may have."""
    hashed = hash_generated(PASSWORD)
    with writing(session):
        session.add_all(
            User(username=f"c{n}", sign_in_name=f"c{n}", name=f"Candidate {n}", password_hash=hashed) for n in range(60)
        )

    def walk_in(number: int) -> list[int]:
        browser = app.test_client()
        return [knock(browser, f"c{number}", typed).status_code for typed in ("mistyped", PASSWORD)]

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(walk_in, range(60))) == [[422, 302]] * 60


def test_the_page_says_when_it_works_again(client: FlaskClient, session: Session, anna: User) -> None:
    with time_machine.travel(NOW - timedelta(seconds=0.4), tick=False):
        for _ in range(TRIES):
            knock(client, "anna", "a wrong guess")
    with time_machine.travel(NOW + timedelta(seconds=60.5), tick=False):
        answer = knock(client, "anna", PASSWORD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "240"  # 239.1 seconds, never too early
    assert "08:05:00" in answer.text
    assert 'value="anna"' in answer.text


def test_failures_are_logged_with_account_and_address(session: Session, anna: User) -> None:
    """R15; one entry when the limit is reached, none per refused try."""
    for _ in range(TRIES + 20):
        guess(session)
    entries = list(session.scalars(select(LogEntry).order_by(LogEntry.id)))
    assert [entry.action for entry in entries] == ["sign_in.failed"] * TRIES + ["sign_in.locked"]
    assert entries[0].detail == '{"address":"192.0.2.7","username":"anna"}'
    assert entries[0].actor_id == anna.id


def test_what_a_stranger_typed_is_never_logged(session: Session) -> None:
    """Somebody may type the password where the username goes. The log cannot be filled from outside either."""
    for number in range(STRANGERS_LOGGED + 5):
        with pytest.raises(WrongPassword):
            sign_in(session, f"My Secret {number}", "x", address="192.0.2.7", now=NOW)
    entries = list(session.scalars(select(LogEntry)))
    assert len(entries) == STRANGERS_LOGGED
    assert {(entry.actor_id, entry.actor_name, entry.detail) for entry in entries} == {
        (None, "", '{"address":"192.0.2.7"}')
    }


def test_success_is_not_logged_as_failure(session: Session, anna: User) -> None:
    assert guess(session, password=PASSWORD) == "signed in"
    assert actions(session) == {}
