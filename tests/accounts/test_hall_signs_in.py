"""R22 on a real server: a hall signs in from one address while streams go on, and guessing does not work."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlencode

import pytest
from sqlalchemy.orm import Session

from tests.databases import Database
from tests.efforts import TRUE_EFFORT
from tests.hall import Hall
from tests.server import PASSWORD, Listener, Person, Server, close_all
from webapp.accounts.passwords import hash_generated
from webapp.db.transactions import writing
from webapp.models import Test, User

pytestmark = [
    pytest.mark.server,
    pytest.mark.one_database,
    pytest.mark.parametrize("size", [200, pytest.param(1500, marks=pytest.mark.nightly)]),
]
CHOSEN_OF = 10
"""One in so many of the hall has a password of their own, at the full effort; the others one from the import."""
AT_ONCE = 40


@pytest.fixture
def server(session: Session, database: Database) -> Iterator[Server]:
    with Server(database) as running:
        yield running
        close_all()


@pytest.fixture
def exam(hall: Hall) -> Test:
    """A test with its invigilator `ines` and a candidate `ada`, who is in it already."""
    test, costly = hall.test(), TRUE_EFFORT.hash(PASSWORD)
    ada = hall.person("Ada", username="ada", password_hash=costly)
    hall.candidacy(test, ada, room="Ada's room")
    hall.contributor(test, user=hall.person("Ines", username="ines", password_hash=costly))
    return test


@pytest.fixture
def usernames(exam: Test, hall: Hall, session: Session, size: int) -> list[str]:
    """A hall that has yet to come in."""
    made = hall.candidacies(exam, size)
    costly, cheap = TRUE_EFFORT.hash(PASSWORD), hash_generated(PASSWORD)
    with writing(session):
        users = [session.get_one(User, one.user_id) for one in made]
        for number, user in enumerate(users):
            user.password_hash = costly if number % CHOSEN_OF == 0 else cheap
        return [user.username for user in users]


async def sign_in(url: str, username: str, password: str) -> int:
    """Open the page and sign in by its form; on bare sockets, because so many clients of a library take minutes."""
    page = await request(url, "GET")
    token = re.search(r'name="csrf-token" content="([^"]*)"', page)
    cookie = re.search(r"Set-Cookie: (examhall_session[^;]+)", page)
    assert token
    assert cookie
    form = urlencode({"username": username, "password": password, "csrf_token": token[1]})
    answer = await request(url, "POST", cookie[1], form)
    return int(answer.split(" ", 2)[1])


async def request(url: str, method: str, cookie: str = "", form: str = "") -> str:
    """One request for the sign-in page on a connection of its own."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"{method} /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nCookie: {cookie}\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n"
    writer.write((head + form).encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer


async def all_sign_in(url: str, tries: list[tuple[str, str]], answers: list[int]) -> None:
    """So many at a time, all from this address; `answers` grow as they come."""
    places = asyncio.Semaphore(AT_ONCE)

    async def sign_in_when_free(username: str, password: str) -> None:
        async with places:
            answers.append(await sign_in(url, username, password))

    await asyncio.gather(*(sign_in_when_free(*pair) for pair in tries))


def test_r22_a_hall_signs_in_while_streams_beat_and_messages_arrive(
    server: Server, usernames: list[str], size: int
) -> None:
    ada, ines = Listener(Person(server.url, "ada")), Person(server.url, "ines")
    answers: list[int] = []
    beats: list[float] = []
    seen = 0

    async def storm() -> None:
        nonlocal seen
        work = asyncio.create_task(all_sign_in(server.url, [(name, PASSWORD) for name in usernames], answers))
        while not answers and not work.done():
            await asyncio.sleep(0.01)
        sent = await asyncio.to_thread(ines.send, "During the storm", scope="filtered", q="ada's room")
        assert sent.status_code == 201
        await asyncio.to_thread(ada.wait_for, lambda: ada.ids() == ["1"])
        assert len(answers) < size
        while not work.done():
            count = sum(name == "beat" for name, _, _ in ada.events)
            if count > seen:
                seen = count
                beats.append(time.monotonic())
            await asyncio.sleep(0.2)
        await work

    begun = time.monotonic()
    asyncio.run(storm())
    taken = time.monotonic() - begun
    assert answers == [302] * size
    assert taken < 300  # R22: within five minutes
    assert ada.ids() == ["1"]
    gaps = [later - earlier for earlier, later in pairwise(beats)]
    assert all(gap < 30 for gap in gaps)  # the page takes 40 s without a beat for a dead stream
    if taken > 35:
        assert gaps


@pytest.mark.nightly
def test_r22_guessing_at_one_account_does_not_work_and_hurts_nobody_else(server: Server, exam: Test, size: int) -> None:
    guesses = [("ada", f"guess number {number}") for number in range(size - 1)] + [("ada", PASSWORD)]
    begun = time.monotonic()
    answers: list[int] = []
    asyncio.run(all_sign_in(server.url, guesses, answers))
    taken = time.monotonic() - begun
    assert set(answers) == {422, 429}
    assert answers.count(422) <= 10 + taken // 60  # one more each minute
    assert Person(server.url, "ines").http.get("/monitor").status_code == 200
