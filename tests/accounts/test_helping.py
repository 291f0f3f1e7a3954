"""A candidate who cannot sign in is helped from the monitor: by those in charge of the test, and by nobody else."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Executable, delete, event, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.accounts.sign_in_form import PASSWORD, submit_sign_in
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HIDDEN, csrf
from tests.nightly import at_night
from webapp.accounts.passwords import WORDS, hash_generated, matches
from webapp.clock import utcnow
from webapp.db.transactions import WRITE, writing
from webapp.extensions import db
from webapp.models import Candidacy, Contribution, LogEntry, LogSubject, Role, SignInBudget, Test, User

HTMX = {"HX-Request": "true"}


@pytest.fixture
def test(hall: Hall) -> Test:
    return hall.test("Algebra")


@pytest.fixture
def ada(hall: Hall, test: Test) -> Candidacy:
    ada = hall.person("Ada Lind", username="ada", password_hash=hash_generated(PASSWORD))
    return hall.candidacy(test, ada, room="Room 1", seat="1A")


@pytest.fixture
def chief(app: Flask, hall: Hall, test: Test) -> FlaskClient:
    return signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR, user=hall.person("Vera Holm")))


def address(candidacy: Candidacy, kind: str = "password") -> str:
    return f"/monitor/candidates/{candidacy.id}/{kind}"


def form_in(answer: TestResponse) -> dict[str, str]:
    """The hidden fields of the question."""
    assert answer.status_code == 200, answer.text
    return dict(HIDDEN.findall(answer.text[answer.text.index("data-dialog-title") :]))


def password_in(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.text
    found = re.search(r"data-once>([^<]+)<", answer.text)
    assert found
    return found[1]


def entries(session: Session) -> list[LogEntry]:
    session.rollback()
    return list(session.scalars(select(LogEntry).where(LogEntry.action.startswith("account.")).order_by(LogEntry.id)))


def stored(session: Session, candidacy: Candidacy) -> str:
    """The hash of the candidate's password."""
    session.rollback()
    return session.get_one(User, candidacy.user_id).password_hash or ""


def make(browser: FlaskClient, candidacy: Candidacy) -> TestResponse:
    return browser.post(address(candidacy), data=form_in(browser.get(address(candidacy))))


@pytest.mark.one_database
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_a_new_password_signs_in_and_ends_the_old_sessions(
    app: Flask, session: Session, chief: FlaskClient, ada: Candidacy, headers: dict[str, str]
) -> None:
    browser = app.test_client()
    assert submit_sign_in(browser, "ada", PASSWORD).status_code == 302
    question = chief.get(address(ada), headers=headers)
    for told in ("Ada Lind", ada.number, "Room 1", "1A", "Algebra"):
        assert told in question.text
    answer = chief.post(address(ada), data=form_in(question), headers=headers)
    password = password_in(answer)
    assert len(password.split("-")) == 4
    assert set(password.split("-")) <= set(WORDS)
    assert answer.headers["Cache-Control"] == "no-store"
    assert browser.get("/inbox").status_code == 302
    assert submit_sign_in(app.test_client(), "ada", PASSWORD).status_code == 422
    assert submit_sign_in(app.test_client(), "ada", password).status_code == 302


@pytest.mark.one_database
def test_r15_it_is_logged_without_the_password(session: Session, chief: FlaskClient, ada: Candidacy) -> None:
    password = password_in(make(chief, ada))
    [entry] = entries(session)
    done = ("account.password_set", "Vera Holm", "chief_invigilator")
    assert (entry.action, entry.actor_name, entry.actor_role) == done
    assert entry.detail == '{"username":"ada"}'
    assert session.scalars(select(LogSubject.candidacy_id).where(LogSubject.entry_id == entry.id)).all() == [ada.id]
    shown = chief.get(f"/log/{entry.id}").text
    assert "New password" in shown
    assert password not in shown


def test_a_double_press_makes_one_password(session: Session, chief: FlaskClient, ada: Candidacy) -> None:
    form = form_in(chief.get(address(ada)))
    first, second = (password_in(chief.post(address(ada), data=form)) for _ in range(2))
    assert first == second
    assert len(entries(session)) == 1
    assert matches(stored(session, ada), first)


