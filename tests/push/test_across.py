"""Two processes over one database, without Redis: what the one does, the other's streams hear within seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from tests.browser.house import House, opened_house
from tests.databases import NewDatabase
from tests.open_connections import connections_outlive_tests
from tests.server import ENDED, Listener, Person, Server, close_all
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Message, User
from webapp.push.sessions import write_end_of_all

pytestmark = pytest.mark.server
WITHIN = 5.0
"""Long enough for the sweep, which looks every second, on a busy machine; a loop that stands still never comes."""


@dataclass
class Pair:
    """Two servers on two ports: as two processes behind a balancer, but the test chooses. `ines` may send to `ada`."""

    here: House
    there: Server
    ines: User
    ada: User

    def person(self, user: User) -> Person:
        """A browser here, in which this user is signed in."""
        return self.here.over_http(user)


@pytest.fixture(scope="module")
def servers(
    database_kind: str, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[House, Server]]:
    """Both, for all tests of the module."""
    database = new_database(database_kind, tmp_path_factory.mktemp("across"))
    with opened_house(database) as house, connections_outlive_tests(house.engine), Server(database) as there:
        yield house, there


@pytest.fixture
def pair(servers: tuple[House, Server]) -> Iterator[Pair]:
    """With people of the test's own."""
    house, there = servers
    exam = house.exam("Algebra")
    yield Pair(house, there, house.invigilator(exam), house.candidate(exam))
    house.session.rollback()
    close_all()


@pytest.mark.one_database("postgresql")
def test_r8_any_request_to_any_process(pair: Pair) -> None:
    ines, ada = pair.person(pair.ines), pair.person(pair.ada)
    streams = [Listener(ada), Listener(ada.at(pair.there.url))]
    for number, url in enumerate((pair.here.url, pair.there.url, pair.here.url), start=1):
        assert ines.at(url).send(f"Message {number}", scope="filtered", q="algebra").status_code == 201
        for stream in streams:
            stream.wait_for(lambda stream=stream, number=number: len(stream.ids()) == number, WITHIN)  # type: ignore[misc]
    sent = select(Message.id).where(Message.sender_id == pair.ines.id).order_by(Message.id)
    numbers = [str(number) for number in pair.here.fresh().scalars(sent)]
    assert len(numbers) == 3
    assert [stream.ids() for stream in streams] == [numbers] * 2


@pytest.mark.one_database("postgresql")
def test_r9_a_notice_closed_in_one_process_leaves_the_tabs_of_the_other(pair: Pair) -> None:
    ada = pair.person(pair.ada)
    stream = Listener(ada.at(pair.there.url))
    pair.person(pair.ines).send("Soon over", scope="filtered", q="algebra")
    number = pair.here.fresh().scalars(select(Message.id).where(Message.sender_id == pair.ines.id)).one()
    assert ada.post("/inbox/close", message=number).status_code == 204
    stream.wait_for(lambda: ("closed", "", str(number)) in stream.events, WITHIN)


@pytest.mark.one_database("postgresql")
def test_signing_out_in_one_process_ends_the_streams_of_the_other(pair: Pair) -> None:
    there = pair.there
    ada, device = pair.person(pair.ada), pair.person(pair.ada)
    copied = ada.at(there.url)
    stream, of_device = Listener(ada.at(there.url)), Listener(device.at(there.url))
    assert ada.post("/logout").status_code == 302
    stream.wait_for(lambda: stream.events[-1] == ENDED, WITHIN)
    assert stream.events[-2][0] == "signed-out"
    assert copied.http.get("/inbox").status_code == 302, "a copy of the cookie is refused from now on"
    assert copied.http.get("/inbox/new", headers={"HX-Request": "true"}).status_code == 401
    assert ENDED not in of_device.events
    assert device.at(there.url).http.get("/inbox").status_code == 200


@pytest.mark.one_database("postgresql")
def test_a_new_password_ends_streams_everywhere(pair: Pair) -> None:
    ada = pair.person(pair.ada)
    streams = [Listener(ada), Listener(ada.at(pair.there.url))]
    with writing(pair.here.session):
        user = pair.here.session.get_one(User, pair.ada.id)
        user.epoch += 1
        write_end_of_all(pair.here.session, [user.id], utcnow())
    for stream in streams:
        stream.wait_for(lambda stream=stream: stream.events[-1] == ENDED, WITHIN)  # type: ignore[misc]
    assert ada.http.get("/inbox").status_code == 302
