"""The log's pages: who sees what (R14), filters that are never dropped (R6), addresses that hold all (R18)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.logbook.entries import NOW, write
from webapp.logbook.append import Actor
from webapp.models import Candidacy, Role, Test, User

pytestmark = pytest.mark.thorough


class World:
    """Two tests, a person in both, and entries by an invigilator of A, a chief of B, and a failed sign-in."""

    def __init__(self, session: Session, hall: Hall) -> None:
        self.session, self.hall = session, hall
        with hall.at_once():
            self.a, self.b = hall.test("Algebra"), hall.test("Biology", closed_at=NOW)
            both = hall.person("Åsa Öberg")
            hall.candidacy(self.a, both, room="Aula", number="A-1")
            hall.candidacy(self.a, hall.person("Bo Berg"), room="aula", number="A-2")
            hall.candidacy(self.b, both, room="Lab", number="B-1")
            hall.candidacy(self.b, hall.person("Cy Dahl"), room="Lab", number="B-2")
            self.invigilator = hall.contributor(self.a, user=hall.person("Inga"))
            self.colleague = hall.contributor(self.a, user=hall.person("Karl"))
            self.chief_a = hall.contributor(self.a, role=Role.CHIEF_INVIGILATOR)
            self.chief_b = hall.contributor(self.b, role=Role.CHIEF_INVIGILATOR)
            self.aula_chief = hall.contributor(self.a, role=Role.CHIEF_INVIGILATOR, room="Aula")
            self.planner_b = hall.contributor(self.b, role=Role.PLANNER)
            self.admin = hall.person("Root", is_admin=True)
            self.candidate = both
        self.to_a = self.send(self.invigilator, "Quiet, please", "Bitte\nRuhe", self.a)
        self.to_bo = self.send(self.chief_a, "For Bo", "100% sure_", number="A-2")
        self.to_both = self.send(self.chief_b, "Straße <b>closed</b>", "See http://x.example", self.a, self.b)
        tried = {"username": "c1001", "address": "10.0.0.5"}
        self.failure = write(session, action="sign_in.failed", actor=Actor(None, "", ""), detail=tried).id

    def send(self, sender: User, subject: str, body: str, *tests: Test, number: str = "") -> int:
        wanted = Candidacy.number == number if number else Candidacy.test_id.in_([test.id for test in tests])
        detail = {"subject": subject, "body": body, "audience_words": ["Room: Aula"], "persons": 1, "candidacies": 1}
        return write(
            self.session,
            select(Candidacy.id).where(wanted),
            actor=Actor(sender.id, sender.name, "invigilator"),
            detail=detail,
        ).id


@pytest.fixture
def world(session: Session, hall: Hall) -> World:
    return World(session, hall)


def shown(client: FlaskClient, address: str = "/log") -> list[int]:
    answer = client.get(address)
    assert answer.status_code == 200
    return [int(number) for number in re.findall(r'data-entry="(\d+)"', answer.text)]


def subjects(client: FlaskClient, number: int) -> list[str]:
    answer = client.get(f"/log/{number}")
    assert answer.status_code == 200
    return re.findall(r'<td><bdi translate="no">([AB]-\d)</bdi>', answer.text)


SEEN = {
    "invigilator": ["to_a"],
    "colleague": [],
    "chief_a": ["to_both", "to_bo", "to_a"],
    "chief_b": ["to_both"],
    "aula_chief": ["to_both", "to_a"],
    "planner_b": ["to_both"],
    "admin": ["failure", "to_both", "to_bo", "to_a"],
}


@pytest.mark.one_database
def test_everyone_sees_what_is_theirs(app: Flask, world: World) -> None:
    """R14: list, paper, file and entry agree, filtered or not. Closed tests stay readable."""
    for who, seen in SEEN.items():
        client = signed_in(app, getattr(world, who))
        numbers = [getattr(world, name) for name in seen]
        for name in ("to_a", "to_bo", "to_both", "failure"):
            status = client.get(f"/log/{getattr(world, name)}").status_code
            assert status == (200 if name in seen else 404), (who, name)
        for query in ("", "?from=2026-11-23T09:30", "?text=&person=&action="):  # every entry matches these
            assert shown(client, f"/log{query}") == shown(client, f"/log/print{query}") == numbers, who
            in_file = re.findall(r"^(\d+),", client.get(f"/log.csv{query}").text, re.MULTILINE)
            assert sorted(set(map(int, in_file))) == sorted(numbers), who


@pytest.mark.one_database
def test_an_entry_names_only_people_within_reach(app: Flask, world: World) -> None:
    """R14: of a sending to two tests, a chief of one sees that one's people; its sender sees all, whichever test."""
    for who, numbers, hidden in (
        ("chief_a", ["A-1", "A-2"], 1),
        ("aula_chief", ["A-1"], 2),
        ("planner_b", ["B-1", "B-2"], 1),
        ("chief_b", ["A-1", "A-2", "B-1", "B-2"], 0),
        ("admin", ["A-1", "A-2", "B-1", "B-2"], 0),
    ):
        client = signed_in(app, getattr(world, who))
        assert subjects(client, world.to_both) == numbers, who
        page = client.get(f"/log/{world.to_both}").text
        assert ("outside your tests or rooms" in page) == bool(hidden), who
        assert not hidden or re.search(rf"It also went to {hidden} p", page), who
        rows = [line for line in client.get("/log.csv").text.splitlines() if line.startswith(f"{world.to_both},")]
        assert [re.search(r",([AB]-\d),", row)[1] for row in rows] == numbers, who


