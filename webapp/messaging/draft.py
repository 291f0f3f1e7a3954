"""What somebody has typed in a compose form, and the key of the form."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field, replace

from webapp.exceptions import BadParameter
from webapp.messaging.audience import Selection
from webapp.messaging.when import AT_ONCE, When
from webapp.models import Level
from webapp.monitor.filters import Filter

KEY = re.compile(r"[!-~]{1,64}")


def new_key() -> str:
    """The key of a form (R2)."""
    return secrets.token_urlsafe(18)


@dataclass(frozen=True)
class Draft:
    """The content of a compose form."""

    subject: str
    body: str
    selection: Selection
    audience: str = ""
    """The token of what the dialog showed; empty for picked candidacies."""
    idempotency_key: str = field(default_factory=new_key)
    whole: Filter | None = None
    """The list, where the selection is the part of it that the dialog's switch chose."""
    level: Level = Level.NORMAL
    when: When = AT_ONCE
    help_request: int | None = None
    """The id of the request for help that it answers."""
    schedule_id: int | None = None
    """The schedule of which this is a batch."""
    again: int | None = None
    """The message whose people it is for, for the words above the recipients."""
    corrects: int | None = None
    """The message that it corrects."""
    typed: tuple[tuple[str, str], ...] = ()
    """What quick texts have taken the place of, as subject and body, for the form to bring back."""

    @property
    def digest(self) -> str:
        """Equal for two forms that send the same: text, level, time, what it corrects, what chose the audience (R2)."""
        selection = replace(self.selection, frozen=None).described()
        parts = [self.subject, self.body, self.level, self.corrects, self.help_request, selection, *self.when.content]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def with_new_key(self) -> Draft:
        """The same text and audience as a form of its own, which shows its audience anew."""
        return replace(self, audience="", idempotency_key=new_key())


def check_key(idempotency_key: str) -> None:
    """Refuse what cannot be the key of a form (R2). Raises `BadParameter`."""
    if not KEY.fullmatch(idempotency_key):
        raise BadParameter("idempotency_key", idempotency_key)
