"""Appending: numbers without gaps, one chain, subjects as they were (R1, R5, R14)."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.logbook.entries import NOW, SENDER, write
from webapp.db.transactions import writing
from webapp.logbook.append import Actor, append, lock_head, write_subjects
from webapp.models import Candidacy, LogEntry, LogHead, LogSubject


def test_numbers_follow_one_another_and_each_entry_carries_the_hash_before(session: Session) -> None:
    """R14: one chain."""
    first, second = write(session), write(session)
    head = session.scalars(select(LogHead)).one()
    assert (first.id, first.previous_hash, second.id) == (1, "", 2)
    assert second.previous_hash == first.hash
    assert (head.number, head.hash) == (2, second.hash)
    assert first.hash != second.hash
    assert len(second.hash) == 64


def test_every_matching_candidacy_is_kept_as_it_was(session: Session, hall: Hall) -> None:
    """R5, R14: all candidacies of one person; later changes of name or room do not reach the log."""
    algebra, latin = hall.test("Algebra"), hall.test("Latin")
    anna = hall.person("Anna 安娜")
    mine = [hall.candidacy(algebra, anna, room="Aula"), hall.candidacy(latin, anna)]
    hall.candidacy(latin)
    entry = write(session, select(Candidacy.id).where(Candidacy.user_id == anna.id))
    with writing(session):
        session.merge(anna).name = "Someone else"
    kept = session.scalars(select(LogSubject).order_by(LogSubject.candidacy_id)).all()
    assert [(s.entry_id, s.candidacy_id, s.name) for s in kept] == [(entry.id, one.id, "Anna 安娜") for one in mine]
    assert (kept[0].test_title, kept[0].room, kept[0].number) == ("Algebra", "Aula", mine[0].number)


def test_subjects_come_back_in_order_of_candidacy(session: Session, hall: Hall) -> None:
    """The hash must not depend on the order in which a database happens to return rows."""
    test = hall.test()
    ids = [one.id for one in hall.candidacies(test, 20)]
    with writing(session):
        head = lock_head(session)
        query = select(Candidacy.id).join(Candidacy.test).join(Candidacy.user).order_by(Candidacy.id.desc())
        subjects = write_subjects(session, head, query)
        append(session, head, at=NOW, actor=SENDER, action="x", detail={}, subjects=subjects)
    assert [subject.candidacy_id for subject in subjects] == ids


@pytest.mark.parametrize(
    "change",
    [
        {"at": NOW.replace(microsecond=123457)},
        {"actor": Actor(8, SENDER.name, SENDER.role)},
        {"actor": Actor(None, SENDER.name, SENDER.role)},
        {"actor": Actor(7, "Ingrid", SENDER.role)},
        {"actor": Actor(7, SENDER.name, "planner")},
        {"actor": Actor(7, SENDER.name + "chief", "_invigilator")},
        {"action": "message.sen"},
        {"detail": {"subject": "Hi "}},
    ],
)
def test_the_hash_covers_every_field(session: Session, change: dict[str, object]) -> None:
    """R14: whatever differs, the hash differs (also where text moves from one field to the next)."""
    hashes = []
    for changes in ({}, change):
        try:
            with writing(session):
                head = lock_head(session)
                given = {"at": NOW, "actor": SENDER, "action": "message.sent", "detail": {"subject": "Hi"}}
                hashes.append(append(session, head, **{**given, **changes}).hash)
                raise LookupError  # give the number back: both are entry 1
        except LookupError:
            continue
    assert hashes[0] != hashes[1]


def test_a_failed_transaction_leaves_no_trace_and_no_gap(session: Session, hall: Hall) -> None:
    """R1: all or nothing."""
    hall.candidacy(hall.test())

    def interrupted() -> None:
        with writing(session):
            head = lock_head(session)
            subjects = write_subjects(session, head, select(Candidacy.id).join(Candidacy.test).join(Candidacy.user))
            append(session, head, at=NOW, actor=SENDER, action="x", detail={}, subjects=subjects)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert session.scalar(select(func.count()).select_from(LogEntry)) == 0
    assert session.scalar(select(func.count()).select_from(LogSubject)) == 0
    assert write(session).id == 1


def test_subjects_that_were_not_written_are_refused(session: Session, hall: Hall) -> None:
    """A hash over other subjects than the stored ones could never be verified."""
    hall.candidacy(hall.test())

    def forgotten() -> None:
        with writing(session):
            head = lock_head(session)
            write_subjects(session, head, select(Candidacy.id).join(Candidacy.test).join(Candidacy.user))
            append(session, head, at=NOW, actor=SENDER, action="x", detail={})

    with pytest.raises(ValueError, match="1 subjects are written, 0 were given"):
        forgotten()


@pytest.mark.parametrize("text", ["née Ωmega 🎓 עברית", "NUL \x00 inside", "a\nb\r\n"])
def test_any_text_comes_back_whole(session: Session, text: str) -> None:
    """What a stranger typed into a sign-in form must not stop the log."""
    entry = write(session, detail={"username": text})
    session.expire_all()
    stored = session.get_one(LogEntry, entry.id).detail
    assert json.loads(stored) == {"username": text}


def test_half_a_surrogate_pair_does_not_stop_the_log(session: Session) -> None:
    """No database takes it, and no page could show it."""
    assert json.loads(write(session, detail={"username": "half \udc80"}).detail) == {"username": "half ?"}


@pytest.mark.thorough
def test_one_statement_writes_the_subjects_of_a_full_hall(session: Session, hall: Hall) -> None:
    """R5 for 1,500: no row by row."""
    hall.candidacies(hall.test(), 1500)
    statements: list[str] = []
    engine = session.get_bind()
    with writing(session):
        head = lock_head(session)
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        subjects = write_subjects(session, head, select(Candidacy.id).join(Candidacy.test).join(Candidacy.user))
        assert len(statements) == 1
        append(session, head, at=NOW, actor=SENDER, action="x", detail={}, subjects=subjects)
    assert len(subjects) == 1500
