"""The compose form: from a request's fields to a selection and a draft."""

import re
import secrets
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter
from webapp.messaging.audience import Selection
from webapp.messaging.sending import Draft
from webapp.monitor.filters import parse_filter

OWN_FIELDS = frozenset(
    {"subject", "body", "candidate", "scope", "audience", "idempotency_key", "csrf_token", "person", "insert"}
)
ID = re.compile(r"[0-9]{1,15}")
MAX_IDS = 10_000
"""Of candidacies or messages in one form."""
MAX_MESSAGE_ID = 10**15 - 1
"""Messages have the numbers of the log, which are PostgreSQL's `bigint`."""


def parse_selection(fields: MultiDict[str, str], zone: ZoneInfo) -> Selection:
    """Whom a form or address is for: `scope=filtered` with the monitor's parameters, or `candidate` ids.

    A filter beside `candidate` ids narrows them. Raises `BadParameter` for anything unknown: nothing is dropped, which
    would widen the audience (R6).
    """
    scopes = fields.getlist("scope")
    if scopes not in ([], ["filtered"], ["listed"]):
        raise BadParameter("scope", scopes[0])
    picked = fields.getlist("candidate")
    if picked and scopes == ["filtered"]:
        raise BadParameter("candidate", picked[0])
    rest = MultiDict((name, value) for name, value in fields.items(multi=True) if name not in OWN_FIELDS)
    listed = None if scopes == ["filtered"] else tuple(parse_ids("candidate", picked))
    return Selection(parse_filter(rest, zone), listed)


def parse_opened(address: MultiDict[str, str], form: MultiDict[str, str], zone: ZoneInfo) -> Selection:
    """Whom the compose dialog is opened for: by its address, or by a posted form that the address narrows.

    An address with a scope or with candidates counts alone, though a form brings the text (the links to the parts of an
    audience that is too large, R4).
    """
    if not form or "scope" in address or "candidate" in address:
        return parse_selection(address or form, zone)
    merged = MultiDict(form)
    merged.update(address)
    return parse_selection(merged, zone)


def parse_draft(fields: MultiDict[str, str], zone: ZoneInfo) -> Draft:
    """What a compose form posts. Raises `BadParameter`."""
    return Draft(
        subject=fields.get("subject", ""),
        body=fields.get("body", ""),
        selection=parse_selection(fields, zone),
        audience=fields.get("audience", ""),
        idempotency_key=fields.get("idempotency_key", ""),
    )


def new_key() -> str:
    """An idempotency key for a form that is shown for the first time."""
    return secrets.token_urlsafe(18)


def parse_ids(name: str, values: list[str], *, highest: int = MAX_ID) -> list[int]:
    """The ids in a field's values, sorted, each once. Raises `BadParameter` for too many and for what is no id."""
    if len(values) > MAX_IDS:
        raise BadParameter(name, f"more than {MAX_IDS}")
    for value in values:
        if not ID.fullmatch(value) or int(value) > highest:
            raise BadParameter(name, value)
    return sorted(set(map(int, values)))
