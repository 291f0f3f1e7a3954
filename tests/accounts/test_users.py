"""Accounts and roles are changed by command, and all of it is in the log (R15)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from argon2 import Type, extract_parameters
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.accounts.sign_in_form import PASSWORD, submit_sign_in
from tests.databases import SECRET_KEY
from tests.efforts import TRUE_EFFORT
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from webapp.accounts.passwords import hash_generated, problem_with, verify
from webapp.accounts.users import set_deactivated, set_password
from webapp.clock import utcnow
from webapp.models import Contribution, EndedSession, LogEntry, LogSubject, Role, Test, User
from webapp.push.events import ALL_SESSIONS


def test_passwords_that_people_choose_are_hashed_at_owasps_effort() -> None:
    parameters = extract_parameters(TRUE_EFFORT.hash(PASSWORD))
    assert (parameters.type, parameters.memory_cost, parameters.time_cost) == (Type.ID, 19 * 1024, 2)


@pytest.fixture
def test(hall: Hall) -> Test:
    return hall.test("Algebra")


@pytest.fixture
def ada(hall: Hall, test: Test) -> User:
    ada = hall.person("Ada Lind", username="ada", password_hash=hash_generated(PASSWORD))
    hall.candidacy(test, ada)
    return ada


def run(app: Flask, *arguments: object, typed: str = "") -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=[str(one) for one in arguments], input=typed)
    return result.exit_code, result.output


def logged(session: Session) -> list[tuple[str, str, str]]:
    session.rollback()
    entries = session.scalars(select(LogEntry).where(LogEntry.action.startswith("account.")).order_by(LogEntry.id))
    return [(entry.action, entry.actor_name, entry.detail) for entry in entries]


@pytest.mark.one_database
def test_set_password_ends_the_sessions_and_unlocks(app: Flask, session: Session, ada: User) -> None:
    browser = signed_in(app, ada)
    for _ in range(11):
        submit_sign_in(app.test_client(), "ada", "a wrong guess")
    code, said = run(app, "set-password", "ADA", "--password-stdin", typed="acorn twist mute\n")
    assert code == 0, said
    assert "acorn" not in said
    assert browser.get("/inbox").status_code == 302
    assert submit_sign_in(app.test_client(), "ada", "acorn twist mute").status_code == 302
    assert logged(session) == [("account.password_set", "command line", '{"username":"ada"}')]
    assert session.scalars(select(LogSubject.user_id)).all() == [ada.id]


@pytest.mark.one_database
def test_set_password_refuses_in_words(app: Flask, session: Session, ada: User) -> None:
    for arguments, typed, words in (
        (("nobody", "--password-stdin"), "acorn twist mute", "Nobody has the username nobody."),
        (("ada", "--password-stdin"), "short", "must have 8 to 1024 characters"),
        (("ada", "--password-stdin"), "password1", "first that are guessed"),
        (("ada",), "acorn twist mute", "--password-stdin"),
    ):
        code, said = run(app, "set-password", *arguments, typed=typed)
        assert code != 0, words
        assert words in said
        session.refresh(ada)
        assert verify(ada.password_hash, PASSWORD), words
        assert logged(session) == [], words


@pytest.mark.one_database
def test_common_passwords_are_refused_everywhere(app: Flask, session: Session) -> None:
    for password in ("password", "12345678", "PASSWORD1", " iloveyou1 ", "qwertyuiop", "ｐａｓｓｗｏｒｄ"):
        assert "guessed" in (problem_with(password) or ""), password
        code, said = run(app, "create-user", "new", "--name", "New", "--password-stdin", typed=password)
        assert code == 1, password
        assert "first that are guessed" in said
        session.rollback()
        assert session.scalars(select(User)).all() == [], password


def test_a_username_is_taken_however_it_is_written(app: Flask, session: Session, ada: User) -> None:
    code, said = run(app, "create-user", " ＡDA ", "--name", "Ada Two", "--password-stdin", typed=PASSWORD)
    assert (code, said) == (1, "Error: The username ＡDA is taken.\n")
    assert len(session.scalars(select(User)).all()) == 1


@pytest.mark.parametrize(
    "password", [PASSWORD, "exam-hall-demo", "replace this one", "k7mq-92xf-tnb4", "acorn-twist-mute-panda"]
)
def test_others_are_taken(password: str) -> None:
    assert problem_with(password) is None


@pytest.mark.one_database
def test_a_deactivated_person_is_signed_out_and_stays_in_the_log(
    app: Flask, session: Session, client: FlaskClient, ada: User
) -> None:
    browser = signed_in(app, ada)
    token = csrf(browser)
    code, said = run(app, "deactivate-user", "ada")
    assert (code, said) == (0, "ada is signed out and cannot sign in now.\n")
    assert browser.get("/inbox").status_code == 302
    assert browser.post("/tests/1/answers/1", data={"text": "x"}, headers={"X-CSRFToken": token}).status_code in {
        400,
        401,
    }
    wrong, right = submit_sign_in(client, "ada", "a wrong guess"), submit_sign_in(client, "ada", PASSWORD)
    assert (wrong.status_code, right.status_code) == (422, 422)
    assert "Wrong username or password" in right.text
    assert run(app, "deactivate-user", "ada")[1] == "ada is signed out and cannot sign in already.\n"
    assert "account is deactivated" in run(app, "set-password", "ada", "--password-stdin", typed=PASSWORD)[1]
    assert run(app, "deactivate-user", "ada", "--undo")[1] == "ada can sign in now.\n"
    assert browser.get("/inbox").status_code == 302
    assert submit_sign_in(app.test_client(), "ada", PASSWORD).status_code == 302
    assert [action for action, _, _ in logged(session)] == [
        "account.deactivated",
        "account.password_set",
        "account.reactivated",
    ]
    assert run(app, "deactivate-user", "nobody")[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        partial(set_password, username="ada", password="acorn twist mute", secret_key=SECRET_KEY),
        partial(set_deactivated, username="ada", deactivated=True),
    ],
    ids=["password", "deactivation"],
)
def test_streams_end_in_every_process(session: Session, ada: User, change: Callable[..., object]) -> None:
    """However long the change has waited for other writers: sweeps look back a few seconds only."""
    begun = utcnow() - timedelta(seconds=9)
    change(session, now=begun)
    [ended] = session.scalars(select(EndedSession).where(EndedSession.user_id == ada.id))
    assert ended.session_id == ALL_SESSIONS
    assert ended.at > begun + timedelta(seconds=8)


def test_a_role_in_a_test_is_given_changed_and_taken(
    app: Flask, session: Session, hall: Hall, test: Test, ada: User
) -> None:
    vera = hall.person("Vera Holm", username="vera")
    where = ("--test", "Algebra", "--date", test.start_date)
    for role, room in (("planner", None), ("invigilator", "Room  1"), ("none", None)):
        for said_twice in ("has the role", "had the role already"):
            code, said = run(app, "set-role", "vera", role, *where, *(("--room", room) if room else ()))
            assert code == 0, said
            assert said_twice in said
        session.rollback()
        held = session.execute(
            select(Contribution.role, Contribution.room).where(Contribution.user_id == vera.id)
        ).all()
        assert held == ([] if role == "none" else [(Role(role), "Room 1" if room else None)])
        found = signed_in(app, hall.contributor(test)).get("/monitor?q=vera+holm")
        assert (f'data-count="{int(role == "planner")}"' in found.text) is True
    details = [detail for _, _, detail in logged(session)]
    assert len(details) == 3
    assert '"before":"planner"' in details[1]
    assert '"after":"invigilator (Room 1)"' in details[1]


def test_a_room_that_nobody_sits_in_is_refused(app: Flask, session: Session, test: Test, ada: User) -> None:
    """Whoever was limited to it would see nobody."""
    where = ("--test", "Algebra", "--date", test.start_date)
    for room in ("room 1", "x" * 300):
        code, said = run(app, "set-role", "ada", "invigilator", *where, "--room", room)
        assert code == 1, room
        assert "case matters" in said, room
        assert logged(session) == [], room


@pytest.mark.one_database
def test_an_administrator_is_made_and_unmade(app: Flask, session: Session, ada: User) -> None:
    browser = signed_in(app, ada)
    assert browser.get("/log").status_code == 403
    assert run(app, "set-role", "ada", "administrator")[0] == 0
    assert browser.get("/log").status_code == 200
    assert run(app, "set-role", "ada", "none")[0] == 0
    assert browser.get("/log").status_code == 403
    assert len(logged(session)) == 2


@pytest.mark.one_database
def test_roles_that_are_none_are_refused(app: Flask, session: Session, ada: User) -> None:
    for arguments in (
        ("ada", "invigilator"),
        ("ada", "king"),
        ("ada", "administrator", "--test", "Algebra", "--date", "2026-11-24"),
        ("ada", "planner", "--test", "Algebra"),
        ("ada", "planner", "--test", "No such test", "--date", "2026-11-24"),
        ("nobody", "administrator"),
    ):
        assert run(app, "set-role", *arguments)[0] != 0, arguments
        assert logged(session) == [], arguments