def test_a_person_filter_finds_nobody_beyond_reach(app: Flask, world: World) -> None:
    """R14: a chief of A must not learn by searching that Cy, in B only, got the message."""
    assert shown(signed_in(app, world.chief_a), "/log?person=cy") == []
    assert shown(signed_in(app, world.chief_b), "/log?person=cy") == [world.to_both]


FILTERS = [
    ("person=ÅSA", ["to_both", "to_a"]),
    ("person=öBERG&action=message.sent", ["to_both", "to_a"]),
    ("person=b-2", ["to_both"]),
    ("person=inga", ["to_a"]),
    ("person=C1001", ["failure"]),
    ("person=%25", []),
    ("text=QUIET", ["to_a"]),
    ("text=bitte", ["to_a"]),
    ("text=Quiet,%E2%80%A8%E2%80%A9%C2%85please", ["to_a"]),  # pasted line separators are spaces
    ("text=100%25", ["to_bo"]),
    ("text=sure_", ["to_bo"]),
    ("text=persons", []),
    ("text=c1001", []),
    ("action=sign_in.failed", ["failure"]),
    ("action=sign_in.locked", []),
    ("from=&to=&person=&text=&action=&page=1", ["failure", "to_both", "to_bo", "to_a"]),
    ("from=2026-11-23T09:30&to=2026-11-23T09:30", ["failure", "to_both", "to_bo", "to_a"]),
    ("from=2026-11-23T09:31", []),
    ("to=2026-11-23T09:29", []),
]


def test_filters(app: Flask, world: World) -> None:
    """By time (both minutes included), person, action and text, in any case and script, on both databases."""
    client = signed_in(app, world.admin)
    for query, names in FILTERS:
        assert (query, shown(client, f"/log?{query}")) == (query, [getattr(world, name) for name in names])
    table = client.get("/log.csv?person=inga").text
    assert set(re.findall(r"^(\d+),", table, re.MULTILINE)) == {f"{world.to_a}"}


@pytest.mark.one_database
def test_each_action_that_is_offered_can_be_asked_for(app: Flask, world: World) -> None:
    for user in (world.admin, world.chief_a):
        client = signed_in(app, user)
        menu = client.get("/log").text.partition('<select name="action">')[2].partition("</select>")[0]
        actions = re.findall(r'value="([^"]+)"', menu)
        assert "account.password_set" in actions
        for action in actions:
            assert client.get(f"/log?action={action}").status_code == 200, action


def test_text_of_strangers_does_not_stop_a_search(app: Flask, world: World) -> None:
    """A NUL in a failed sign-in: PostgreSQL cannot take it out of its JSON."""
    write(world.session, action="sign_in.failed", detail={"username": "a\0b\ud800", "address": "::1"})
    client = signed_in(app, world.admin)
    assert shown(client, "/log?text=quiet") == [world.to_a]
    assert client.get("/log?person=a").status_code == 200
    assert client.get("/log.csv").status_code == 200


UNKNOWN = [
    "sort=at", "action=message", "from=yesterday", "from=2026-02-30T10:00",
    "from=2026-11-23T09:30Z", "to=2026-11-23T09:30%2B02:00",
    "page=x", "page=-1", "page=1&page=2", "person=a&person=b", "text=%00",
    "to=9999-12-31T23:59", "text=" + "x" * 201, "page=" + "9" * 30,
]  # fmt: skip


@pytest.mark.one_database
def test_unknown_names_and_values_are_refused(app: Flask, world: World) -> None:
    """R6: 400 with a text, in the page and in the fragment; never a wider list."""
    client = signed_in(app, world.admin)
    for query in UNKNOWN:
        for headers in ({}, {"HX-Request": "true"}):
            assert client.get(f"/log?{query}", headers=headers).status_code == 400, query
        assert client.get(f"/log.csv?{query}").status_code == 400, query


@pytest.mark.one_database
def test_who_has_no_log_is_told_so(app: Flask, world: World) -> None:
    """R13, R14: candidates 403, nobody to the sign-in page; the log is only read."""
    candidate, nobody = signed_in(app, world.candidate), app.test_client()
    for address in ("/log", "/log.csv", f"/log/{world.to_a}"):
        assert candidate.get(address).status_code == 403
        assert nobody.get(address).status_code == 302
        assert nobody.get(address, headers={"HX-Request": "true"}).status_code == 401
        assert signed_in(app, world.admin).post(address).status_code in {400, 405}


