"""What no browser sends and an attacker does: refused with a text, never a 500, and never half understood."""

from __future__ import annotations

import re
from contextlib import ExitStack
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from webapp.extensions import db
from webapp.models import Candidacy, Message, Test

pytestmark = pytest.mark.one_database


@pytest.fixture
def test(hall: Hall) -> Test:
    return hall.test()


@pytest.fixture
def candidacy(hall: Hall, test: Test) -> Candidacy:
    return hall.candidacy(test)


@pytest.fixture
def invigilator(app: Flask, hall: Hall, test: Test, candidacy: Candidacy) -> FlaskClient:
    return signed_in(app, hall.contributor(test))


@pytest.fixture
def admin(app: Flask, hall: Hall) -> FlaskClient:
    return signed_in(app, hall.person(is_admin=True))


def test_a_number_that_is_no_id_is_refused(invigilator: FlaskClient) -> None:
    token = {"csrf_token": csrf(invigilator)}
    text = {"subject": "s", "body": "b", "idempotency_key": "k"}
    for number in ("0" * 5000, "0" * 20 + "9" * 30, "9" * 5000, str(2**63), "\u0663"):
        assert invigilator.get("/messages/new", query_string={"candidate": number}).status_code == 400, number
        assert invigilator.post("/messages", data={**token, **text, "candidate": number}).status_code == 400, number
        assert invigilator.post("/inbox/close", data={**token, "message": number}).status_code == 400, number


@pytest.mark.one_database("postgresql")
@pytest.mark.parametrize("number", [str(2**31), "9" * 15])
def test_an_id_beyond_the_columns_of_the_database_is_refused(
    invigilator: FlaskClient, admin: FlaskClient, number: str
) -> None:
    """PostgreSQL's integers have four bytes, and a statement with a larger one fails."""
    addresses = [
        f"/messages/new?candidate={number}",
        f"/messages/new?scope=filtered&insert={number}",
        f"/messages/new?scope=filtered&test={number}",
        f"/monitor?test={number}",
    ]
    assert [invigilator.get(address).status_code for address in addresses] == [400] * 4
    assert [admin.get(f"/{page}?test={number}").status_code for page in ("monitor", "monitor.csv")] == [400] * 2
    form = {"csrf_token": csrf(invigilator), "message": number}
    assert invigilator.post("/inbox/close", data=form, headers=HTMX).status_code == 204


def test_more_numbers_than_a_statement_takes_are_refused(invigilator: FlaskClient) -> None:
    form = {"csrf_token": csrf(invigilator), "message": [str(number) for number in range(1, 40_000)]}
    assert invigilator.post("/inbox/close", data=form).status_code == 400


def test_an_address_that_is_none_in_a_header(invigilator: FlaskClient) -> None:
    for address in ("http://[::1", "http://[x]/", "\xff"):
        answer = invigilator.get("/monitor", headers={**HTMX, "HX-Current-URL": address})
        assert answer.status_code == 200, address


def test_what_is_no_text_is_refused_escaped_or_not(
    invigilator: FlaskClient, candidacy: Candidacy, session: Session
) -> None:
    """Parsed, it would be another text."""
    form = f"csrf_token={csrf(invigilator)}&subject=s&idempotency_key=k&candidate={candidacy.id}&body=a".encode()
    session.rollback()
    for sign in (b"%ED%A0%80", b"%ed%a0%ad", b"\xed\xa0\x80", b"%FF", b"\xff"):
        answer = invigilator.post("/messages", data=form + sign, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 400, sign
        session.rollback()
        assert session.scalar(select(func.count()).select_from(Message)) == 0, sign
        query = {"QUERY_STRING": "q=" + sign.decode("latin-1")}
        assert invigilator.get("/monitor", environ_overrides=query).status_code == 400, sign


def test_a_chunked_form_above_the_limit_is_not_read_in_part(
    invigilator: FlaskClient, candidacy: Candidacy, session: Session
) -> None:
    """The part within the limit is a sending of its own: to fewer people, or with half a text (R6)."""
    form = f"csrf_token={csrf(invigilator)}&subject=s&body=b&idempotency_key=k&candidate={candidacy.id}&view=".encode()
    answer = invigilator.post(
        "/messages",
        input_stream=BytesIO(form + b"v" * 2_000_000),
        content_type="application/x-www-form-urlencoded",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Message)) == 0
    assert answer.status_code == 413
    assert "Too large" in answer.text


def test_a_small_chunked_form_is_taken(invigilator: FlaskClient, candidacy: Candidacy) -> None:
    form = f"csrf_token={csrf(invigilator)}&subject=s&body=b&idempotency_key=k&candidate={candidacy.id}"
    answer = invigilator.post(
        "/messages",
        input_stream=BytesIO(form.encode()),
        content_type="application/x-www-form-urlencoded",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 303


def test_a_ping_without_a_session_hears_that_and_not_that_a_token_is_missing(client: FlaskClient) -> None:
    assert client.post("/ping").status_code == 401


def test_r6_the_title_of_a_test_out_of_reach_is_not_told(
    invigilator: FlaskClient, hall: Hall, test: Test, candidacy: Candidacy
) -> None:
    secret = hall.test("Resit that nobody knows of yet")
    asked = {"candidate": candidacy.id}
    answer = invigilator.get("/messages/new", query_string={**asked, "insert": secret.id})
    assert answer.status_code == 400
    assert secret.title not in answer.text
    own = invigilator.get("/messages/new", query_string={**asked, "insert": test.id})
    assert re.search(rf'value="{test.title}: "', own.text)


@pytest.mark.parametrize(("scheme", "kept_to_tls"), [("http", False), ("https", True)])
def test_a_session_that_began_over_tls_never_goes_without(client: FlaskClient, scheme: str, kept_to_tls: bool) -> None:
    cookie = client.get("/login", base_url=f"{scheme}://exam.example").headers["Set-Cookie"]
    assert ("Secure" in cookie.split("; ")) is kept_to_tls
    assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))


def test_no_connection_left_is_a_503_and_not_a_500(
    app: Flask, invigilator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many slow downloads hold as many connections."""
    with app.app_context():
        engine = db.engine
    monkeypatch.setattr(engine.pool, "_timeout", 0.05)
    with ExitStack() as held:
        for _ in range(engine.pool.size() + engine.pool._max_overflow - engine.pool.checkedout()):  # type: ignore[attr-defined]
            held.enter_context(engine.connect())
        answer = invigilator.get("/monitor")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert invigilator.get("/monitor").status_code == 200


def test_a_host_that_cannot_be_is_refused(client: FlaskClient) -> None:
    for path in ("/login", "/healthz", "/nowhere"):
        answer = client.get(path, headers={"Host": "x" * 64 + ".example.org"})
        assert (answer.status_code, answer.headers["X-Examhall"]) == (400, "1"), path
