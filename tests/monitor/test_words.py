"""Where nobody has the phrase of a search, all its words are looked for; page, file, dialog, sending and log agree
(R3, R17)."""

from __future__ import annotations

import json
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, fields_of, open_dialog, post
from tests.messaging.written import recipients
from tests.monitor.test_export import table
from tests.monitor.test_page import count_of, got, rows_of
from tests.statements import statements
from webapp.db.transactions import writing
from webapp.models import Candidacy, LogEntry, Role
from webapp.monitor.search_text import refresh_search_text

pytestmark = pytest.mark.one_database

NOBODY = "Nobody has “A115 24F” in one field"
BY_WORDS = "/monitor?q=A115+24F"


class Searched:
    """Three candidates: two in room A115, of whom one has seat 24F; the third has the seat elsewhere."""

    def __init__(self, app: Flask, hall: Hall) -> None:
        self.app, self.hall, self.test = app, hall, hall.test("Algebra")
        place = {"ingeborg": ("Ingeborg Wallin", "Sal A115", "24F"), "bo": ("Bo Sjöberg", "Sal A115", "25F"),
                 "asa": ("A\u030asa Öst", "Sal B1", "24F")}  # fmt: skip
        self.own = {
            key: hall.candidacy(self.test, hall.person(name=name), number=key, room=room, seat=seat)
            for key, (name, room, seat) in place.items()
        }
        self.chief = hall.contributor(self.test, role=Role.CHIEF_INVIGILATOR)
        self.browser = signed_in(app, self.chief)

    def found(self, phrase: str, more: str = "") -> list[str]:
        """Whom the page shows, the file and the dialog the same."""
        page = got(self.browser, f"/monitor?q={phrase}{more}", **HTMX)
        ids = {one.id: key for key, one in self.own.items()}
        shown = sorted(ids[number] for number in rows_of(page))
        assert count_of(page) == len(shown)
        rows = table(got(self.browser, f"/monitor.csv?q={phrase}{more}"))
        assert sorted(row["Candidate ID"] for row in rows) == shown
        dialog = self.browser.get(f"/messages/new?scope=filtered&q={phrase}{more}", headers=HTMX).text
        assert f'data-candidacies="{len(shown)}"' in dialog
        return shown


@pytest.fixture
def searched(app: Flask, hall: Hall) -> Searched:
    return Searched(app, hall)


@pytest.mark.thorough
def test_the_phrase_or_else_all_its_words(searched: Searched) -> None:
    for phrase, keys in {
        "A115 24F": ["ingeborg"],
        "24f  a115": ["ingeborg"],
        "wallin ingeborg": ["ingeborg"],
        "Ingeborg Wallin": ["ingeborg"],
        "sal 24f": ["asa", "ingeborg"],
        "sal a115": ["bo", "ingeborg"],
        "a115 99": [],
        "Sjoberg": ["bo"],
        "SJO\u0308BERG": ["bo"],
        "öst åsa": ["asa"],
        "asa": ["asa"],
        "ost%20asa": ["asa"],
        "% _": [],
        "algebra bo": ["bo", "ingeborg"],
    }.items():
        assert searched.found(phrase) == keys, phrase


def test_the_other_conditions_count_for_the_decision(searched: Searched) -> None:
    """Somebody has “Sal A115”, but not with this seat's test of flags: there its words are looked for."""
    with writing(searched.hall.session):
        other = searched.hall.session.get_one(Candidacy, searched.own["asa"].id)
        other.room, other.group_name, other.flagged = "A115", "Sal", True
        refresh_search_text(searched.hall.session, [other.id])
    assert searched.found("sal a115") == ["bo", "ingeborg"]
    assert searched.found("sal a115", "&flag=yes") == ["asa"]