@pytest.mark.one_database
def test_an_old_form_does_not_bring_an_old_password_back(session: Session, chief: FlaskClient, ada: Candidacy) -> None:
    old = form_in(chief.get(address(ada)))
    chief.post(address(ada), data=old)
    now = password_in(make(chief, ada))
    answer = chief.post(address(ada), data=old)
    assert answer.status_code == 409
    assert "was changed a moment ago" in answer.text
    assert matches(stored(session, ada), now)
    another = {**form_in(chief.get(address(ada))), "idempotency_key": "another form"}
    assert password_in(chief.post(address(ada), data=another)) != now


@pytest.mark.one_database
def test_a_key_makes_one_password_of_one_helper_for_one_candidate(
    app: Flask, hall: Hall, test: Test, chief: FlaskClient, ada: Candidacy
) -> None:
    """Whoever learns or repeats the key of a form gets nothing by it."""
    bo, key = hall.candidacy(test), {"idempotency_key": "one key"}
    form = {**form_in(chief.get(address(ada))), **key}
    first = password_in(chief.post(address(ada), data=form))
    colleague = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    answer = colleague.post(address(ada), data={**form, "csrf_token": csrf(colleague), "person": ""})
    assert answer.status_code == 409
    assert first not in answer.text
    for candidacy in (bo, ada):
        assert (
            password_in(chief.post(address(candidacy), data={**form_in(chief.get(address(candidacy))), **key})) != first
        )


@pytest.mark.one_database
def test_a_form_that_is_none_is_refused(chief: FlaskClient, ada: Candidacy) -> None:
    form = form_in(chief.get(address(ada)))
    for change in ({"idempotency_key": ""}, {"idempotency_key": "x" * 101}, {"epoch": "-1"}, {"epoch": "x"}):
        assert chief.post(address(ada), data={**form, **change}).status_code == 400, change


def test_unlocking_gives_all_tries_back(
    app: Flask, session: Session, hall: Hall, chief: FlaskClient, ada: Candidacy
) -> None:
    for _ in range(11):
        status = submit_sign_in(app.test_client(), "ada", "a wrong guess").status_code
    assert status == 429
    form = form_in(chief.get(address(ada, "unlock")))
    for _ in range(2):
        assert "can try again now" in chief.post(address(ada, "unlock"), data=form).text
    session.rollback()
    assert session.scalars(select(SignInBudget)).all() == []
    assert submit_sign_in(app.test_client(), "ada", PASSWORD).status_code == 302
    assert [entry.action for entry in entries(session)] == ["account.unlocked"]


@pytest.mark.one_database
def test_a_new_password_unlocks_too(app: Flask, chief: FlaskClient, ada: Candidacy) -> None:
    for _ in range(11):
        submit_sign_in(app.test_client(), "ada", "a wrong guess")
    assert submit_sign_in(app.test_client(), "ada", password_in(make(chief, ada))).status_code == 302


@pytest.mark.one_database("postgresql")
@pytest.mark.parametrize("kind", ["password", *at_night("unlock")])
def test_who_may_help(app: Flask, hall: Hall, session: Session, test: Test, ada: Candidacy, kind: str) -> None:
    """R6: rights of the moment, by role, test, room and window."""
    law = hall.test("Law")
    far = hall.test("Far", starts_at=utcnow() + timedelta(hours=2), ends_at=utcnow() + timedelta(hours=4))
    later = hall.candidacy(far)
    expected = [
        (hall.contributor(test), ada, 403),
        (hall.contributor(test, role=Role.CHIEF_INVIGILATOR), ada, 200),
        (hall.contributor(test, role=Role.CHIEF_INVIGILATOR, room="Room 1"), ada, 200),
        (hall.contributor(test, role=Role.CHIEF_INVIGILATOR, room="Room 2"), ada, 404),
        (hall.contributor(test, role=Role.PLANNER), ada, 200),
        (hall.contributor(law, role=Role.PLANNER), ada, 404),
        (hall.contributor(law, far, role=Role.CHIEF_INVIGILATOR), later, 404),
        (hall.contributor(far, role=Role.PLANNER), later, 200),
        (hall.person(is_admin=True), ada, 403),
        (session.get_one(User, ada.user_id), ada, 403),
        (hall.person(), ada, 403),
    ]
    for user, candidacy, status in expected:
        browser = signed_in(app, user)
        assert browser.get(address(candidacy, kind)).status_code == status
        epoch = session.get_one(User, candidacy.user_id).epoch
        form = {"csrf_token": csrf(browser), "idempotency_key": f"key {user.id}", "epoch": str(epoch)}
        assert browser.post(address(candidacy, kind), data=form).status_code == status
        session.rollback()
    chief = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    assert chief.get("/monitor/candidates/99999/password").status_code == 404


