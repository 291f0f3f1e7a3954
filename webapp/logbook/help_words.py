"""Requests for help in words, as the log and all pages have them."""

from typing import Any

from flask_babel import gettext, lazy_gettext

HELP_KINDS = {
    "question": lazy_gettext("About a question"),
    "technical": lazy_gettext("Technical problem"),
    "other": lazy_gettext("Something else"),
}
"""What candidates ask for help with, where the planners of the test have not named kinds of their own."""


def kind_in_words(kind: str) -> str:
    """A kind as people read it; planners name theirs in words."""
    return str(HELP_KINDS.get(kind, kind))


def help_in_one_line(detail: dict[str, Any]) -> str:
    """What the request of an entry is about, and how it ended where nobody said so."""
    words = [kind_in_words(detail["kind"]), " ".join(detail["text"].split())]
    if detail.get("by_itself") == "submitted":
        words.append(gettext("ended with the submission"))
    return " · ".join(word for word in words if word)