def test_page_dialog_file_and_log_say_so(searched: Searched, session: Session) -> None:
    page = got(searched.browser, BY_WORDS)
    assert NOBODY in unescape(page)
    assert NOBODY not in unescape(got(searched.browser, "/monitor?q=A115"))
    assert NOBODY not in unescape(got(searched.browser, "/monitor?q=A115+zzz"))
    file = searched.browser.get("/monitor.csv?q=A115+24F").headers["Content-Disposition"]
    assert file.endswith('-all-words.csv"')
    dialog = searched.browser.get("/messages/new?scope=filtered&q=A115+24F", headers=HTMX)
    assert "all words of “A115 24F”, which nobody has in one field" in unescape(dialog.text)
    assert post(searched.browser, fields_of(dialog)).status_code == 201
    assert recipients(session) == {searched.own["ingeborg"].user_id}
    detail = json.loads(session.scalars(select(LogEntry.detail)).one())
    assert detail["audience_words"] == ["Search: all words of “A115 24F”, which nobody has in one field"]
    assert detail["audience"] == {"scope": "filtered", "filter": [["q", "A115 24F"]], "by_words": True}


def somebody_gets_the_phrase(searched: Searched) -> Candidacy:
    return searched.hall.candidacy(searched.test, room="A115 24F", number="late")


def test_r3_the_phrase_that_somebody_has_by_now_refuses_the_sending(searched: Searched, session: Session) -> None:
    form = open_dialog(searched.browser, scope="filtered", q="A115 24F")
    late = somebody_gets_the_phrase(searched)
    refused = post(searched.browser, form)
    assert (refused.status_code, "1 person joined" in refused.text) == (409, True)
    assert recipients(session) == set()
    assert post(searched.browser, fields_of(refused)).status_code == 201
    assert recipients(session) == {late.user_id}
    assert "by_words" not in json.loads(session.scalars(select(LogEntry.detail)).one())["audience"]


def test_r3_a_frozen_audience_is_logged_as_it_was_shown(searched: Searched, session: Session) -> None:
    form = open_dialog(searched.browser, scope="filtered", q="A115 24F")
    second = searched.hall.candidacy(searched.test, room="Sal A115", seat="24F", number="second")
    frozen = fields_of(post(searched.browser, form))
    somebody_gets_the_phrase(searched)
    assert post(searched.browser, frozen).status_code == 201
    assert recipients(session) == {searched.own["ingeborg"].user_id, second.user_id}
    detail = json.loads(session.scalars(select(LogEntry.detail)).one())
    assert detail["audience"]["by_words"] is True
    assert "all words of" in detail["audience_words"][0]


def test_whom_the_list_shows_by_the_phrase_the_dialog_does_not_replace_by_others(
    app: Flask, hall: Hall, searched: Searched
) -> None:
    """The decision is the list's, also where the sender sees more tests than they may send to."""
    elsewhere = hall.test("Botany")
    hall.candidacy(elsewhere, room="A115 24F", number="elsewhere")
    admin = hall.contributor(searched.test, user=hall.person(is_admin=True))
    browser = signed_in(app, admin)
    assert count_of(got(browser, BY_WORDS)) == 1
    dialog = browser.get("/messages/new?scope=filtered&q=A115+24F", headers=HTMX).text
    assert 'data-candidacies="0"' in dialog


def refreshed(app: Flask, browser: FlaskClient, address: str) -> int:
    browser.get(address, headers=HTMX)
    with statements(app) as made:
        browser.get(address, headers=HTMX)
    return len(made)


def test_a_phrase_that_somebody_has_costs_no_further_statement(app: Flask, searched: Searched) -> None:
    """And one that nobody has costs one: the count that found nobody."""
    one_word = refreshed(app, searched.browser, "/monitor?q=wallin")
    assert refreshed(app, searched.browser, "/monitor?q=ingeborg+wallin") == one_word
    assert refreshed(app, searched.browser, "/monitor?q=wallin+ingeborg") == one_word + 1


def test_the_address_and_the_selection_stay_those_of_the_phrase(app: Flask, searched: Searched) -> None:
    """R18: what it means is decided anew by whoever opens it."""
    page = got(searched.browser, BY_WORDS)
    assert "by_words" not in page
    assert 'data-filter="q=A115+24F"' in page
    somebody_gets_the_phrase(searched)
    assert NOBODY not in unescape(got(searched.browser, BY_WORDS))


def test_picked_candidates_are_narrowed_by_the_same_decision(searched: Searched) -> None:
    ids = [one.id for one in searched.own.values()]
    dialog = searched.browser.get("/messages/new", query_string={"candidate": ids, "q": "A115 24F"}, headers=HTMX).text
    assert 'data-candidacies="1"' in dialog
