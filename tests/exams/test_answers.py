"""Saving answers: what is stored, when it is refused, and that nothing newer is overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.exams.rows import browser_of, person_of, question_of, session_of
from tests.hall import Hall
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.db.types import microseconds
from webapp.exams import answers
from webapp.exams.answers import ChangedElsewhere, UnfitText
from webapp.exams.sittings import NotNow
from webapp.exceptions import NotFound
from webapp.models import Answer, Candidacy
from webapp.models import Test as Exam

FRAGMENT = {"HX-Request": "true"}


@dataclass
class Desk:
    """One candidate in a running test with one question."""

    session: Session
    client: FlaskClient
    test_id: int
    question_id: int
    candidacy_id: int
    user_id: int
    ends_at: datetime

    @property
    def address(self) -> str:
        return f"/tests/{self.test_id}/answers/{self.question_id}"

    def save(self, text: str, now: datetime | None = None, base: int | None = None) -> answers.SavedAnswer:
        where = session_of(self.user_id), self.test_id, self.question_id
        return answers.save(self.session, *where, typed=text, now=now or utcnow(), base=base)

    def stored(self) -> str | None:
        self.session.rollback()
        return self.session.scalar(select(Answer.text).where(Answer.candidacy_id == self.candidacy_id))

    def set(self, **fields: object) -> None:
        with writing(self.session):
            candidacy = self.session.get_one(Candidacy, self.candidacy_id)
            for name, value in fields.items():
                setattr(candidacy, name, value)


@pytest.fixture
def desk(app: Flask, hall: Hall, session: Session) -> Desk:
    test = hall.test()
    test_id, ends_at = test.id, test.ends_at
    question_id = question_of(hall, test_id, "Line one\n  line two")
    candidacy = hall.candidacy(session.get_one(Exam, test_id))
    client = browser_of(app, person_of(hall, candidacy))
    return Desk(session, client, test_id, question_id, candidacy.id, candidacy.user_id, ends_at)


def test_a_save_says_when_and_the_page_has_the_text(desk: Desk) -> None:
    answer = desk.client.post(desk.address, data={"text": "One\r\ntwo"}, headers=FRAGMENT)
    assert answer.status_code == 200
    desk.session.rollback()
    saved_at = desk.session.get_one(Candidacy, desk.candidacy_id).saved_at
    assert saved_at is not None
    assert f'Saved <time datetime="{saved_at.isoformat(timespec="seconds")}"' in answer.text
    assert f'data-version="{microseconds(saved_at)}"' in answer.text
    assert desk.stored() == "One\ntwo"
    assert ">\nOne\ntwo</textarea>" in desk.client.get(f"/tests/{desk.test_id}").text


@pytest.mark.one_database
def test_without_javascript_a_save_leads_back_to_the_question(desk: Desk) -> None:
    answer = desk.client.post(desk.address, data={"text": "One"})
    assert (answer.status_code, answer.location) == (303, f"/tests/{desk.test_id}#question-{desk.question_id}")


def test_leading_line_breaks_and_every_script_come_back_whole(desk: Desk) -> None:
    """An HTML parser eats the first line break in a textarea: the page gives it one to eat."""
    text = "\n\nشرح 説明 👩🏽‍🚀 </textarea><script>x</script>\n"
    desk.save(text)
    page = desk.client.get(f"/tests/{desk.test_id}").text
    assert ">\n\n\nشرح 説明 👩🏽‍🚀 &lt;/textarea&gt;&lt;script&gt;x&lt;/script&gt;\n</textarea>" in page
    assert "Line one\n  line two</div>" in page


def test_the_limit_is_in_code_points_after_crlf_became_lf(desk: Desk) -> None:
    longest = "\r\n" + "😀" * (answers.MAX_CHARACTERS - 1)
    assert desk.client.post(desk.address, data={"text": longest}, content_type="multipart/form-data").status_code == 303
    assert len(desk.stored() or "") == answers.MAX_CHARACTERS
    with pytest.raises(UnfitText):
        desk.save("x" * (answers.MAX_CHARACTERS + 1))


@pytest.mark.one_database
@pytest.mark.parametrize(("text", "words"), [("x" * 100_001, "100,001"), ("a\0b", "NUL")], ids=["long", "NUL"])
def test_unfit_texts_are_refused_in_words_and_kept_on_the_page(desk: Desk, text: str, words: str) -> None:
    desk.save("before")
    page = desk.client.post(desk.address, data={"text": text})
    assert page.status_code == 422
    assert words in page.text
    assert text[:100] in page.text
    fragment = desk.client.post(desk.address, data={"text": text}, headers=FRAGMENT)
    assert (fragment.status_code, "<html" in fragment.text) == (422, False)
    assert desk.stored() == "before"


@pytest.mark.one_database
def test_half_a_surrogate_pair_is_no_500(desk: Desk) -> None:
    body = b"text=a%ED%A0%80b"
    answer = desk.client.post(desk.address, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
    assert desk.stored() is None


@pytest.mark.one_database
def test_a_form_without_text_is_400(desk: Desk) -> None:
    assert desk.client.post(desk.address, data={}).status_code == 400
    assert desk.client.post(desk.address, data={"text": "x", "base": "-1"}).status_code == 400
    assert desk.client.post(desk.address, data={"text": "x", "base": "9" * 30}).status_code == 400
    assert desk.stored() is None


def test_the_newest_text_wins_and_the_same_text_again_changes_nothing(desk: Desk) -> None:
    first = desk.save("one")
    again = desk.save("one", base=0)
    assert again == first, "a lost response, posted again"
    second = desk.save("two", base=first.version)
    assert second.version > first.version
    assert desk.stored() == "two"


def test_a_stale_tab_does_not_overwrite(desk: Desk) -> None:
    first = desk.save("one")
    desk.save("two", base=first.version)
    with pytest.raises(ChangedElsewhere) as refusal:
        desk.save("stale", base=first.version)
    assert refusal.value.stored.text == "two"
    assert desk.stored() == "two"


@pytest.mark.one_database
def test_a_stale_tab_is_shown_both_texts(desk: Desk) -> None:
    desk.save("theirs")
    data = {"text": "mine", "base": "0"}
    fragment = desk.client.post(desk.address, data=data, headers=FRAGMENT)
    assert fragment.status_code == 409
    assert 'data-answer-state="changed"' in fragment.text
    assert "theirs" in fragment.text
    page = desk.client.post(desk.address, data=data)
    assert page.status_code == 409
    assert "mine</textarea>" in page.text
    assert "theirs</textarea>" in page.text


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"submitted_at": utcnow()}, "submitted"),
        ({"paused_at": utcnow()}, "paused"),
        ({"withdrawn_at": utcnow()}, "withdrawn"),
        ({"started_at": None}, "not started"),
    ],
)
def test_a_save_is_refused_in_words_and_the_text_comes_back(desk: Desk, fields: dict[str, object], words: str) -> None:
    desk.set(**fields)
    page = desk.client.post(desk.address, data={"text": "my whole answer"})
    assert page.status_code == 409
    assert words in page.text
    assert "my whole answer</textarea>" in page.text
    assert desk.client.post(desk.address, data={"text": "x"}, headers=FRAGMENT).status_code == 409
    assert desk.stored() is None


def test_a_closed_test_takes_no_answers(desk: Desk) -> None:
    with writing(desk.session):
        desk.session.get_one(Exam, desk.test_id).closed_at = utcnow()
    with pytest.raises(NotNow):
        desk.save("late")


def test_answers_are_on_their_way_for_15_seconds_after_the_own_end(desk: Desk) -> None:
    """R25."""
    desk.set(extra_minutes=10, incident_minutes=5)
    own_end = desk.ends_at + timedelta(minutes=15)
    desk.save("in time", now=own_end + timedelta(seconds=15))
    with pytest.raises(NotNow):
        desk.save("too late", now=own_end + timedelta(seconds=15, microseconds=1))
    assert desk.stored() == "in time"


@pytest.mark.one_database
def test_a_page_of_somebody_else_does_not_write_here(desk: Desk) -> None:
    """Trap 11: the next person at the computer signed in while the last one's page was open."""
    data = {"text": "the last one's", "person": str(desk.user_id + 1)}
    answer = desk.client.post(desk.address, data=data, headers=FRAGMENT)
    assert answer.status_code == 409
    assert 'data-reason="somebody_else"' in answer.text
    assert desk.stored() is None


