"""What templates show: moments in the installation's zone (trap 24), the language, addresses of assets, names of roles.

The language is of those that the browser accepts the first with a catalogue, else the default. Texts are in English in
the code. A catalogue is `webapp/translations/<locale>/LC_MESSAGES/messages.mo`.
"""

import hashlib
import re
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from sys import intern
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, negotiate_locale
from flask import Flask, current_app, g, request, url_for
from flask_babel import format_date, format_datetime, format_decimal, get_locale, lazy_gettext
from markupsafe import Markup

from webapp import config
from webapp.clock import undated, utcnow
from webapp.db.types import microseconds
from webapp.extensions import babel

ROLE_LABELS = {
    "invigilator": lazy_gettext("Invigilator"),
    "chief_invigilator": lazy_gettext("Chief invigilator"),
    "planner": lazy_gettext("Planner"),
    "candidate": lazy_gettext("Candidate"),
}
_IMPORT = re.compile(r'(?:from |import |import\()"\./([\w-]+\.js)"')


def init_app(app: Flask) -> None:
    """Give the templates their functions and languages. Raises `BadSetting` for a misnamed catalogue."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(config.TRANSLATIONS)
    locales = {name: Locale.parse(name) for name in config.locales()}
    for name, locale in locales.items():
        if str(locale) != name:  # Babel would not find the catalogue
            raise config.BadSetting(f"webapp/translations/{name}: this folder must be named {locale}")
    app.config["LOCALES"] = {name.lower(): locale for name, locale in locales.items()}
    babel.init_app(app, locale_selector=_select_locale)
    app.jinja_env.globals.update(
        asset=asset,
        icons=icons,
        time_tag=time_tag,
        time_range=time_range,
        zone_name=zone_name,
        repeated_offset=repeated_offset,
        utcnow=utcnow,
        milliseconds=milliseconds,
        current_locale=current_locale,
    )
    app.add_template_filter(role_label)
    app.add_template_filter(number)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 365 * 24 * 3600


def asset(path: str) -> str:
    """The address of a static file, with a piece of its checksum, so that browsers may keep it for a year.

    A script that others import has the address by which they name it: a browser runs it once for each address.
    """
    folder = Path(current_app.static_folder or "")
    if path in _imported(folder):
        return url_for("static", filename=path)
    return url_for("static", filename=path, v=_checksum(folder / path, (folder / path).stat().st_mtime_ns))


def icons() -> str:
    """The address of the file with the icons: lists point into it hundreds of times, so it is made once a request."""
    if "icons" not in g:
        g.icons = asset("icons.svg")
    return str(g.icons)


@cache
def _imported(folder: Path) -> frozenset[str]:
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in (folder / "js").glob("*.js"))
    return frozenset(f"js/{name}" for name in _IMPORT.findall(scripts))


@lru_cache(maxsize=256)  # else each page would read all files that it names
def _checksum(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def milliseconds(moment: datetime) -> int:
    """A moment as scripts count it: milliseconds since 1970."""
    return microseconds(moment) // 1000


def number(value: int) -> str:
    """A number as the language of the request writes it."""
    return str(format_decimal(value))


def role_label(role: str) -> str:
    """The name of a role; empty for none."""
    return str(ROLE_LABELS.get(role, role))


def installation_zone() -> ZoneInfo:
    """The zone of the installation; needs an application context."""
    zone: ZoneInfo = current_app.config["SETTINGS"].timezone
    return zone


def local(moment: datetime) -> datetime:
    """The same moment in the installation's zone."""
    return moment.astimezone(installation_zone())


def day_in_words(day: date) -> str:
    """A date for people, such as "1 Dec 2026"."""
    return str(format_date(day, "d MMM yyyy"))


def time_tag(moment: datetime | None, style: str = "full") -> Markup:
    """`<time datetime=…>` for a moment; nothing for None.

    `style`: `full` is date, time and zone; `clock` is the time to the second and `hour` to the minute; `minute` is date
    and time to the minute; `brief` is `hour` where that tells it (`undated`), else `minute`. `title` has the full form.
    """
    if moment is None:
        return Markup("")
    if style == "brief":
        first, end = undated(utcnow(), installation_zone())
        style = "hour" if first <= moment < end else "minute"
    here = local(moment.replace(microsecond=0))
    full = f"{format_datetime(here, 'd MMM yyyy HH:mm:ss', rebase=False)} {here.tzname()}"
    shown = {
        "full": full,
        "clock": f"{here:%H:%M:%S}",
        "hour": f"{here:%H:%M}",
        "minute": format_datetime(here, "d MMM HH:mm", rebase=False),
    }
    return Markup('<time datetime="{}" title="{}">{}</time>').format(here.isoformat(), full, shown[style])


def time_range(begin: datetime, end: datetime) -> Markup:
    """Two moments as one, such as 09:06–14:06; with the day where it is needed, or not the same."""
    is_one_day = local(begin).date() == local(end).date()
    dash = "–" if is_one_day else " – "
    return Markup("{}{}{}").format(time_tag(begin, "brief"), dash, time_tag(end, "hour" if is_one_day else "minute"))


def zone_name(moment: datetime) -> str:
    """The short name of the installation's zone at a moment, such as CET."""
    return local(moment).tzname() or ""


def repeated_offset(moment: datetime) -> str:
    """Such as "UTC+2", for a moment whose local time comes twice, because clocks are set back then; else empty."""
    here = local(moment)
    offset = here.utcoffset()
    if offset is None or here.replace(fold=0).utcoffset() == here.replace(fold=1).utcoffset():
        return ""
    hours, minutes = divmod(abs(offset).seconds // 60, 60)
    sign = "-" if offset.days < 0 else "+"
    return f"UTC{sign}{hours}{f':{minutes:02}' if minutes else ''}" if offset else "UTC"


def current_locale() -> str:
    """The locale of the request, or of `force_locale()`; the default outside of both. Part of the key of caches."""
    return intern(str(get_locale()))  # thousands of streams keep it


def available_locales() -> list[str]:
    """All locales that a response may have."""
    return [str(locale) for locale in current_app.config["LOCALES"].values()]


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
