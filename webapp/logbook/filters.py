"""The log page's filter, parsed from the parameters of an address (R18)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from webapp.exceptions import BadParameter
from webapp.logbook.words import ACTIONS
from webapp.text.normalization import normalize

NAMES = ("from", "to", "person", "action", "text")
MAX_PHRASE = 200
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class LogFilter:
    """Which entries to show: between two moments if they are set, and with these parameters of the address."""

    since: datetime | None
    """Included."""
    until: datetime | None
    """Not included."""
    params: dict[str, str]


def parse_filter(args: MultiDict[str, str], zone: ZoneInfo) -> LogFilter:
    """The filter that the parameters mean; times are local to `zone`, to the minute, both included.

    Raises `BadParameter` for an unknown name or value, and for a name with two values. A blank value is no filter,
    because an empty field of a form sends it. `page` does not belong to the filter.
    """
    params: dict[str, str] = {}
    for name, texts in args.lists():
        if name == "page":
            continue
        if name not in NAMES:
            raise BadParameter(_printable(name))
        values = {normalize(text) for text in texts} - {""}
        if CONTROL_CHARACTER.search("".join(texts)) or len(values) > 1 or len("".join(values)) > MAX_PHRASE:
            raise BadParameter(name, _printable(texts[0]))
        if values:
            params[name] = values.pop()
    if params.get("action", "") not in {"", *ACTIONS}:
        raise BadParameter("action", params["action"])
    in_order = {name: params[name] for name in NAMES if name in params}
    return LogFilter(_moment(params, "from", zone), _moment(params, "to", zone), in_order)


def parse_page(args: MultiDict[str, str]) -> int:
    """The number of the page, from 1. The list shows the nearest page that exists."""
    values = args.getlist("page") or ["1"]
    if len(values) > 1 or not re.fullmatch(r"\d{1,18}", values[0], re.ASCII):
        raise BadParameter("page", _printable(values[0]))
    return max(1, int(values[0]))


def _moment(params: dict[str, str], name: str, zone: ZoneInfo) -> datetime | None:
    """The bound that a local minute sets: its beginning for `from`, its end for `to`."""
    if name not in params:
        return None
    try:
        minute = datetime.fromisoformat(params[name])
        if minute.tzinfo is not None or minute.isoformat(timespec="minutes") != params[name]:
            raise ValueError("not a local minute")
        # of an hour that a clock change repeats, both are included
        local = minute.replace(tzinfo=zone, fold=1 if name == "to" else 0)
        return local.astimezone(UTC) + timedelta(minutes=1 if name == "to" else 0)
    except (ValueError, OverflowError) as error:
        raise BadParameter(name, _printable(params[name])) from error


def _printable(value: str) -> str:
    return value[:100].encode("utf-8", "replace").decode()
