"""The bus carries items from one process to the hubs of all processes. `InProcessBus` serves a single process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from webapp.push.hub import Hub


@dataclass(frozen=True)
class Announcement:
    """A committed message, its event, and its recipients."""

    message_id: int
    event: bytes
    user_ids: list[int]
    translations: Mapping[str, str] = field(default_factory=dict)
    """The event in other languages than the installation's, by locale."""


@dataclass(frozen=True)
class UserEvent:
    """An event for one person's streams that is not a message."""

    user_id: int
    event: bytes


@dataclass(frozen=True)
class SignOut:
    """The end of a session, or of `ALL_SESSIONS` of a person, and so of its streams."""

    user_id: int
    session_id: str


Item = Announcement | UserEvent | SignOut


class Bus(Protocol):
    """Best effort: the sweep brings what a bus loses (R8)."""

    def publish(self, item: Item) -> None:
        """Dispatch the item in every process. Never raises if the bus is away."""

    def is_ready(self) -> bool:
        """Whether the bus answers now (for `/readyz`)."""


class InProcessBus:
    """The bus of an installation without Redis: only this process's hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def publish(self, item: Item) -> None:
        """Dispatch the item in this process."""
        dispatch(self._hub, item)

    def is_ready(self) -> bool:
        """Always."""
        return True


def dispatch(hub: Hub, item: Item) -> None:
    """Apply an item to a hub."""
    match item:
        case Announcement():
            hub.hand_out(item.message_id, item.event, item.user_ids, item.translations)
        case UserEvent():
            hub.send_to_user(item.user_id, item.event)
        case SignOut():
            hub.sign_out(item.user_id, item.session_id)