@pytest.mark.one_database
def test_an_entry_that_is_not_there(app: Flask, world: World) -> None:
    for number in (0, 99, 2**62 + 1, 2**70):
        assert signed_in(app, world.admin).get(f"/log/{number}").status_code == 404, number


def test_fifty_to_a_page_newest_first_and_the_nearest_page(app: Flask, session: Session, world: World) -> None:
    """Beyond the end: the last page. The links keep the filter (R18)."""
    for _ in range(60):
        world.send(world.chief_a, "Again & again", "x", number="A-2")
    client = signed_in(app, world.admin)
    first, last = shown(client, "/log?text=again"), shown(client, "/log?text=again&page=999")
    assert (len(first), len(last)) == (50, 10)
    assert first + last == sorted(first + last, reverse=True)
    page = client.get("/log?text=again").text
    assert 'data-count="60"' in page
    (older,) = re.findall(r'rel="next"\s+href="([^"]+)"', page)
    assert shown(client, unescape(older)) == last


@pytest.mark.one_database
def test_htmx_gets_the_list_alone(app: Flask, world: World) -> None:
    """One partial for both (R18); Back must not show a bare fragment from the cache."""
    answer = signed_in(app, world.admin).get("/log", headers={"HX-Request": "true"})
    assert answer.text.lstrip().startswith('<section id="log-list"')
    assert "<html" not in answer.text
    assert "HX-Request" in answer.headers["Vary"]


@pytest.mark.one_database
def test_other_peoples_text_is_text(app: Flask, world: World) -> None:
    """R7, trap 18: escaped, line breaks kept, links not clickable."""
    client = signed_in(app, world.admin)
    page = client.get(f"/log/{world.to_both}").text
    assert "Straße &lt;b&gt;closed&lt;/b&gt;" in page
    assert "<b>" not in page + client.get("/log").text
    assert 'href="http://x.example' not in page
    assert "Bitte\nRuhe" in client.get(f"/log/{world.to_a}").text


@pytest.mark.one_database
def test_a_failed_sign_in_is_readable(app: Flask, world: World) -> None:
    """R15."""
    page = signed_in(app, world.admin).get(f"/log/{world.failure}").text
    assert "Sign-in failed" in page
    assert "username c1001 from 10.0.0.5" in page


@pytest.mark.one_database
def test_the_file_holds_no_formula(app: Flask, world: World) -> None:
    """A spreadsheet must not run what somebody wrote; a byte order mark has Excel read UTF-8."""
    world.send(world.chief_a, '=HYPERLINK("http://x")', " +1\n@x", number="A-2")
    answer = signed_in(app, world.admin).get("/log.csv?text=hyperlink")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert '"\'=HYPERLINK(""http://x"")","\' +1\n\'@x"' in answer.text
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_times_are_local_and_in_a_repeated_hour_both_count(app: Flask, session: Session, world: World) -> None:
    """Trap 24: 02:30 comes twice when summer time ends."""
    app.config["SETTINGS"].__dict__["timezone"] = ZoneInfo("Europe/Stockholm")
    night = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    twice = [write(session, at=night + timedelta(hours=hour)).id for hour in (0, 1)]
    client = signed_in(app, world.admin)
    assert shown(client, "/log?from=2026-10-25T02:30&to=2026-10-25T02:30") == twice[::-1]
    assert "02:30:00 CEST" in client.get(f"/log/{twice[0]}").text


@pytest.mark.one_database
def test_a_line_names_its_one_person_with_their_candidate_ids(app: Flask, world: World, hall: Hall) -> None:
    """Namesakes are told apart; nobody's number from tests out of sight."""
    hall.candidacy(world.a, hall.person("Bo Berg"), number="A-3")
    to_other = world.send(world.chief_a, "For the other Bo", "x", number="A-3")
    to_her = write(
        world.session,
        select(Candidacy.id).where(Candidacy.number.in_(["A-1", "B-1"])),
        actor=Actor(world.admin.id, "Root", ""),
        detail={"subject": "S", "body": "B"},
    ).id
    for reader, number, words in (
        (world.chief_a, world.to_bo, "Bo Berg (A-2)"),
        (world.chief_a, to_other, "Bo Berg (A-3)"),
        (world.chief_a, to_her, "Åsa Öberg (A-1)"),
        (world.admin, to_her, "Åsa Öberg (A-1, B-1)"),
    ):
        page = signed_in(app, reader).get("/log").text
        line = page.split(f'data-entry="{number}"')[1].split("</li>")[0]
        assert words in unescape(re.sub(r"<[^>]*>", "", line))
