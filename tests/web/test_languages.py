"""A second language: each response is in the language of its browser, if there is a catalogue for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.conftest import Browser
from tests.databases import Database, application_on
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, open_dialog, post
from webapp.config import BadSetting, load, locales
from webapp.models import Candidacy, Role, Test, User
from webapp.push.service import current_push

pytestmark = pytest.mark.only_on("sqlite")

WORDS = {
    "Username": "Användarnamn",
    "Candidate ID": "Anonymkod",
    "Offline": "Frånkopplad",
    "Offline for over 3 minutes:": "Frånkopplad i över 3 minuter:",
    "Chief invigilator": "Ansvarig tentamensvakt",
    "Message from the chief invigilator": "Meddelande från ansvarig tentamensvakt",
    "Message sent": "Meddelande skickat",
}


@pytest.fixture
def translations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Swedish catalogue, where the application looks for catalogues."""
    catalogue = Catalog(locale="sv")
    for text, translation in WORDS.items():
        catalogue.add(text, translation)
    path = tmp_path / "translations" / "sv" / "LC_MESSAGES" / "messages.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalogue)
    monkeypatch.setattr("webapp.config.TRANSLATIONS", tmp_path / "translations")
    return tmp_path / "translations"


@pytest.fixture
def app(translations: Path, database: Database, engines: dict[str, Engine]) -> Iterator[Flask]:
    with application_on(database, engines.get(database.url)) as app:
        app.test_client_class = Browser
        yield app


@pytest.fixture
def candidacy(hall: Hall) -> Candidacy:
    return hall.candidacy(hall.test())


@pytest.fixture
def chief(app: Flask, hall: Hall, session: Session, candidacy: Candidacy) -> FlaskClient:
    test = session.get_one(Test, candidacy.test_id)
    return signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))


def accepting(languages: str, **headers: str) -> dict[str, str]:
    return {"Accept-Language": languages, **headers}


def test_a_page_is_in_the_language_of_its_browser(client: FlaskClient) -> None:
    for languages, tag, word in (
        ("sv", "sv", "Användarnamn"),
        ("sv-FI, en;q=0.5", "sv", "Användarnamn"),
        ("fi, sv;q=0.8, en;q=0.5", "sv", "Användarnamn"),
        ("en-GB, sv;q=0.5", "en", "Username"),
        ("fi", "en", "Username"),
        ("", "en", "Username"),
        ("sv-SE-u-ca-gregory", "sv", "Användarnamn"),
        ("nonsense;;q=x", "en", "Username"),
    ):
        page = client.get("/login", headers=accepting(languages)).text
        assert f'<html lang="{tag}"' in page, languages
        assert word in page, languages


def test_a_catalogue_for_one_country_serves_its_language_everywhere(translations: Path, database: Database) -> None:
    (translations / "sv").rename(translations / "sv_SE")
    with application_on(database) as app:
        for languages in ("sv", "sv-SE", "SV-se, en;q=0.5"):
            assert '<html lang="sv-SE"' in app.test_client().get("/login", headers=accepting(languages)).text


@pytest.mark.parametrize("name", ["zh_Hans_CN", "zh_Hans"])
def test_a_catalogue_with_a_script_serves_browsers_that_name_none(
    translations: Path, database: Database, name: str
) -> None:
    (translations / "sv").rename(translations / name)
    with application_on(database) as app:
        page = app.test_client().get("/login", headers=accepting("zh-CN, en;q=0.5")).text
    assert f'<html lang="{name.replace("_", "-")}"' in page


def test_the_default_is_for_browsers_that_ask_for_no_language_we_have(translations: Path, database: Database) -> None:
    with application_on(database, default_locale="sv") as app:
        for languages, word in (("", "Användarnamn"), ("fi", "Användarnamn"), ("en", "Username")):
            assert word in app.test_client().get("/login", headers=accepting(languages)).text


