"""The language of a response: of those that the browser accepts, the first with a catalogue, else the default.

Texts are in English in the code. A catalogue is `webapp/translations/<locale>/LC_MESSAGES/messages.mo`.
"""

from sys import intern

from babel import Locale, UnknownLocaleError, negotiate_locale
from flask import Flask, current_app, request
from flask_babel import get_locale

from webapp import config
from webapp.extensions import babel


def init_app(app: Flask) -> None:
    """Join Flask-Babel to the application and to its templates. Raises `BadSetting` for a misnamed catalogue."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(config.TRANSLATIONS)
    app.config["LOCALES"] = {name.lower(): _parse_locale(name) for name in config.locales()}
    babel.init_app(app, locale_selector=_select_locale)
    app.add_template_global(current_locale)


def current_locale() -> str:
    """The locale of the request, or of `force_locale()`; the default outside of both. Part of the key of caches."""
    return intern(str(get_locale()))  # thousands of streams keep it


def available_locales() -> list[str]:
    """All locales that a response may have."""
    return [str(locale) for locale in current_app.config["LOCALES"].values()]


def _parse_locale(name: str) -> Locale:
    """Raises `BadSetting` for a name that Babel writes differently: it would not find the catalogue."""
    locale = Locale.parse(name)
    if str(locale) != name:
        raise config.BadSetting(f"webapp/translations/{name}: this folder must be named {locale}")
    return locale


def _select_locale() -> Locale:
    locales: dict[str, Locale] = current_app.config["LOCALES"]
    accepted = request.accept_languages if request else ()
    preferred = [name for tag, quality in accepted if quality > 0 for name in _names(tag)]
    chosen = negotiate_locale(preferred, locales) or current_app.config["SETTINGS"].default_locale
    return locales[chosen.lower()]  # Babel completes a language by its country, such as de_DE for "de"


def _names(tag: str) -> list[str]:
    """How a catalogue for a browser's language may be named: those for `zh-CN` are `zh_Hans_CN` and `zh_Hans`."""
    try:
        locale = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return [tag.partition("-")[0]]
    return [str(locale), f"{locale.language}_{locale.script}"]
