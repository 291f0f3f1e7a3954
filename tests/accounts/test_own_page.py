"""R13: a page is its person's. What comes from it is refused once another person has signed in in the same browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf, open_dialog, post
from tests.test_routes import FORMS, TABLE
from webapp.config import ROOT
from webapp.models import Message, Question, User

pytestmark = pytest.mark.one_database

HEADER = "X-Examhall-Person"
POSTS = [path for method, path in TABLE if method == "POST" and path != "/login"]
FRAGMENTS = [path for method, path in TABLE if method == "GET" and not path.startswith(("/static", "/login"))]


@pytest.fixture
def people(hall: Hall, session: Session) -> tuple[User, User]:
    """Two who work in the same test, which they sit besides: each address is theirs."""
    test = hall.test()
    hall._keep(Question(test_id=test.id, position=1, prompt="Why?"))
    ada, bo = hall.contributor(test, user=hall.person("Ada Lind")), hall.contributor(test, user=hall.person("Bo Ek"))
    for user in (ada, bo):
        hall.candidacy(test, user)
    return ada, bo


@pytest.fixture
def bos(app: Flask, people: tuple[User, User]) -> FlaskClient:
    """The browser, in which Bo has signed in by now."""
    return signed_in(app, people[1])


@pytest.mark.thorough
def test_a_post_of_another_persons_page_is_refused(app: Flask, people: tuple[User, User]) -> None:
    """Also with the page's token renewed; and the words say who is signed in now."""
    ada, bo = (str(person.id) for person in people)
    for path in POSTS:
        bos = signed_in(app, people[1])  # signing out is one of the addresses
        form = {**FORMS.get(path, {}), "csrf_token": csrf(bos)}
        for field, header in (({"person": ada}, {}), ({}, {HEADER: ada})):
            answer = bos.post(path, data={**form, **field}, headers=header)
            assert (answer.status_code, answer.headers["X-Examhall-Refusal"]) == (409, "another_person"), path
            assert "Bo Ek" in answer.text, path
        answer = bos.post(path, data={**form, "person": bo}, headers={HEADER: bo})
        assert answer.headers.get("X-Examhall-Refusal") != "another_person", path


def test_a_fragment_for_another_persons_page_is_refused(bos: FlaskClient, people: tuple[User, User]) -> None:
    """A page of one person never shows another's list."""
    for path in FRAGMENTS:
        answer = bos.get(path, headers={"HX-Request": "true", HEADER: str(people[0].id)})
        assert (answer.status_code, answer.headers["X-Examhall-Refusal"]) == (409, "another_person"), path
        assert "data-candidacy" not in answer.text, path


def test_nothing_is_sent_and_what_was_typed_is_shown(
    app: Flask, session: Session, bos: FlaskClient, people: tuple[User, User]
) -> None:
    form = open_dialog(signed_in(app, people[0]), scope="filtered")
    form["csrf_token"] = csrf(bos)
    answer = bos.post("/messages", data={**form, "subject": "A subject", "body": "What Ada typed."})
    assert answer.headers["X-Examhall-Refusal"] == "another_person"
    assert "What Ada typed." in answer.text
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_who_signs_in_again_goes_on(app: Flask, people: tuple[User, User]) -> None:
    """The same person in a new session: the old page's form is sent, once its token is renewed."""
    form = open_dialog(signed_in(app, people[0]), scope="filtered")
    assert form["person"] == str(people[0].id)
    again = signed_in(app, people[0])
    assert post(again, form).status_code == 400
    form["csrf_token"] = csrf(again)
    assert post(again, form).status_code == 201


def test_the_text_of_a_save_is_kept(bos: FlaskClient, people: tuple[User, User]) -> None:
    form = {"text": "Ada's answer", "person": str(people[0].id), "csrf_token": csrf(bos)}
    answer = bos.post("/tests/1/answers/1", data=form)
    assert answer.status_code == 409
    assert "Ada&#39;s answer" in answer.text
    fragment = bos.post("/tests/1/answers/1", data=form, headers={"HX-Request": "true"})
    assert 'data-reason="somebody_else"' in fragment.text


def test_a_page_of_nobody_belongs_to_nobody(client: FlaskClient) -> None:
    assert '<meta name="person" content="">' in client.get("/login").text


def post_forms() -> list[tuple[str, str]]:
    """Every form of every template that is posted, with where it stands."""
    pages = {path: path.read_text() for path in sorted(Path(ROOT / "templates").rglob("*.html"))}
    return [
        (str(path.relative_to(ROOT / "templates")), form)
        for path, text in pages.items()
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL)
        if 'method="post"' in form
    ]


def test_every_form_says_whose_page_it_is_on() -> None:
    """`_form_marks.html` in each; the sign-in page is nobody's."""
    forms = post_forms()
    assert len(forms) >= 8
    bare = {path for path, form in forms if '{% include "_form_marks.html" %}' not in form}
    assert bare == {"accounts/sign_in.html"}
