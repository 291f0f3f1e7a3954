"""Candidates of the sample hall come, write, drop out and come back, over HTTP: `flask simulate`."""

import asyncio
import ipaddress
import signal
import ssl
from collections import Counter
from contextlib import AsyncExitStack, suppress
from random import Random
from urllib.parse import urlsplit

import httpx

from webapp.demo.candidate import Candidate
from webapp.demo.story import ACCOUNTS, Seat, progress_of, seats

ARRIVAL_SECONDS = 90.0
FIRST_SECONDS = 2.0
SHARE_OF_THE_77 = 0.4


class NotLoopback(ValueError):
    """An address that is not on this machine: other people's servers get no simulated halls."""


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


def choose_people(count: int) -> list[Seat]:
    """The people who come: some of the 77, the others from all rooms; the same ones every time."""
    one_seat_each = {seat.username: seat for seat in reversed(seats())}.values()
    free = [seat for seat in one_seat_each if seat.username not in ACCOUNTS and not progress_of(seat)]
    of_the_77 = [seat for seat in free if seat.is_of_the_77]
    others = [seat for seat in free if not seat.is_of_the_77]
    random = Random(77)  # noqa: S311 not a secret
    random.shuffle(others)
    few = min(round(count * SHARE_OF_THE_77), len(of_the_77))
    people = of_the_77[:few] + others[: count - few]
    random.shuffle(people)
    return people


async def simulate(url: str, count: int, seconds: float | None) -> Counter[str]:
    """Run until cancelled, stopped by a signal, or `seconds` are over; returns what the candidates did.

    Raises `CannotSignIn` in a group.
    """
    tally = Counter(came=0, saved=0, pings=0, notices=0, closed=0, dropped=0, submitted=0, refused=0)
    running = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: running and running.cancel())
    no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # each client would else read the machine's certificates
    with suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(seconds), AsyncExitStack() as browsers, asyncio.TaskGroup() as tasks:
            for place, seat in enumerate(choose_people(count)):
                http = httpx.AsyncClient(base_url=url, timeout=30, verify=no_tls, trust_env=False)
                await browsers.enter_async_context(http)
                candidate = Candidate(seat, http, Random(seat.username), tally)  # noqa: S311 not a secret
                tasks.create_task(candidate.attend(_arrival(place, count)))
    return tally


def _arrival(place: int, count: int) -> float:
    """Seconds until somebody comes: the first few at once, the others within a minute and a half."""
    first = max(3, count // 20)
    if place < first:
        return FIRST_SECONDS * place / first
    return FIRST_SECONDS + (ARRIVAL_SECONDS - FIRST_SECONDS) * place / count
