"""Two processes over one database, without Redis: what the one does, the other's streams hear within 3 s."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy.orm import Session

from tests.databases import Database
from tests.hall import Hall
from tests.server import ENDED, PASSWORD, Listener, Person, Server
from webapp.accounts.passwords import hash_password
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Test, User
from webapp.push import write_end_of_all

pytestmark = pytest.mark.server
WITHIN = 8.0
"""Long enough for the sweep, which looks every two seconds, on a busy machine."""


@pytest.fixture
def exam(hall: Hall) -> Test:
    """`ines` may send to `ada`."""
    test, secret = hall.test("Algebra"), hash_password(PASSWORD)
    hall.contributor(test, user=hall.person("Ines", username="ines", password_hash=secret))
    hall.candidacy(test, hall.person("Ada", username="ada", password_hash=secret))
    hall.session.rollback()
    return test


@pytest.fixture
def both(exam: Test, database: Database) -> Iterator[tuple[Server, Server]]:
    """Two servers on two ports: as two processes behind a balancer, but the test chooses."""
    with ExitStack() as stack:
        yield stack.enter_context(Server(database)), stack.enter_context(Server(database))


def test_r8_any_request_to_any_process(both: tuple[Server, Server]) -> None:
    here, there = both
    ines, ada = Person(here.url, "ines"), Person(here.url, "ada")
    streams = [Listener(ada), Listener(ada.at(there.url))]
    for number, server in enumerate((here, there, here), start=1):
        assert ines.at(server.url).send(f"Message {number}", scope="filtered", q="algebra").status_code == 201
        for stream in streams:
            stream.wait_for(lambda stream=stream, number=number: stream.ids()[-1:] == [str(number)], WITHIN)  # type: ignore[misc]
    assert [stream.ids() for stream in streams] == [["1", "2", "3"]] * 2


@pytest.mark.one_database("postgresql")
def test_r9_a_notice_closed_in_one_process_leaves_the_tabs_of_the_other(both: tuple[Server, Server]) -> None:
    here, there = both
    ada = Person(here.url, "ada")
    stream = Listener(ada.at(there.url))
    Person(here.url, "ines").send("Soon over", scope="filtered", q="algebra")
    assert ada.post("/inbox/close", message=1).status_code == 204
    stream.wait_for(lambda: ("closed", "", "1") in stream.events, WITHIN)


@pytest.mark.one_database("postgresql")
def test_signing_out_in_one_process_ends_the_streams_of_the_other(both: tuple[Server, Server]) -> None:
    here, there = both
    ada, device = Person(here.url, "ada"), Person(here.url, "ada")
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
def test_a_new_password_ends_streams_everywhere(both: tuple[Server, Server], session: Session) -> None:
    ada = Person(both[0].url, "ada")
    streams = [Listener(ada), Listener(ada.at(both[1].url))]
    with writing(session):
        user = session.query(User).filter_by(username="ada").one()
        user.epoch += 1
        write_end_of_all(session, [user.id], utcnow())
    for stream in streams:
        stream.wait_for(lambda stream=stream: stream.events[-1] == ENDED, WITHIN)  # type: ignore[misc]
    assert ada.http.get("/inbox").status_code == 302
