"""The monitor's rows as HTML. What looked the same a moment ago, for whomever, is not written again.

A hall's invigilators ask for their lists every five seconds, and of most rows nothing has changed. A row holds whole
minutes only (`candidates.CandidateRow`), so equal rows look equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask import current_app, url_for
from flask_babel import format_datetime, gettext
from markupsafe import Markup

from webapp.monitor.candidates import CandidateRow, moment_of_minute
from webapp.monitor.columns import BY_KEY
from webapp.monitor.words import VALUES, candidate_in_words
from webapp.web.languages import current_locale
from webapp.web.times import installation_zone

KEPT = 8192
"""Rows kept, of about a kilobyte and a half each."""
BAD = frozenset({"offline", "timed_out"})
"""Warnings about a candidate who may be losing time now."""


@dataclass(frozen=True)
class Look:
    """What the look of all rows of a page depends on, beside the rows."""

    columns: tuple[str, ...]
    today: date
    """In the installation's zone."""
    zone: ZoneInfo
    locale: str
    compose_address: str
    offers_help: bool = False
    """Who looks may help these candidates sign in."""
    offers_sending: bool = False
    """Who looks may send these candidates messages."""

    def written(self, row: CandidateRow) -> WrittenRow:
        """A candidate's row; needs an application context."""
        return _written(row, self)

    def printed(self, row: CandidateRow) -> Markup:
        """The same row without its controls, as it goes on paper."""
        html: Markup = _macros("monitor/_row.html").printed(row, row._asdict(), _parts(self))
        return html


class WrittenRow(NamedTuple):
    """A candidate's `<tr>`."""

    html: Markup
    digest: bytes
    """Of the text: the same as long as the row looks the same."""


@dataclass(frozen=True)
class RowParts:
    """What the template of a row gets beside the row."""

    cells: list[tuple[str, Markup]]
    """Key of each column, with the attributes of its cells."""
    words: dict[str, dict[str, str]]
    """Filter name → value → word."""
    labels: dict[str, str]
    """What a row says beside its values; `select` and `more_for` take the candidate in words."""
    signs: dict[str, Markup]
    """Pictures with their words, by what they tell."""
    compose_address: str
    offers_help: bool
    offers_sending: bool
    shows_warnings: bool
    """That somebody is, or was just, offline stands among the warnings, and nowhere else in the row."""
    minute: Callable[[int], Markup]


def look_now(columns: tuple[str, ...], now: datetime) -> Look:
    """The look of rows with these columns in the request that is served."""
    zone = installation_zone()
    return Look(columns, now.astimezone(zone).date(), zone, current_locale(), url_for("messaging.compose"))


@lru_cache(maxsize=KEPT)
def _written(row: CandidateRow, look: Look) -> WrittenRow:
    who = candidate_in_words(row.name, row.number, row.seat)
    html = _macros("monitor/_row.html").candidate(row, {**row._asdict(), "who": who}, _parts(look))
    return WrittenRow(html, hashlib.sha256(html.encode()).digest())


def _macros(template: str) -> Any:
    return current_app.jinja_env.get_template(template).module


@lru_cache(maxsize=64)
def _parts(look: Look) -> RowParts:
    words = {name: {value: str(word) for value, word in values.items()} for name, values in VALUES.items()}
    sign = _macros("monitor/_sign.html").icon
    return RowParts(
        cells=[(key, _macros("monitor/_row.html").cell(BY_KEY[key])) for key in look.columns],
        words=words,
        labels={
            "select": gettext("Select {candidate}"),
            "more": gettext("More"),
            "more_for": gettext("More for {candidate}"),
            "send": gettext("Send message"),
            "password": gettext("New password"),
            "unlock": gettext("Unlock sign-in"),
            "seen": gettext("seen"),
        },
        signs={
            "flagged": sign("flag", gettext("Flagged"), "warn"),
            "submitted": sign("tick", gettext("Submitted"), "good"),
            "submitted_was_offline": sign("warning", gettext("Was offline"), "warn"),
            "online": sign("online", words["status"]["online"], "good", shown=True),
            "offline": sign("offline", words["status"]["offline"], "soft", shown=True),
            "checked": sign("tick", gettext("Checked"), "good", shown=True),
            **{
                f"warning_{one}": sign("warning", word, "bad" if one in BAD else "warn", shown=True)
                for one, word in words["warning"].items()
            },
        },
        compose_address=look.compose_address,
        offers_help=look.offers_help,
        offers_sending=look.offers_sending,
        shows_warnings="warnings" in look.columns,
        minute=lambda minute: _minute(minute, look),
    )


@lru_cache(maxsize=4096)
def _minute(minute: int, look: Look) -> Markup:
    """`<time>` to the minute: today's without the date, which stands in the title with the zone (trap 24)."""
    here = moment_of_minute(minute).astimezone(look.zone)
    full = f"{format_datetime(here, 'd MMM yyyy HH:mm', rebase=False)} {here.tzname()}"
    shown = f"{here:%H:%M}" if here.date() == look.today else format_datetime(here, "d MMM HH:mm", rebase=False)
    tag = Markup('<time datetime="{}" title="{}">{}</time>')
    return tag.format(here.isoformat(timespec="minutes"), full, shown)
