"""The compose form: what a request says, as a selection and a draft."""

from __future__ import annotations

import re
import secrets
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from webapp.exceptions import BadParameter
from webapp.messaging.audience import Selection
from webapp.messaging.sending import Draft
from webapp.monitor.filters import parse_filter, printable

OWN_NAMES = frozenset(
    {"subject", "body", "candidate", "scope", "audience", "idempotency_key", "csrf_token", "person", "insert"}
)
ID = re.compile(r"[0-9]{1,15}")
MOST_PICKED = 10_000
"""Candidacies or messages in one form; databases bound the parameters of a statement."""


def selection_of(fields: MultiDict[str, str], zone: ZoneInfo) -> Selection:
    """Whom a form or address is for: `scope=filtered` with the monitor's parameters, or `candidate` ids.

    A filter beside `candidate` ids narrows them.

    Raises `BadParameter` for anything it does not know: nothing is dropped, which would widen the audience (R6).
    """
    scopes = fields.getlist("scope")
    if scopes not in ([], ["filtered"], ["listed"]):
        raise BadParameter("scope", scopes[0])
    rest = MultiDict((name, value) for name, value in fields.items(multi=True) if name not in OWN_NAMES)
    picked = fields.getlist("candidate")
    if scopes == ["filtered"]:
        if picked:
            raise BadParameter("candidate", picked[0])
        return Selection(parse_filter(rest, zone))
    if len(picked) > MOST_PICKED:
        raise BadParameter("candidate", f"more than {MOST_PICKED}")
    return Selection(parse_filter(rest, zone), listed=tuple(sorted({number_in("candidate", text) for text in picked})))


def opened(address: MultiDict[str, str], form: MultiDict[str, str], zone: ZoneInfo) -> Selection:
    """Whom the compose dialog is opened for: what the address says; or what was posted, narrowed by the address.

    An address with a scope or with candidates says all by itself; the text comes from the form all the same (the
    links to the parts of an audience that is too large, R4).
    """
    if not form or "scope" in address or "candidate" in address:
        return selection_of(address or form, zone)
    merged = MultiDict(form)
    merged.update(address)
    return selection_of(merged, zone)


def draft_of(fields: MultiDict[str, str], zone: ZoneInfo) -> Draft:
    """What a compose form posts. Raises `BadParameter`."""
    return Draft(
        subject=fields.get("subject", ""),
        body=fields.get("body", ""),
        selection=selection_of(fields, zone),
        audience=fields.get("audience", ""),
        idempotency_key=fields.get("idempotency_key", ""),
    )


def new_key() -> str:
    """An idempotency key for a form that is shown for the first time."""
    return secrets.token_urlsafe(18)


def number_in(name: str, text: str) -> int:
    """The id that a field holds. Raises `BadParameter` for all that no database would take as one."""
    if not ID.fullmatch(text):
        raise BadParameter(name, printable(text))
    return int(text)
