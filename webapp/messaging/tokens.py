"""Signed tokens by which a compose form says whom it has shown (R3)."""

import zlib
from itertools import accumulate
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from webapp.messaging.audience import Audience, Selection


class ShownAudience(NamedTuple):
    """The content of a token."""

    is_frozen: bool
    ids: tuple[int, ...]
    """If frozen, the candidacies to send to; else the persons, whom the filter must still match."""
    by_words: bool
    """The filter's phrase was searched word by word."""


class Tokens:
    """Signs what a dialog shows, for one sender and one selection: a form cannot name anybody else."""

    def __init__(self, secret_key: str, sender_id: int) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt=f"shown-audience-{sender_id}")

    def sign(self, selection: Selection, audience: Audience) -> str:
        """A token for a form that shows `audience`, which `selection` reaches now."""
        is_frozen = selection.frozen is not None
        ids = sorted(audience.candidacies if is_frozen else audience.persons)
        return str(self._serializer.dumps([is_frozen, selection.key, _compress(ids), selection.filter.by_words]))

    def read(self, token: str, selection: Selection) -> ShownAudience | None:
        """The content of a token; None if it is not one of ours, or was made for another selection."""
        try:
            is_frozen, key, text, by_words = self._serializer.loads(token)
        except (BadData, ValueError):
            return None
        return ShownAudience(is_frozen, _expand(text), by_words) if key == selection.key else None


def _compress(ids: list[int]) -> str:
    """Ascending ids as their differences, deflated: 1,500 of them stay below 2 KB."""
    gaps = [str(number - before) for before, number in zip([0, *ids], ids, strict=False)]
    return zlib.compress(",".join(gaps).encode(), 9).hex()


def _expand(text: str) -> tuple[int, ...]:
    return tuple(accumulate(map(int, zlib.decompress(bytes.fromhex(text)).decode().split(","))))
