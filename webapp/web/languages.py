"""The language of a response: of those that the browser accepts, the first with a catalogue, else the default.

Texts are in English in the code. A catalogue is `webapp/translations/<locale>/LC_MESSAGES/messages.mo`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from sys import intern

from babel import Locale, negotiate_locale
from babel.support import NullTranslations
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import force_locale, get_locale, get_translations

from webapp import config
from webapp.extensions import babel


def init_app(app: Flask) -> None:
    """Join Flask-Babel to the application and to its templates. Raises `BadSetting` for a misnamed catalogue."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(config.TRANSLATIONS)
    app.config["LOCALES"] = {name.lower(): _parse_locale(name) for name in config.locales()}
    babel.init_app(app, locale_selector=_select_locale)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: _translations().ugettext(text),
        lambda one, many, count: _translations().ungettext(one, many, count),
        newstyle=True,
    )
    app.add_template_global(language_tag)


def current_locale() -> str:
    """The locale of the request, or of `in_language()`; the default outside of both. Part of the key of caches."""
    return intern(str(get_locale()))  # thousands of streams keep it


def language_tag() -> str:
    """The current locale as HTML writes it."""
    return current_locale().replace("_", "-")


def available_locales() -> list[str]:
    """All locales that a response may have."""
    return [str(locale) for locale in current_app.config["LOCALES"].values()]


@contextmanager
def in_language(locale: str) -> Iterator[None]:
    """Words looked up inside are in this language, whatever the request's is."""
    outer = g.pop("translations", None)
    try:
        with force_locale(locale):
            yield
    finally:
        g.translations = outer


def _parse_locale(name: str) -> Locale:
    """Raises `BadSetting` for a name that Babel writes differently: it would not find the catalogue."""
    locale = Locale.parse(name)
    if str(locale) != name:
        raise config.BadSetting(f"webapp/translations/{name}: this folder must be named {locale}")
    return locale


def _select_locale() -> Locale:
    locales: dict[str, Locale] = current_app.config["LOCALES"]
    accepted = request.accept_languages if has_request_context() else ()
    preferred = [tag.replace("-", "_").lower() for tag, quality in accepted if quality > 0]
    chosen = negotiate_locale(preferred, locales) or current_app.config["SETTINGS"].default_locale
    return locales[chosen.lower()]  # Babel completes a language by its country, such as de_DE for "de"


def _translations() -> NullTranslations:
    """Looked up once per request: Flask-Babel would do it for each word, which takes longer than finding the word."""
    translations: NullTranslations | None = g.get("translations")
    if translations is None:
        translations = g.translations = get_translations()
    return translations
