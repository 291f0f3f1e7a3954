"""The log page's filter, parsed from the parameters of an address (R18)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from webapp.exceptions import BadParameter
from webapp.logbook.words import ACTIONS
from webapp.text.characters import has_control_characters
from webapp.text.normalization import normalize

NAMES = ("from", "to", "person", "action", "text")
MAX_PHRASE = 200


@dataclass(frozen=True)
class LogFilter:
    """Which entries to show: from `since` on and before `until`, if set, and with these parameters of the address."""

    since: datetime | None
    until: datetime | None
    params: dict[str, str]


def parse_filter(args: MultiDict[str, str], zone: ZoneInfo) -> LogFilter:
    """The filter that the parameters mean; times are local to `zone`, to the minute, both included.

    Raises `BadParameter` for an unknown name or value, and for a name with two values. A blank value is no filter,
    because an empty field of a form sends it. `page` does not belong to the filter.
    """
    for name in args:
        if name not in {*NAMES, "page"}:
            raise BadParameter(name)
    params: dict[str, str] = {}
    for name in NAMES:
        texts = args.getlist(name)
        values = {normalize(text) for text in texts} - {""}
        if has_control_characters("".join(texts)) or len(values) > 1 or len("".join(values)) > MAX_PHRASE:
            raise BadParameter(name, texts[0])
        if values:
            params[name] = values.pop()
    if params.get("action", "") not in {"", *ACTIONS}:
        raise BadParameter("action", params["action"])
    return LogFilter(_moment(params, "from", zone), _moment(params, "to", zone), params)


def parse_page(args: MultiDict[str, str]) -> int:
    """The number of the page, from 1. The list shows the nearest page that exists."""
    values = args.getlist("page") or ["1"]
    if len(values) > 1 or not re.fullmatch(r"\d{1,18}", values[0], re.ASCII):
        raise BadParameter("page", values[0])
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
        raise BadParameter(name, params[name]) from error
