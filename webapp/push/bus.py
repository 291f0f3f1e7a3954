"""The bus carries what one process has to say to the hubs of all. This one knows a single process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from webapp.push.hub import Hub


@dataclass(frozen=True)
class Announcement:
    """A committed message: its number, its event, and whom it is for."""

    message_id: int
    event: bytes
    user_ids: list[int]


@dataclass(frozen=True)
class UserEvent:
    """An event that is no message, for one person's streams."""

    user_id: int
    event: bytes


@dataclass(frozen=True)
class SignOut:
    """The end of a session (or of `ALL_SESSIONS` of a person), and so of its streams."""

    user_id: int
    session_id: str


Item = Announcement | UserEvent | SignOut


class Bus(Protocol):
    """Best effort: what it loses, the outbox sweep brings (R8)."""

    def publish(self, item: Item) -> None:
        """Hand the item to every process's hub; never raises for a bus that is away."""

    def is_ready(self) -> bool:
        """Whether the bus answers now (for `/readyz`)."""


class InProcessBus:
    """The bus of an installation with one process: straight into the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def publish(self, item: Item) -> None:
        """Hand the item to this process's hub."""
        dispatch(self._hub, item)

    def is_ready(self) -> bool:
        """Always."""
        return True


def dispatch(hub: Hub, item: Item) -> None:
    """Apply what came over a bus to a hub."""
    match item:
        case Announcement():
            hub.hand_out(item.message_id, item.event, item.user_ids)
        case UserEvent():
            hub.send_to_user(item.user_id, item.event)
        case SignOut():
            hub.sign_out(item.user_id, item.session_id)
