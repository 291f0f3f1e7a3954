"""Connections are handed on in turn: nobody waits longer than those who came later."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from tests.until import until
from webapp.db.engine import FairPool, FairQueue

PATIENCE_SECONDS = 20.0


@pytest.fixture
def pool() -> Iterator[FairPool]:
    """One connection, for whoever comes."""
    made = FairPool(
        lambda: sqlite3.connect(":memory:", check_same_thread=False),
        pool_size=1, max_overflow=0, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    yield made
    made.dispose()


def waiting(given: FairPool) -> int:
    """How many requests are in its queue."""
    queue = given._pool
    assert isinstance(queue, FairQueue)
    return sum(not waiter.cancelled() for waiter in queue.waiters)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


def test_who_gives_one_back_and_takes_another_stands_behind_those_who_wait(
    pool: FairPool, threads: ThreadPoolExecutor
) -> None:
    """As every sign-in does four times; with SQLAlchemy's own queue the first was always quicker."""
    order: list[str] = []

    def take(name: str) -> None:
        held = pool.connect()
        order.append(name)
        held.close()

    first = pool.connect()
    others = []
    for number in range(5):
        others.append(threads.submit(take, f"waiting {number}"))
        until(lambda wanted=number + 1: waiting(pool) == wanted, PATIENCE_SECONDS)
    first.close()
    take("again")
    for other in others:
        other.result(PATIENCE_SECONDS)
    assert order == [*(f"waiting {number}" for number in range(5)), "again"]


def test_a_connection_given_at_the_last_moment_is_taken(pool: FairPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither lost nor given to anybody else when the timeout and the hand-over coincide."""
    held = pool.connect()
    result = Future.result

    def late(waiter: Future[object], timeout: float | None = None) -> object:
        if timeout is None:
            return result(waiter)
        held.close()
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(Future, "result", late)
        other = pool.connect()
    assert pool.checkedout() == 1
    other.close()
    pool.connect().close()


def test_who_has_waited_for_too_long_leaves_the_queue(pool: FairPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_timeout", 0.05)
    held = pool.connect()
    with pytest.raises(NoConnectionLeft):
        pool.connect()
    assert waiting(pool) == 0
    held.close()
    pool.connect().close()


class Interrupted:
    """A lock after whose first release something happens before the holder goes on."""

    def __init__(self, lock: AbstractContextManager[Any], event: Callable[[], object]) -> None:
        self.lock, self.events = lock, [event]

    def __enter__(self) -> None:
        self.lock.__enter__()

    def __exit__(self, *_: object) -> None:
        self.lock.__exit__(None, None, None)
        if self.events:
            self.events.pop()()


def test_a_request_that_comes_while_a_connection_is_put_back_gets_it(
    pool: FairPool, monkeypatch: pytest.MonkeyPatch, threads: ThreadPoolExecutor
) -> None:
    """It must not wait for the next one: there may be none for long."""
    queue = pool._pool
    held = pool.connect()
    comers: list[Future[None]] = []

    def come() -> None:
        comers.append(threads.submit(lambda: pool.connect().close()))
        until(lambda: waiting(pool) or comers[0].done(), PATIENCE_SECONDS)

    with monkeypatch.context() as patched:
        patched.setattr(queue, "mutex", Interrupted(queue.mutex, come))
        held.close()
        comers[0].result(1)


class Ended(BaseException):
    """What ends a greenlet where it waits, as gevent's `GreenletExit` does."""


@pytest.mark.parametrize("given", [False, True], ids=["while it waits", "in the moment when it is given one"])
def test_a_request_that_is_ended_in_the_queue_takes_no_connection_with_it(
    pool: FairPool, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    held = pool.connect()
    result = Future.result

    def end(waiter: Future[object], timeout: float | None = None) -> object:
        if timeout is None:
            return result(waiter)
        if given:
            held.close()
        raise Ended

    with monkeypatch.context() as patched:
        patched.setattr(Future, "result", end)
        with pytest.raises(Ended):
            pool.connect()
    assert waiting(pool) == 0
    if not given:
        held.close()
    pool.connect().close()
