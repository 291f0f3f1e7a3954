"""Passwords of four short words, which can be read out across a room and typed by somebody in a hurry."""

from __future__ import annotations

import hmac
from functools import cache
from pathlib import Path

LIST = Path(__file__).parent / "lists" / "words.txt"
WORDS = 4
"""Of 1,295 each: 41 bits, for a password that somebody is told and may replace."""


def passphrase(secret_key: str, seed: str) -> str:
    """The password that belongs to `seed`, such as `acorn-twist-mute-panda`. Nobody finds it without the secret key."""
    digest = hmac.digest(secret_key.encode(), f"passphrase {seed}".encode(), "sha256")
    numbers = [int.from_bytes(digest[start : start + 8]) for start in range(0, WORDS * 8, 8)]
    return "-".join(words()[number % len(words())] for number in numbers)


@cache
def words() -> tuple[str, ...]:
    """The list."""
    return tuple(LIST.read_text(encoding="ascii").split())
