"""POST /messages: subject and body (R7)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.messaging.compose_form import HTMX, open_dialog, post, reopen
from tests.messaging.written import counts
from webapp.models import Message, Test

pytestmark = pytest.mark.one_database


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"subject": "s" * 120, "body": "b" * 4000}, 201),
        ({"subject": "😀" * 120, "body": "é\r\n" * 2000}, 201),
        ({"subject": "s" * 121}, 422),
        ({"body": "b" * 4001}, 422),
        ({"subject": ""}, 422),
        ({"subject": " \t"}, 422),
        ({"body": "\r\n "}, 422),
        ({"subject": "\u200b\u2060"}, 422),
        ({"body": "\u3164\u00a0\n\u200e\ufe0f\u2800"}, 422),
        ({"subject": "two\nlines"}, 422),
        ({"subject": "nul\x00"}, 422),
        ({"body": "nul\x00"}, 422),
        ({"body": "bell\x07"}, 422),
        ({"body": "\ufffd"}, 422),
    ],
)
def test_r7_lengths_and_characters(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, changes: dict[str, str], status: int
) -> None:
    hall.candidacy(test)
    assert post(browser, open_dialog(browser, scope="filtered"), **changes).status_code == status
    assert counts(session)[0] == (1 if status == 201 else 0)


def test_r7_what_was_typed_comes_back_after_a_refusal(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    refused = post(browser, open_dialog(browser, scope="filtered"), subject="", body="<b>typed</b>\nlong")
    assert "&lt;b&gt;typed&lt;/b&gt;\nlong" in refused.text
    assert "Please write a subject." in refused.text


def test_r7_a_lone_surrogate_is_refused_with_a_text(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    fields = "&".join(f"{name}={value}" for name, value in form.items())
    answer = browser.post(
        "/messages",
        data=(fields + "&subject=a&body=%ED%A0%80").encode(),
        headers=HTMX,
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 400
    assert "Nothing was done" in answer.text
    assert counts(session)[0] == 0


def test_r7_every_script_comes_through_whole(hall: Hall, test: Test, browser: FlaskClient, session: Session) -> None:
    one = hall.candidacy(test)
    body = "مرحبا \u200f 你好 👩‍👩‍👧 e\u0301 \u2028 \u202e<script>alert(1)</script>\n\n  indented\t."
    assert post(browser, open_dialog(browser, candidate=one.id), subject="Ж " * 10 + "?", body=body).status_code == 201
    session.rollback()
    assert session.scalars(select(Message)).one().body == body


def test_a_body_of_ten_megabytes_is_refused_with_a_text(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    answer = post(browser, open_dialog(browser, scope="filtered"), body="x" * 10_000_000)
    assert answer.status_code == 413
    assert "Too large" in answer.text


def test_the_dialog_puts_a_tests_name_into_the_subject_on_request(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    answer = reopen(browser, scope="filtered", subject="Late", insert=str(test.id))
    assert 'value="Algebra: Late"' in answer.text


@pytest.mark.parametrize("wrong", ["0", "x", "9" * 30])
def test_a_test_that_is_not_there_cannot_be_named(hall: Hall, test: Test, browser: FlaskClient, wrong: str) -> None:
    hall.candidacy(test)
    assert reopen(browser, scope="filtered", insert=wrong).status_code == 400


def test_a_character_that_cannot_be_sent_is_named_with_its_place(hall: Hall, test: Test, browser: FlaskClient) -> None:
    hall.candidacy(test)
    form = open_dialog(browser, scope="filtered")
    refused = post(browser, form, subject="Sixteen letters \x07", body="a\r\nb\ufffd")
    assert "Character 17 of the subject (U+0007) cannot be sent." in refused.text
    assert "Character 4 of the message (U+FFFD) cannot be sent." in refused.text
