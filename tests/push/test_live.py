"""Streams of a real server: gunicorn with gevent, real sockets, real kills (R8, R9, R13, traps 1, 3, 4, 5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.databases import Database
from tests.hall import Hall
from tests.server import ENDED, PASSWORD, Listener, Person, Server, csrf
from webapp.accounts.passwords import hash_password
from webapp.models import Delivery, Message, User

pytestmark = pytest.mark.server


@pytest.fixture
def server(session: Session, database: Database) -> Iterator[Server]:
    with Server(database) as running:
        yield running


@pytest.fixture
def cast(hall: Hall) -> dict[str, User]:
    """An invigilator, and three candidates: `ada` in two tests, `bob` and `eve` in one."""
    algebra, law = hall.test("Algebra"), hall.test("Law")
    secret = hash_password(PASSWORD)
    people = {
        name: hall.person(name.title(), username=name, password_hash=secret) for name in ("ines", "ada", "bob", "eve")
    }
    hall.contributor(algebra, law, user=people["ines"])
    for name, tests in (("ada", (algebra, law)), ("bob", (algebra,)), ("eve", (law,))):
        for test in tests:
            hall.candidacy(test, people[name], room=f"Room of {name}")
    return people


@pytest.mark.one_database
def test_a_sending_is_on_the_streams_of_its_recipients_only(server: Server, cast: dict[str, User]) -> None:
    ada, bob, eve = (Listener(Person(server.url, name)) for name in ("ada", "bob", "eve"))
    sent = Person(server.url, "ines").send("Only Ada and Bob", scope="filtered", q="algebra")
    assert sent.status_code == 201
    ada.wait_for(lambda: ada.ids() == ["1"])
    bob.wait_for(lambda: bob.ids() == ["1"])
    (notice,) = (text for name, _, text in ada.events if name == "")  # whether or not a beat came after it
    assert 'id="message-1"' in notice
    assert "Only Ada and Bob" in notice
    assert eve.ids() == []


@pytest.mark.one_database
def test_r13_the_stream_takes_no_channel_from_the_request(server: Server, cast: dict[str, User]) -> None:
    person = Person(server.url, "eve")
    with person.http.stream("GET", "/stream", params={"channel": str(cast["ada"].id)}) as stream:
        Person(server.url, "ines").send("For Ada", scope="filtered", q="room of ada")
        Person(server.url, "ines").send("For Eve", scope="filtered", q="room of eve")
        seen = ""
        for line in stream.iter_lines():
            seen += line
            if line == "id: 2":
                break
    assert "For Eve" in seen
    assert "For Ada" not in seen


@pytest.mark.one_database
def test_the_stream_needs_a_session(server: Server) -> None:
    answer = httpx.get(f"{server.url}/stream")
    assert answer.status_code == 401


@pytest.mark.one_database
def test_traps_1_3_and_4_what_is_open_comes_at_the_start_whatever_the_last_id(
    server: Server, cast: dict[str, User]
) -> None:
    ines, ada = Person(server.url, "ines"), Person(server.url, "ada")
    for subject in ("First", "Second"):
        ines.send(subject, scope="filtered", q="room of ada")
    for last in ("", "1", "999999", "not a number"):
        ada.http.headers["Last-Event-ID"] = last
        stream = Listener(ada)
        stream.wait_for(lambda stream=stream: len(stream.ids()) == 2)
        assert stream.ids() == ["1", "2"]
        stream.close()


def test_r9_closed_in_one_tab_goes_from_the_others_and_stays_closed(server: Server, cast: dict[str, User]) -> None:
    ada = Person(server.url, "ada")
    first, second = Listener(ada), Listener(ada)
    Person(server.url, "ines").send("Note", scope="filtered", q="room of ada")
    first.wait_for(lambda: first.ids() == ["1"])
    assert ada.post("/inbox/close", message="1").status_code == 204
    second.wait_for(lambda: ("closed", "", "1") in second.events)
    assert "message-1" not in ada.http.get("/inbox/new").text
    assert "Note" in ada.http.get("/inbox").text


@pytest.mark.one_database
def test_ten_tabs_two_streams_and_eight_that_are_told_to_poll(server: Server, cast: dict[str, User]) -> None:
    ada = Person(server.url, "ada")
    tabs = [Listener(ada) for _ in range(10)]
    for tab in tabs[:8]:
        tab.wait_for(lambda tab=tab: ("poll", "", "") in tab.events)
    Person(server.url, "ines").send("Note", scope="filtered", q="room of ada")
    for tab in tabs[8:]:
        tab.wait_for(lambda tab=tab: tab.ids() == ["1"])
    assert 'id="message-1"' in ada.http.get("/inbox/new").text


@pytest.mark.one_database
def test_signing_out_ends_the_streams_of_that_session(server: Server, cast: dict[str, User]) -> None:
    here, elsewhere = Person(server.url, "ada"), Person(server.url, "ada")
    mine, other = Listener(here), Listener(elsewhere)
    here.http.post("/logout", data={"csrf_token": here.token})
    mine.wait_for(lambda: ("signed-out", "", "") in mine.events)
    assert ("signed-out", "", "") not in other.events


def test_r8_killed_between_commit_and_push_is_delivered_after_the_restart(
    database: Database, cast: dict[str, User], session: Session, tmp_path: Path
) -> None:
    kill = tmp_path / "kill"
    with Server(database, "tests.push.killing_wsgi:app", {"KILL_BEFORE_PUSH": str(kill)}) as server:
        ada, ines = Person(server.url, "ada"), Person(server.url, "ines")
        before = Listener(ada)
        kill.touch()
        with pytest.raises(httpx.TransportError):
            ines.send("Died after the commit", scope="filtered", q="room of ada")
        assert not kill.exists()
        before.wait_for(lambda: ENDED in before.events)
        assert before.ids() == []
        session.rollback()
        assert session.scalars(select(Message.subject)).all() == ["Died after the commit"]
        server.kill()
        server.start()
        after = Listener(ada)
        after.wait_for(lambda: after.ids() == ["1"])


def test_r8_a_push_that_is_lost_is_made_good_by_the_sweep(
    database: Database, cast: dict[str, User], session: Session
) -> None:
    """The message is committed by another process, which has no way to push to this one."""
    with Server(database) as server, Server(database) as other:
        ada = Listener(Person(server.url, "ada"))
        assert Person(other.url, "ines").send("From afar", scope="filtered", q="room of ada").status_code == 201
        ada.wait_for(lambda: ada.ids() == ["1"], seconds=5)


def test_r9_a_server_killed_and_started_again_loses_and_repeats_nothing(
    server: Server, cast: dict[str, User], session: Session
) -> None:
    ada, ines = Person(server.url, "ada"), Person(server.url, "ines")
    before = Listener(ada)
    ines.send("Before", scope="filtered", q="room of ada")
    before.wait_for(lambda: before.ids() == ["1"])
    server.kill()
    before.wait_for(lambda: ENDED in before.events)
    server.start()
    after = Listener(ada)
    ines.send("After", scope="filtered", q="room of ada")
    after.wait_for(lambda: after.ids() == ["1", "2"])
    session.rollback()
    assert len(session.scalars(select(Delivery.message_id)).all()) == 2


@pytest.mark.one_database
def test_trap_9_no_proxy_may_hold_the_stream_back(server: Server, cast: dict[str, User]) -> None:
    with Person(server.url, "ada").http.stream("GET", "/stream") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "no-transform" in answer.headers["Cache-Control"]
        assert next(answer.iter_lines()) == "event: beat"


@pytest.mark.one_database
@pytest.mark.parametrize("streams", ["0", "1"])
def test_a_process_without_streams_left_says_when_to_try_again(
    database: Database, cast: dict[str, User], streams: str
) -> None:
    with Server(database, environ={"EXAMHALL_STREAMS_PER_PROCESS": streams}) as server:
        people = [Person(server.url, name) for name in ("ada", "bob")]
        held = [Listener(person) for person in people]
        assert [one.status for one in held] == [200 if number < int(streams) else 503 for number in range(2)]
        refused = people[1].http.get("/stream")
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        Person(server.url, "ines").send("Polled", scope="filtered", q="room of bob")
        assert "Polled" in people[1].http.get("/inbox/new").text
        assert "database did not answer" not in server.log.read_text()


@pytest.mark.one_database
def test_a_ping_needs_no_database_and_a_session(server: Server, cast: dict[str, User]) -> None:
    assert Person(server.url, "ada").post("/ping").status_code == 204
    with httpx.Client(base_url=server.url) as nobody:
        token = csrf(nobody.get("/login"))
        assert nobody.post("/ping", headers={"X-CSRFToken": token}).status_code == 401


@pytest.mark.one_database
def test_connections_that_come_and_go_leave_no_stream_behind(server: Server, cast: dict[str, User]) -> None:
    ada = Person(server.url, "ada")
    for _ in range(20):
        Listener(ada).close()
    metric = httpx.get(f"{server.url}/metrics").text
    held = [line for line in metric.splitlines() if line.startswith("examhall_open_streams ")]
    assert float(held[0].split()[1]) <= 2
