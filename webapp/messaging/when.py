"""When a message goes out, as a compose form says it."""

from enum import StrEnum


class WhenKind(StrEnum):
    """The choices of a form."""

    NOW = "now"
