"""The log page's filter: from the parameters of an address to conditions, and back (R18)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from webapp.exceptions import BadParameter
from webapp.logbook.words import ACTIONS
from webapp.text.normalization import normalize

NAMES = ("from", "to", "person", "action", "text")
LONGEST_PHRASE = 200
LOCAL_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class LogFilter:
    """Which entries are meant; None or empty where nothing is asked for. `since` is included, `until` is not."""

    since: datetime | None = None
    until: datetime | None = None
    person: str = ""
    action: str = ""
    text: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    """(name, value) as in the address: they make the same filter again."""

    def __bool__(self) -> bool:
        return bool(self.pairs)


def parse_filter(args: MultiDict[str, str], zone: ZoneInfo) -> LogFilter:
    """The filter that the parameters mean; times are local to `zone`, to the minute, both included.

    Raises `BadParameter` for every unknown name or value, and for a name that comes twice. A blank value is not set:
    an empty field of a form sends it. `page` is not the filter's.
    """
    given: dict[str, str] = {}
    for name, values in args.lists():
        if name == "page":
            continue
        if name not in NAMES:
            raise BadParameter(_printable(name))
        if CONTROL.search("".join(values)):
            _refuse(name, values[0])
        told = {normalize(value) for value in values} - {""}
        if len(told) > 1 or any(len(value) > LONGEST_PHRASE for value in told):
            _refuse(name, max(told))
        if told:
            given[name] = told.pop()
    if given.get("action", "") not in {"", *ACTIONS}:
        _refuse("action", given["action"])
    return LogFilter(
        since=_moment("from", given, zone, fold=0),
        until=_moment("to", given, zone, fold=1),
        person=given.get("person", ""),
        action=given.get("action", ""),
        text=given.get("text", ""),
        pairs=tuple((name, given[name]) for name in NAMES if name in given),
    )


def parse_page(args: MultiDict[str, str]) -> int:
    """The number of the page that is asked for, from 1; the list takes the nearest that it has."""
    values = args.getlist("page") or ["1"]
    if len(values) > 1 or not re.fullmatch(r"\d{1,18}", values[0], re.ASCII):
        _refuse("page", values[0])
    return max(1, int(values[0]))


def _moment(name: str, given: dict[str, str], zone: ZoneInfo, fold: int) -> datetime | None:
    if name not in given:
        return None
    if not LOCAL_MINUTE.fullmatch(given[name]):
        _refuse(name, given[name])
    try:
        # of an hour that a clock change repeats, both are meant
        moment = datetime.fromisoformat(given[name]).replace(tzinfo=zone, fold=fold).astimezone(UTC)
        return moment + timedelta(minutes=1) if name == "to" else moment
    except (ValueError, OverflowError):
        _refuse(name, given[name])


def _refuse(name: str, value: str) -> NoReturn:
    raise BadParameter(name, _printable(value))


def _printable(value: str) -> str:
    return value[:100].encode("utf-8", "replace").decode()
