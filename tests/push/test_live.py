"""Streams of a real server: gunicorn with gevent, real sockets, real kills (R8, R9, R13, traps 1, 3, 4, 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from tests.browser.house import House, opened_house
from tests.databases import Database, NewDatabase
from tests.nightly import at_night
from tests.open_connections import connections_outlive_tests
from tests.server import ENDED, Listener, Person, Server, close_all, csrf
from tests.until import until
from webapp.models import Delivery, Message, User

pytestmark = pytest.mark.server


@dataclass
class Cast:
    """An invigilator, `ines`, and three candidates: `ada` in two tests, `bob` and `eve` in one."""

    house: House
    people: dict[str, User]

    def person(self, name: str) -> Person:
        """A browser in which they are signed in."""
        return self.house.over_http(self.people[name])

    def sent(self) -> list[str]:
        """The numbers of what Ines has sent, as streams name them."""
        query = select(Message.id).where(Message.sender_id == self.people["ines"].id).order_by(Message.id)
        return [str(number) for number in self.house.fresh().scalars(query)]


def cast_in(house: House) -> Cast:
    """New people in a house."""
    algebra, law = house.exam("Algebra"), house.exam("Law")
    people = {name: house.person(name.title()) for name in ("ines", "ada", "bob", "eve")}
    house.hall.contributor(algebra, law, user=people["ines"])
    for name, tests in (("ada", (algebra, law)), ("bob", (algebra,)), ("eve", (law,))):
        for test in tests:
            house.hall.candidacy(test, people[name], room=f"Room of {name}")
    return Cast(house, people)


@pytest.fixture(scope="module")
def house(database_kind: str, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One server for the tests that leave it alone."""
    database = new_database(database_kind, tmp_path_factory.mktemp("live"))
    with opened_house(database) as house, connections_outlive_tests(house.engine):
        yield house


@pytest.fixture
def cast(house: House) -> Iterator[Cast]:
    """People of the test's own on that server."""
    yield cast_in(house)
    house.session.rollback()
    close_all()


@pytest.fixture
def own_cast(database: Database) -> Iterator[Cast]:
    """People on a server that the test may kill."""
    with opened_house(database) as house:
        yield cast_in(house)
        close_all()


@pytest.mark.one_database
def test_a_sending_is_on_the_streams_of_its_recipients_only(cast: Cast) -> None:
    ada, bob, eve = (Listener(cast.person(name)) for name in ("ada", "bob", "eve"))
    sent = cast.person("ines").send("Only Ada and Bob", scope="filtered", q="algebra")
    assert sent.status_code == 201
    (number,) = cast.sent()
    ada.wait_for(lambda: ada.ids() == [number])
    bob.wait_for(lambda: bob.ids() == [number])
    (notice,) = (text for name, _, text in ada.events if name == "")  # whether or not a beat came after it
    assert f'id="message-{number}"' in notice
    assert "Only Ada and Bob" in notice
    assert eve.ids() == []


@pytest.mark.one_database
def test_r13_the_stream_takes_no_channel_from_the_request(cast: Cast) -> None:
    ines = cast.person("ines")
    with cast.person("eve").http.stream("GET", "/stream", params={"channel": str(cast.people["ada"].id)}) as stream:
        ines.send("For Ada", scope="filtered", q="room of ada")
        ines.send("For Eve", scope="filtered", q="room of eve")
        last = f"id: {cast.sent()[1]}"
        seen = ""
        for line in stream.iter_lines():
            seen += line
            if line == last:
                break
    assert "For Eve" in seen
    assert "For Ada" not in seen


@pytest.mark.one_database
def test_the_stream_needs_a_session(house: House) -> None:
    answer = httpx.get(f"{house.url}/stream")
    assert answer.status_code == 401


@pytest.mark.one_database
def test_traps_1_3_and_4_what_is_open_comes_at_the_start_whatever_the_last_id(cast: Cast) -> None:
    ines, ada = cast.person("ines"), cast.person("ada")
    for subject in ("First", "Second"):
        ines.send(subject, scope="filtered", q="room of ada")
    sent = cast.sent()
    for last in ("", sent[0], "999999", "not a number"):
        ada.http.headers["Last-Event-ID"] = last
        stream = Listener(ada)
        stream.wait_for(lambda stream=stream: len(stream.ids()) == 2)
        assert stream.ids() == sent
        stream.close()


@pytest.mark.one_database
def test_r9_closed_in_one_tab_goes_from_the_others_and_stays_closed(cast: Cast) -> None:
    ada = cast.person("ada")
    first, second = Listener(ada), Listener(ada)
    cast.person("ines").send("Note", scope="filtered", q="room of ada")
    (number,) = cast.sent()
    first.wait_for(lambda: first.ids() == [number])
    assert ada.post("/inbox/close", message=number).status_code == 204
    second.wait_for(lambda: ("closed", "", number) in second.events)
    assert f"message-{number}" not in ada.http.get("/inbox/new").text
    assert "Note" in ada.http.get("/inbox").text


