"""What the dialog says of an audience before anything is sent, and how few questions it takes."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, open_dialog, post
from tests.statements import statements
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.messaging import preview as preview_module
from webapp.messaging.audience import Selection
from webapp.messaging.preview import Preview, preview
from webapp.models import Candidacy, Test, User
from webapp.monitor.filters import Filter

EVERYONE = Selection(Filter())
SWITCH = re.compile(r'<button [^>]*formaction="([^"]*)"[^>]*aria-pressed="(\w+)"[^>]*>([^<]*)</button>')


def words_of(html: str) -> str:
    """What is read of a fragment."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split()).replace(" ,", ",")


def switch_of(html: str) -> list[tuple[str, bool]]:
    """The dialog's two audiences, in words, and whether each is chosen."""
    return [(" ".join(words.split()), pressed == "true") for _, pressed, words in SWITCH.findall(html)]


def seen_by(session: Session, sender: User, limit: int = 1500, selection: Selection = EVERYONE) -> Preview:
    return preview(session, sender, selection, now=utcnow(), limit=limit)


def test_persons_are_counted_once_wherever_they_sit(hall: Hall, test: Test, session: Session) -> None:
    other = hall.test("Acoustics")
    sender = hall.contributor(test, other)
    ann, bo = hall.person("Ann"), hall.person("Bo")
    hall.candidacy(test, ann, room="Aula", number="A1", seat="24F")
    hall.candidacy(other, ann, room="Aula")
    hall.candidacy(test, bo, room="Aula", number="A2")
    for name, number in (("Zoe", "A4"), ("Cy", "A3")):
        hall.candidacy(other, hall.person(name), room="", number=number)
    hall.seen(ann.id)
    shown = seen_by(session, sender)
    assert (shown.candidacies, shown.persons) == (5, 4)
    assert shown.states == [("idle", 1), ("offline", 3)]
    assert (shown.online, shown.offline, shown.rooms) == (1, 3, 1)
    assert shown.offline_names == ["Bo (A2)", "Cy (A3)", "Zoe (A4)"]
    assert shown.names == ["Ann (A1, seat 24F)", "Bo (A2)", "Cy (A3)"]
    assert shown.places == [("Acoustics", "", 2), ("Acoustics", "Aula", 1), ("Algebra", "Aula", 2)]
    assert shown.tests == [(other.id, "Acoustics"), (test.id, "Algebra")]
    assert len(shown.candidacy_ids) == 5
    assert len(shown.user_ids) == 4


def test_people_of_one_name_are_two(hall: Hall, test: Test, session: Session) -> None:
    for name, number in (("Kim", "K1"), ("Kim", "K2"), ("Lee", "L1")):
        hall.candidacy(test, hall.person(name), number=number)
    assert seen_by(session, hall.contributor(test)).names == ["Kim (K1)", "Kim (K2)", "Lee (L1)"]


def test_tests_of_one_title_are_two_and_told_apart_by_their_date(hall: Hall, test: Test, session: Session) -> None:
    earlier = hall.test(test.title, starts_at=test.starts_at - timedelta(days=2))
    for one in (test, earlier):
        hall.candidacy(one, room="Aula")
    shown = seen_by(session, hall.contributor(test, earlier))
    days = [earlier.start_date, test.start_date]
    assert shown.places == [(f"Algebra ({day:%-d %b %Y})", "Aula", 1) for day in days]
    assert shown.tests == [(test.id, "Algebra"), (earlier.id, "Algebra")]