@pytest.mark.one_database
def test_nobody_writes_into_anothers_test(app: Flask, hall: Hall, desk: Desk) -> None:
    """R13, and questions of other tests."""
    other = hall.candidacy(hall.test("Other"))
    other_test = other.test_id
    stranger = browser_of(app, person_of(hall, other))
    assert stranger.post(desk.address, data={"text": "x"}).status_code == 404
    staff = browser_of(app, hall.contributor(desk.session.get_one(Exam, desk.test_id)))
    assert staff.post(desk.address, data={"text": "x"}).status_code == 404
    assert stranger.post(f"/tests/{other_test}/answers/{desk.question_id}", data={"text": "x"}).status_code == 404
    assert browser_of(app).post(desk.address, data={"text": "kept text"}).status_code == 401
    assert desk.client.get(desk.address).status_code == 405
    assert desk.stored() is None


def test_an_unknown_question_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        answers.save(desk.session, session_of(desk.user_id), desk.test_id, 2_000_000, typed="x", now=utcnow())
    address = f"/tests/{desk.test_id}/answers/99999999999999999999"
    assert desk.client.post(address, data={"text": "x"}).status_code == 404


@pytest.mark.one_database
def test_another_tab_learns_the_answers_as_a_fragment(desk: Desk) -> None:
    saved = desk.save("from the other tab")
    answer = desk.client.get(f"/tests/{desk.test_id}", headers=FRAGMENT)
    assert "<html" not in answer.text
    assert f'name="base" value="{saved.version}"' in answer.text
    assert "HX-Request" in answer.headers["Vary"]


@pytest.mark.one_database
def test_a_paused_or_finished_test_shows_what_was_written_but_takes_nothing(desk: Desk) -> None:
    desk.save("so far")
    desk.set(paused_at=utcnow())
    page = desk.client.get(f"/tests/{desk.test_id}").text
    assert "so far" in page
    assert "readonly" in page
    assert 'name="text" data-answer-text' not in page


@pytest.mark.one_database
def test_a_session_that_ended_is_401_with_the_text_kept(app: Flask, desk: Desk) -> None:
    page = browser_of(app).post(desk.address, data={"text": "kept text"})
    assert page.status_code == 401
    assert "kept text" in page.text
    fragment = browser_of(app).post(desk.address, data={"text": "kept text"}, headers=FRAGMENT)
    assert fragment.status_code == 401
    assert "X-CSRF-Token" not in fragment.headers, "a token would begin a session beside the one of the sign-in page"