@pytest.mark.one_database
def test_ten_tabs_two_streams_and_eight_that_are_told_to_poll(cast: Cast) -> None:
    ada = cast.person("ada")
    tabs = [Listener(ada) for _ in range(10)]
    for tab in tabs[:8]:
        tab.wait_for(lambda tab=tab: ("poll", "", "") in tab.events)
    cast.person("ines").send("Note", scope="filtered", q="room of ada")
    (number,) = cast.sent()
    for tab in tabs[8:]:
        tab.wait_for(lambda tab=tab: tab.ids() == [number])
    assert f'id="message-{number}"' in ada.http.get("/inbox/new").text


@pytest.mark.one_database
def test_signing_out_ends_the_streams_of_that_session(cast: Cast) -> None:
    here, elsewhere = cast.person("ada"), cast.person("ada")
    mine, other = Listener(here), Listener(elsewhere)
    here.http.post("/logout", data={"csrf_token": here.token})
    mine.wait_for(lambda: ("signed-out", "", "") in mine.events)
    assert ("signed-out", "", "") not in other.events


@pytest.mark.one_database("postgresql")
def test_r8_killed_between_commit_and_push_is_delivered_after_the_restart(database: Database, tmp_path: Path) -> None:
    """Its sender has heard by then that it is sent: the push comes after the answer."""
    kill = tmp_path / "kill"
    killing = {"KILL_BEFORE_PUSH": str(kill)}
    with opened_house(database, killing, wsgi="tests.push.killing_wsgi:app") as house:
        cast = cast_in(house)
        ada, ines = cast.person("ada"), cast.person("ines")
        before = Listener(ada)
        kill.touch()
        assert ines.send("Died after the commit", scope="filtered", q="room of ada").status_code == 201
        before.wait_for(lambda: ENDED in before.events)
        assert not kill.exists()
        assert before.ids() == []
        assert house.fresh().scalars(select(Message.subject)).all() == ["Died after the commit"]
        house.server.kill()
        house.server.start()
        after = Listener(ada)
        after.wait_for(lambda: after.ids() == ["1"])
        close_all()


@pytest.mark.nightly  # by day: `test_across.py`
@pytest.mark.one_database
def test_r8_a_push_that_is_lost_is_made_good_by_the_sweep(own_cast: Cast) -> None:
    """The message is committed by another process, which has no way to push to this one."""
    with Server(own_cast.house.server.database) as other:
        ada = Listener(own_cast.person("ada"))
        ines = own_cast.person("ines").at(other.url)
        assert ines.send("From afar", scope="filtered", q="room of ada").status_code == 201
        ada.wait_for(lambda: ada.ids() == ["1"], seconds=5)


@pytest.mark.one_database
def test_r9_a_server_killed_and_started_again_loses_and_repeats_nothing(own_cast: Cast) -> None:
    ada, ines, server = own_cast.person("ada"), own_cast.person("ines"), own_cast.house.server
    before = Listener(ada)
    ines.send("Before", scope="filtered", q="room of ada")
    before.wait_for(lambda: before.ids() == ["1"])
    server.kill()
    before.wait_for(lambda: ENDED in before.events)
    server.start()
    after = Listener(ada)
    ines.send("After", scope="filtered", q="room of ada")
    after.wait_for(lambda: after.ids() == ["1", "2"])
    assert own_cast.house.fresh().scalar(select(func.count(Delivery.message_id))) == 2


@pytest.mark.one_database
def test_trap_9_no_proxy_may_hold_the_stream_back(cast: Cast) -> None:
    with cast.person("ada").http.stream("GET", "/stream") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "no-transform" in answer.headers["Cache-Control"]
        assert next(answer.iter_lines()) == "event: beat"


@pytest.mark.one_database
@pytest.mark.parametrize("streams", ["1", *at_night("0")])
def test_a_process_without_streams_left_says_when_to_try_again(database: Database, streams: str) -> None:
    with opened_house(database, {"EXAMHALL_STREAMS_PER_PROCESS": streams}) as house:
        cast = cast_in(house)
        people = [cast.person(name) for name in ("ada", "bob")]
        held = [Listener(person) for person in people]
        assert [one.status for one in held] == [200 if number < int(streams) else 503 for number in range(2)]
        refused = people[1].http.get("/stream")
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        cast.person("ines").send("Polled", scope="filtered", q="room of bob")
        assert "Polled" in people[1].http.get("/inbox/new").text
        assert "database did not answer" not in house.server.log.read_text()
        close_all()


@pytest.mark.one_database
def test_a_ping_needs_no_database_and_a_session(cast: Cast) -> None:
    assert cast.person("ada").post("/ping").status_code == 204
    with httpx.Client(base_url=cast.house.url) as nobody:
        token = csrf(nobody.get("/login"))
        assert nobody.post("/ping", headers={"X-CSRFToken": token}).status_code == 401


@pytest.mark.nightly  # by day: `tests/operations/test_open_files.py`
@pytest.mark.one_database
def test_connections_that_come_and_go_leave_no_stream_behind(own_cast: Cast) -> None:
    """Of several people: of one alone the hub keeps no more than two anyway."""
    for name in own_cast.people:
        person = own_cast.person(name)
        for _ in range(5):
            Listener(person).close()
    until(lambda: open_streams(own_cast.house.url) == 0, seconds=60)  # at the latest when its next beat finds nobody


def open_streams(url: str) -> float:
    """How many streams the server counts."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("examhall_open_streams "))