def test_the_setting_takes_languages_with_a_catalogue_only(translations: Path) -> None:
    key = {"EXAMHALL_SECRET_KEY": "0f0f3a9c5e7b1d8f2a4c6e0b9d7f5a3c"}
    assert locales() == ["en", "sv"]
    assert load({**key, "EXAMHALL_DEFAULT_LOCALE": "sv"}).default_locale == "sv"
    with pytest.raises(BadSetting, match="one of en, sv"):
        load({**key, "EXAMHALL_DEFAULT_LOCALE": "fi"})


def test_a_catalogue_that_babel_would_not_find_is_refused_at_the_start(translations: Path, database: Database) -> None:
    (translations / "sv").rename(translations / "zh_CN")
    with pytest.raises(BadSetting, match="zh_Hans_CN"), application_on(database):
        pytest.fail("started")


def test_two_browsers_in_turn_have_pages_and_fragments_in_their_own_language(chief: FlaskClient) -> None:
    """Also where rendered rows or headers are cached."""
    for headers in ({}, HTMX):
        for _ in range(2):
            swedish = chief.get("/monitor?column=number&column=status", headers=accepting("sv", **headers)).text
            english = chief.get("/monitor?column=number&column=status", headers=accepting("en", **headers)).text
            for word in ("Candidate ID", "Offline"):
                assert WORDS[word] in swedish
                assert word not in swedish
                assert word in english
                assert WORDS[word] not in english


def test_a_list_in_another_language_is_not_unchanged(chief: FlaskClient) -> None:
    tag = chief.get("/monitor", headers=accepting("en", **HTMX)).headers["HX-PTag"]
    again = {**HTMX, "HX-PTag": tag}
    assert chief.get("/monitor", headers=accepting("en", **again)).status_code == 304
    swedish = chief.get("/monitor", headers=accepting("sv", **again))
    assert swedish.status_code == 200
    assert "data-unchanged" not in swedish.text


def test_a_download_is_in_the_language_of_its_request(chief: FlaskClient) -> None:
    """It is made in a thread of its own."""
    post(chief, open_dialog(chief, scope="filtered"), subject="Quiet")
    assert "Meddelande skickat" in chief.get("/log.csv", headers=accepting("sv")).text
    assert "Message sent" in chief.get("/log.csv", headers=accepting("en")).text


def test_notices_are_in_the_language_of_the_page(
    app: Flask, session: Session, candidacy: Candidacy, chief: FlaskClient
) -> None:
    post(chief, open_dialog(chief, scope="filtered"), subject="Quiet")
    candidate = signed_in(app, session.get_one(User, candidacy.user_id))
    for path in ("/inbox/new", f"/tests/{candidacy.test_id}"):
        for _ in range(2):
            assert "Meddelande från ansvarig" in candidate.get(path, headers=accepting("sv")).text
            assert "Message from the chief" in candidate.get(path, headers=accepting("en")).text


def test_each_stream_is_in_the_language_of_its_page(
    app: Flask, session: Session, candidacy: Candidacy, chief: FlaskClient
) -> None:
    """What is open at the start, and what is sent meanwhile, whatever the sender's language is."""
    with app.app_context():
        current_push().hub.capacity = 10  # without gevent there are none unless set
    candidate = signed_in(app, session.get_one(User, candidacy.user_id))
    expected = {"sv": "Meddelande från ansvarig", "en": "Message from the chief"}
    post(chief, open_dialog(chief, scope="filtered"), subject="Before")
    answers = {locale: candidate.get("/stream", headers=accepting(locale), buffered=False) for locale in expected}
    streams = {locale: answer.iter_encoded() for locale, answer in answers.items()}
    openings = {locale: next(stream).decode() for locale, stream in streams.items()}
    post(chief, open_dialog(chief, scope="filtered"), subject="Meanwhile")
    notices = {locale: next(stream).decode() for locale, stream in streams.items()}
    for locale, words in expected.items():
        assert words in openings[locale]
        assert "Before" in openings[locale]
        assert words in notices[locale]
        assert "Meanwhile" in notices[locale]
        answers[locale].close()
