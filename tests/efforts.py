"""Passwords that people choose are hashed at little effort in tests: hundreds of them took most of a test's time."""

from __future__ import annotations

from argon2 import PasswordHasher

from webapp.accounts import passwords

TRUE_EFFORT = passwords.CHOSEN
"""What the application does."""


def hash_quickly() -> None:
    """For this process, and for what servers check of the hashes that it makes: each has its own parameters in it."""
    cost = 2 * passwords.GENERATED.memory_cost  # one of the two efforts is still the larger one
    passwords.CHOSEN = PasswordHasher(time_cost=1, memory_cost=cost, parallelism=1)
