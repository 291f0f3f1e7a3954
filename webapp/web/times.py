"""Moments as people read them: in the installation's zone, with the zone's name (trap 24)."""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import format_date, format_datetime
from markupsafe import Markup, escape

from webapp.web.languages import current_locale


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

    `style`: `full` is date, time and zone; `clock` is the time to the second; `minute` is date and time to the minute.
    `title` has the full form.
    """
    if moment is None:
        return Markup("")
    return _time_tag(moment.replace(microsecond=0), style, installation_zone(), current_locale())


@lru_cache(maxsize=1024)  # lists and saves show the same moments again and again
def _time_tag(moment: datetime, style: str, zone: ZoneInfo, _locale: str) -> Markup:
    here = moment.astimezone(zone)
    full = f"{format_datetime(here, 'd MMM yyyy HH:mm:ss', rebase=False)} {here.tzname()}"
    shown = {
        "full": full,
        "clock": f"{here:%H:%M:%S}",
        "minute": format_datetime(here, "d MMM HH:mm", rebase=False),
    }
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        here.isoformat(timespec="seconds"), escape(full), shown[style]
    )
