"""A form's token holds for the filter or list that it was made for (R3), so the log never says another one's words."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tests.hall import Hall
from tests.messaging.compose_form import fields_of, open_dialog, post
from tests.messaging.written import counts, recipients
from webapp.db.transactions import writing
from webapp.messaging.audience import Selection, Tokens
from webapp.models import Candidacy, LogEntry, Test, User
from webapp.monitor.filters import Filter


@pytest.fixture
def frozen(hall: Hall, test: Test, browser: FlaskClient) -> MultiDict[str, str]:
    """A form for Hall A that was refused once: one candidate and one who joined."""
    hall.candidacy(test, room="Hall A")
    form = open_dialog(browser, scope="filtered", room="Hall A")
    hall.candidacy(test, room="Hall A")
    return fields_of(post(browser, form))


@pytest.mark.thorough
@pytest.mark.one_database
@pytest.mark.parametrize("kind", ["seen", "frozen"])
@pytest.mark.parametrize(
    "other",
    [
        {"room": "Hall B"},
        {"room": ["Hall A", "Hall B"]},
        {"room": []},
        {"room": "Hall A", "q": "person"},
        {"room": "Hall A", "test": "1"},
        {"room": [], "scope": "listed", "candidate": "1"},
        {"room": [], "scope": [], "candidate": ["1", "2"]},
        {"scope": [], "candidate": "1"},
    ],
    ids=str,
)
def test_r3_a_token_is_worth_nothing_for_another_filter_or_list(
    hall: Hall, test: Test, browser: FlaskClient, session: Session, frozen: MultiDict[str, str], kind: str, other: Any
) -> None:
    """The log's words are those of the selection that was shown, or nothing is sent."""
    hall.candidacy(test, room="Hall B")
    form = frozen if kind == "frozen" else open_dialog(browser, scope="filtered", room="Hall A")
    refused = post(browser, form, subject="Kept <subject>", **other)
    assert refused.status_code == 409
    assert "Kept &lt;subject&gt;" in refused.text
    assert counts(session) == (0, 0, 0, 0)
    sent = post(browser, fields_of(refused))
    assert sent.status_code == 201


def test_r6_a_frozen_form_does_not_hide_values_that_nobody_has(
    browser: FlaskClient, session: Session, frozen: MultiDict[str, str]
) -> None:
    assert post(browser, frozen, room="Hall Z").status_code == 400
    assert post(browser, frozen, room=["Hall A", "Hall Z"]).status_code == 400
    assert post(browser, frozen, test="999999").status_code == 400
    assert counts(session) == (0, 0, 0, 0)


def test_r3_a_frozen_audience_is_sent_to_in_its_own_words_even_if_all_have_left_its_room(
    browser: FlaskClient, session: Session, frozen: MultiDict[str, str]
) -> None:
    with writing(session):
        for one in session.scalars(select(Candidacy)):
            one.room = "Hall B"
    assert post(browser, frozen).status_code == 201
    detail = json.loads(session.scalars(select(LogEntry.detail)).one())
    assert detail["audience"] == {"scope": "filtered", "filter": [["room", "Hall A"]], "frozen": True}
    assert detail["audience_words"] == ["Room: Hall A"]


def test_the_log_names_the_filter_that_narrowed_picked_candidates(
    hall: Hall, test: Test, browser: FlaskClient, session: Session
) -> None:
    aula, annex = hall.candidacy(test, room="Aula"), hall.candidacy(test, room="Annex")
    form = open_dialog(browser, candidate=[aula.id, annex.id])
    assert post(browser, form, room="Annex").status_code == 201
    assert recipients(session) == {annex.user_id}
    detail = json.loads(session.scalars(select(LogEntry.detail)).one())
    assert detail["audience"]["filter"] == [["room", "Annex"]]
    assert detail["audience_words"] == []


def test_r3_a_token_of_another_format_is_no_token(sender: User) -> None:
    """A form that is open during an upgrade: its token named persons as `seen`, which must not be taken for frozen."""
    selection = Selection(Filter(), None)
    ids = zlib.compress(b"1").hex()
    token = URLSafeSerializer("secret", salt=f"audience-{sender.id}").dumps(["seen", selection.key, ids, False])
    assert Tokens("secret", sender.id).read(str(token), selection) is None
