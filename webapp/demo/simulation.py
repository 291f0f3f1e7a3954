"""Candidates of the sample hall walk in, write, drop out and come back, over HTTP: `flask simulate`."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import ssl
from contextlib import AsyncExitStack, suppress
from random import Random
from urllib.parse import urlsplit

import httpx

from webapp.demo.beginnings import beginning_of
from webapp.demo.candidate import Candidate, Tally
from webapp.demo.script import FOR_A_LOOK, Seat, seats

WALK_IN_SECONDS = 90.0
FIRST_SECONDS = 2.0
SHARE_OF_THE_77 = 0.4


class NotLoopback(ValueError):
    """An address that is not on this machine: strangers' servers get no simulated halls."""


def checked_address(url: str) -> str:
    """`url` if it is HTTP on this machine; raises `NotLoopback`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if parts.scheme != "http" or not here:
        raise NotLoopback(url)
    return url.rstrip("/")


def chosen(count: int) -> list[Seat]:
    """The people who come: some of the 77, the others from all rooms; the same ones every time."""
    for_a_look = {username for username, _ in FOR_A_LOOK}
    once = {seat.username: seat for seat in reversed(seats())}
    free = [seat for seat in once.values() if seat.username not in for_a_look and not beginning_of(seat)]
    of_the_77 = [seat for seat in free if (seat.room, seat.group) == ("Sal A115", "Group 07")]
    others = [seat for seat in free if (seat.room, seat.group) != ("Sal A115", "Group 07")]
    random = Random(77)  # noqa: S311 a choice of actors
    random.shuffle(others)
    few = min(round(count * SHARE_OF_THE_77), len(of_the_77))
    people = of_the_77[:few] + others[: count - few]
    random.shuffle(people)
    return people


async def simulate(url: str, count: int, seconds: float | None) -> Tally:
    """Run until cancelled, stopped by SIGINT or SIGTERM, or `seconds` are over; raises `CannotSignIn` in a group."""
    tally = Tally()
    running = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: running and running.cancel())
    with suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(seconds):
            await _attend_all(url, count, tally)
    return tally


async def _attend_all(url: str, count: int, tally: Tally) -> None:
    no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # each client would else read the machine's certificates
    async with AsyncExitStack() as browsers, asyncio.TaskGroup() as tasks:
        for place, seat in enumerate(chosen(count)):
            http = httpx.AsyncClient(base_url=url, timeout=30, verify=no_tls, trust_env=False)
            await browsers.enter_async_context(http)
            candidate = Candidate(seat, http, Random(seat.username), tally)  # noqa: S311 how somebody behaves
            tasks.create_task(candidate.attend(_arrival(place, count)))


def _arrival(place: int, count: int) -> float:
    """Seconds until somebody comes: the first few at once, the hall within a minute and a half."""
    if place < max(3, count // 20):
        return FIRST_SECONDS * place / max(3, count // 20)
    return FIRST_SECONDS + (WALK_IN_SECONDS - FIRST_SECONDS) * place / count