@pytest.mark.one_database
def test_r4_of_too_many_only_the_size_is_told_and_their_parts(
    app: Flask, hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    """Names and rooms of half a million people take seconds, and nothing can be sent to so many anyway."""
    sender = hall.contributor(test)
    hall.candidacies(test, 3, room="Aula")
    hall.candidacies(test, 2, room="Annex")
    shown = seen_by(session, sender, limit=4)
    assert (shown.candidacies, shown.persons, shown.user_ids) == (5, 5, frozenset())
    assert [(label, persons) for _, label, persons in shown.parts] == [("Annex", 2), ("Aula", 3)]
    assert (shown.names, shown.places, shown.tests, shown.overlaps) == ([], [], [], [])
    hall.candidacies(test, 1500)
    text = browser.get("/messages/new?scope=filtered", headers=HTMX).text
    assert "To 1,505 people" in text
    assert "audience-states" not in text
    assert "By test and room" not in text


def test_r27_how_far_they_are_is_told_for_each_person_once(
    app: Flask, hall: Hall, test: Test, session: Session
) -> None:
    """Who sits two tests counts where they write; somebody whose time is up does not write."""
    now = utcnow()
    over = hall.test("Over", starts_at=now - timedelta(hours=4), ends_at=now - timedelta(minutes=1))
    sender = hall.contributor(test, over)
    both, late = hall.person("Ann"), hall.candidacy(over)
    hall.candidacy(test, both, saved_at=now)
    hall.candidacy(over, both, submitted_at=now)
    hall.candidacy(over, hall.person("Bo"), extra_minutes=5, number="A2", seat="24F")
    for _ in range(3):
        hall.candidacy(test, started_at=None, entered_at=None)
    hall.candidacy(test, started_at=None)
    hall.candidacy(test, paused_at=now)
    hall.candidacy(test, submitted_at=now)
    hall.candidacy(test, submitted_at=now, blank=True)
    hall.candidacy(test, withdrawn_at=now)
    for person in (both.id, late.user_id):
        hall.seen(person)
    shown = seen_by(session, sender)
    assert shown.states == [
        ("writing", 1), ("offline", 1), ("paused", 1), ("time_up", 1), ("waiting", 1), ("not_arrived", 3),
        ("submitted", 2), ("withdrawn", 1),
    ]  # fmt: skip
    assert sum(persons for _, persons in shown.states) == shown.persons
    assert (shown.online, shown.offline) == (2, 1)
    text = words_of(signed_in(app, sender).get("/messages/new?scope=filtered", headers=HTMX).text)
    assert "2 see it at once · 1 is offline now show Bo (A2, seat 24F) · 8 will get it when they are back" in text
    assert (
        "1 writing, 1 offline, 1 paused, 1 past their end, 1 waiting to start, 3 not arrived, 2 submitted, 1 withdrawn"
        in text
    )


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("limited", "words"),
    [
        (["Aula", "Aula"], 'You see and reach only your room: <bdi translate="no">Aula</bdi>'),
        (["Aula", None], 'In some of your tests you see and reach only your room: <bdi translate="no">Aula</bdi>'),
        ([None, None], None),
    ],
    ids=["everywhere", "in some", "nowhere"],
)
def test_staff_limited_to_a_room_read_it(
    app: Flask, hall: Hall, test: Test, session: Session, limited: list[str | None], words: str | None
) -> None:
    sender = hall.person()
    for exam, room in zip((test, hall.test("Acoustics")), limited, strict=True):
        hall.contributor(exam, room=room, user=sender)
        hall.candidacy(exam, room="Aula")
    text = signed_in(app, sender).get("/messages/new?scope=filtered", headers=HTMX).text
    assert ("room-limit" in text) is (words is not None)
    assert words is None or words in text


def test_nobody(hall: Hall, test: Test, session: Session) -> None:
    shown = seen_by(session, hall.contributor(test))
    assert (shown.candidacies, shown.persons, shown.user_ids, shown.parts) == (0, 0, frozenset(), [])


def test_recent_sendings_to_these_people_are_told_and_no_others(
    app: Flask, hall: Hall, test: Test, session: Session
) -> None:
    sender = hall.contributor(test)
    inside = [hall.candidacy(test, room="Aula") for _ in range(3)]
    hall.candidacy(test, room="Annex")
    colleague = signed_in(app, hall.contributor(test))
    for room in ("Aula", "Annex"):
        assert post(colleague, open_dialog(colleague, scope="filtered", room=room), subject=room).status_code == 201
    session.rollback()
    shown = seen_by(session, sender, selection=Selection(Filter(), listed=(inside[0].id, inside[2].id)))
    assert [(message.subject, persons) for message, persons in shown.overlaps] == [("Aula", 2)]


@pytest.mark.parametrize("size", [1, 60])
def test_its_people_are_read_by_one_statement(app: Flask, hall: Hall, test: Test, session: Session, size: int) -> None:
    """What the sender may reach, how many, who they are, and what was sent to them lately."""
    sender = hall.contributor(test)
    hall.candidacies(test, size)
    with statements(app) as made:
        assert seen_by(session, sender).persons == size
    assert len([one for one in made if "candidacy" in one]) == 2
    assert len(made) <= 5


def test_people_who_leave_after_they_were_counted_are_nobody(
    hall: Hall, test: Test, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL each statement sees its own moment; on SQLite the count is let go of for this."""
    sender, one = hall.contributor(test), hall.candidacy(test, room="Aula")
    check = preview_module.check_audience

    def check_before_they_leave(*arguments: Any) -> None:
        check(*arguments)
        with writing(session):
            session.get_one(Candidacy, one.id).room = "Annex"

    monkeypatch.setattr(preview_module, "check_audience", check_before_they_leave)
    in_the_aula = Selection(Filter(conditions={"room": ("Aula",)}))
    shown = seen_by(session, sender, selection=in_the_aula)
    assert (shown.persons, shown.user_ids) == (0, frozenset())