@pytest.mark.parametrize(
    "change", [delete(Contribution), update(Test).values(closed_at=utcnow())], ids=["role taken", "test closed"]
)
def test_r6_a_right_that_ends_while_the_password_is_hashed_counts_no_more(
    app: Flask, session: Session, chief: FlaskClient, ada: Candidacy, change: Executable
) -> None:
    form = form_in(chief.get(address(ada)))
    rollbacks = []

    def end_right(_session: Session, _transaction: object) -> None:
        rollbacks.append(1)
        if len(rollbacks) == 1:  # the one that gives the connection back before the hash
            writing = {WRITE: time.monotonic() + 5}
            with db.engine.connect().execution_options(**writing) as connection, connection.begin():
                connection.execute(change)

    event.listen(db.session, "after_soft_rollback", end_right)
    try:
        answer = chief.post(address(ada), data=form)
    finally:
        event.remove(db.session, "after_soft_rollback", end_right)
    assert rollbacks
    assert answer.status_code == 403
    assert matches(stored(session, ada), PASSWORD)
    assert entries(session) == []


@pytest.mark.one_database
@pytest.mark.parametrize("role", [Role.INVIGILATOR, None, *at_night(Role.CHIEF_INVIGILATOR, Role.PLANNER)], ids=str)
def test_no_way_into_an_account_that_opens_more(
    app: Flask, hall: Hall, session: Session, test: Test, chief: FlaskClient, ada: Candidacy, role: Role | None
) -> None:
    """A candidate who is staff in any test, or runs the installation (None)."""
    user = session.get_one(User, ada.user_id)
    form = form_in(chief.get(address(ada)))
    if role is None:
        with writing(session):
            user.is_admin = True
    else:
        hall.contributor(hall.test("Law"), role=role, user=user)
    for answer in (chief.get(address(ada)), chief.post(address(ada), data=form)):
        assert answer.status_code == 403
        assert "operator of the server" in answer.text
    assert matches(stored(session, ada), PASSWORD)
    assert chief.get(address(ada, "unlock")).status_code == 200


@pytest.mark.one_database
@pytest.mark.parametrize("kind", ["password", "unlock"])
def test_nothing_is_promised_for_an_account_that_is_out_of_use(
    session: Session, chief: FlaskClient, ada: Candidacy, kind: str
) -> None:
    form = form_in(chief.get(address(ada, kind)))
    with writing(session):
        session.get_one(User, ada.user_id).deactivated_at = utcnow()
    for answer in (chief.get(address(ada, kind)), chief.post(address(ada, kind), data=form)):
        assert answer.status_code == 403
        assert "is deactivated" in answer.text
    assert matches(stored(session, ada), PASSWORD)
    assert entries(session) == []


@pytest.mark.one_database
def test_who_also_sits_a_test_of_others_is_helped_by_who_is_in_charge_of_all(
    app: Flask, hall: Hall, session: Session, test: Test, chief: FlaskClient, ada: Candidacy
) -> None:
    """Also of one that is still ahead; not of one that is closed."""
    law = hall.test("Law", starts_at=utcnow() + timedelta(days=2), ends_at=utcnow() + timedelta(days=2, hours=1))
    hall.candidacy(law, session.get_one(User, ada.user_id))
    assert "not in charge of" in chief.get(address(ada)).text
    of_both = hall.contributor(test, law, role=Role.CHIEF_INVIGILATOR)
    password_in(make(signed_in(app, of_both), ada))
    with writing(session):
        law.closed_at = utcnow()
    password_in(make(chief, ada))


@pytest.mark.one_database
def test_the_rows_menu_offers_it_to_those_who_may(app: Flask, hall: Hall, test: Test, ada: Candidacy) -> None:
    """Row by row: somebody may in one test and not in another."""
    law = hall.test("Law")
    bo = hall.candidacy(law)
    user = hall.contributor(test, role=Role.CHIEF_INVIGILATOR)
    hall.contributor(law, user=user)
    page = signed_in(app, user).get("/monitor").text
    for candidacy, rights in ((ada, ""), (bo, ' data-may="send"')):
        row = re.search(rf'<tr data-candidacy="{candidacy.id}".*?</tr>', page, re.DOTALL)
        assert row
        assert f'popovertarget="row-menu"{rights} aria-label' in row[0]
    for action in ("new_password", "unlock"):
        assert f"action={action}" in page
        assert f"action={action}" not in signed_in(app, hall.contributor(test)).get("/monitor").text
