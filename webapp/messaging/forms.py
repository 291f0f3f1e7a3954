"""What a form or address says: whom it is for, and what is to be sent."""

import re

from werkzeug.datastructures import MultiDict

from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter
from webapp.messaging.audience import Selection
from webapp.messaging.draft import Draft
from webapp.messaging.text import unify_line_ends
from webapp.messaging.when import When, WhenKind
from webapp.models import Level
from webapp.monitor.filters import CHOICES, Filter, parse_filter
from webapp.web.templating import installation_zone

OWN_FIELDS = frozenset({
    "subject", "body", "candidate", "scope", "list_state", "audience", "idempotency_key", "csrf_token", "person",
    "insert", "level", "again", "corrects", "when", "at", "minutes", "late", "help",
    "help_request", "unseen", "quick_text", "typed_subject", "typed_body",
})  # fmt: skip
ANY_STATE = "any"
"""As `list_state`: the list has no filter by state."""
ID = re.compile(r"[0-9]{1,15}")
MAX_NUMBER = 10**15
"""Of a message: they are the log's, which are `bigint`."""
MAX_IDS = 10_000
"""Of candidacies or messages in one form."""


def parse_draft(texts: MultiDict[str, str], audience: MultiDict[str, str]) -> Draft:
    """The content of a compose form: what it says is in `texts`, whom it is for in `audience`.

    Raises `BadParameter` for what names no audience, no level, or no time.
    """
    selection = parse_selection(audience)
    draft = Draft(
        texts.get("subject", ""),
        unify_line_ends(texts.get("body", "")),
        selection,
        texts.get("audience", ""),
        texts.get("idempotency_key", ""),
        whole=parse_whole(audience, selection.filter),
        level=parse_level(texts),
        when=parse_when(texts),
        help_request=parse_help_request(texts),
        again=parse_number("again", texts),
        corrects=parse_number("corrects", texts),
        typed=parse_typed(texts),
    )
    if draft.corrects and draft.when.is_later:
        raise BadParameter("when", texts["when"])  # what is wrong is corrected at once
    return draft


def parse_typed(fields: MultiDict[str, str]) -> tuple[tuple[str, str], ...]:
    """The texts that quick texts have taken the place of, each as subject and body, the last one at the end."""
    bodies = map(unify_line_ends, fields.getlist("typed_body"))
    return tuple(zip(fields.getlist("typed_subject"), bodies, strict=False))


def parse_number(name: str, fields: MultiDict[str, str]) -> int | None:
    """The number of a message in a field, None where it is empty. Raises `BadParameter` for what is no number."""
    value = fields.get(name, "")
    return parse_ids(name, [value], highest=MAX_NUMBER)[0] if value else None


def parse_unseen(fields: MultiDict[str, str]) -> bool:
    """`unseen=1` beside `again`: only for those who have not had that message on the screen. Raises `BadParameter`."""
    value = fields.get("unseen", "")
    if value not in ("", "1") or (value and not fields.get("again")):
        raise BadParameter("unseen", value)
    return bool(value)


def parse_level(fields: MultiDict[str, str]) -> Level:
    """`level=important`, or a normal message. Raises `BadParameter` for another one."""
    try:
        return Level(fields.get("level") or Level.NORMAL)
    except ValueError:
        raise BadParameter("level", fields["level"]) from None


def parse_help_request(fields: MultiDict[str, str]) -> int | None:
    """The request for help that a message answers: `help` in the address of the form, `help_request` in what it posts.

    Raises `BadParameter` for what is no id.
    """
    ids = parse_ids("help_request", [text for text in (fields.get("help_request") or fields.get("help"),) if text])
    return ids[0] if ids else None


def parse_when(fields: MultiDict[str, str]) -> When:
    """When the message of a form goes out, with what was typed. Raises `BadParameter` for an unknown choice."""
    try:
        kind = WhenKind(fields.get("when") or WhenKind.NOW)
    except ValueError:
        raise BadParameter("when", fields["when"]) from None
    late = fields.get("late", "")
    if late not in ("", "now"):
        raise BadParameter("late", late)
    return When(kind, fields.get("at", "").strip(), fields.get("minutes", "").strip(), late=bool(late))


def parse_selection(fields: MultiDict[str, str]) -> Selection:
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
    return Selection(parse_filter(rest, installation_zone()), listed)


def parse_whole(fields: MultiDict[str, str], part: Filter) -> Filter | None:
    """The list that `part` was switched to from: the same filter with the states in `list_state`, if any are there."""
    states = fields.getlist("list_state")
    if not states:
        return None
    return part.with_values("state", CHOICES["state"].parse([each for each in states if each != ANY_STATE]))


def parse_ids(name: str, values: list[str], *, highest: int = MAX_ID) -> list[int]:
    """The ids in a field's values, sorted, each once. Raises `BadParameter` for too many and for what is no id."""
    if len(values) > MAX_IDS:
        raise BadParameter(name, f"more than {MAX_IDS}")
    for value in values:
        if not ID.fullmatch(value) or int(value) > highest:
            raise BadParameter(name, value)
    return sorted(set(map(int, values)))
