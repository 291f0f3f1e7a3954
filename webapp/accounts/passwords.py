"""Passwords: made, hashed and checked with argon2id, at an effort that fits where they come from.

A password that a person has chosen is worth guessing: 19 MiB and 2 passes (OWASP's figures), some 20 to 40 ms.
One that we have generated carries 60 bits. Whoever steals its hash has 2^59 guesses ahead on average, which at
0.8 ms each (1 MiB, 1 pass) are 15 million years of one core: memory and passes would add nothing to that, and a
roster of 1,900 people would take a minute of hashing instead of two seconds. The parameters stand in each hash, so
both kinds live side by side, and no hash is ever made anew at sign-in.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from webapp.text.normalization import strip_invisible

CHOSEN = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
GENERATED = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
AT_ONCE = os.cpu_count() or 1
"""How many are checked at the same time: more would not be faster, and each takes 19 MiB."""

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 characters (5 bits each) without `l`, `1`, `o` and `0`, which are taken for others on paper."""
GROUPS = 3
GROUP_SIZE = 4
SHORTEST = 8
"""Characters of a password that somebody chooses."""
LONGEST = 1024
"""Characters of a password. Longer ones are refused before anything is computed."""

_slots = threading.BoundedSemaphore(AT_ONCE)


def generate_password() -> str:
    """A password of 60 random bits that can be read aloud and typed, such as `k7mq-92xf-tnb4`."""
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP_SIZE)) for _ in range(GROUPS))
    return "-".join(groups)


def is_typable(password: str) -> bool:
    """Whether this can be a password at all: text of 1 to 1,024 characters without NUL or lone surrogates."""
    return (
        0 < len(password) <= LONGEST
        and "\0" not in password
        and not any("\ud800" <= character <= "\udfff" for character in password)
    )


def hash_password(password: str) -> str:
    """The hash of a password that a person has chosen. Takes tens of milliseconds on the calling thread."""
    return CHOSEN.hash(_bytes(password))


def hash_generated(password: str) -> str:
    """The hash of a password from `generate_password()`. Never for one that a person has chosen."""
    return GENERATED.hash(_bytes(password))


def verify(stored: str | None, password: str) -> bool:
    """Whether `password` belongs to the hash `stored` (None: there is no such account, or it has no password).

    Whoever is refused has waited for both efforts, whatever the account's own kind and whether it exists: the time
    tells nothing. Under gevent the work is done on native threads, so that the streams of this process go on
    beating while a hall signs in.
    """
    return _apart(_verify, stored, _bytes(password))


def _verify(stored: str | None, password: bytes) -> bool:
    # a hash as dear as the cheap kind needs the dear dummy beside it, and the other way round
    if stored is not None:
        if _belongs(stored, password):
            return True
        other = CHOSEN if extract_parameters(stored).memory_cost <= GENERATED.memory_cost else GENERATED
        _belongs(_dummy(other), password)
        return False
    for hasher in (CHOSEN, GENERATED):
        _belongs(_dummy(hasher), password)
    return False


def matches(stored: str, password: str) -> bool:
    """Whether `password` belongs to the hash, in as long as that takes (an import, where nobody is guessing)."""
    return _belongs(stored, _bytes(password))


def _belongs(stored: str, password: bytes) -> bool:
    try:
        return CHOSEN.verify(stored, password)  # the parameters are those of the hash
    except VerifyMismatchError:
        return False


@cache
def _dummy(hasher: PasswordHasher) -> str:
    return hasher.hash(secrets.token_bytes(16))


def _bytes(password: str) -> bytes:
    # one keyboard sends é as one character, another as two; spaces at the ends are seen neither in a file nor on paper
    return unicodedata.normalize("NFKC", strip_invisible(password)).encode()


def _apart(work: Callable[..., bool], *given: Any) -> bool:
    if _gevent_has_patched():
        return bool(_native_threads().apply(work, given))
    with _slots:
        return work(*given)


def _gevent_has_patched() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")


@cache
def _native_threads() -> Any:
    from gevent.threadpool import ThreadPool  # noqa: PLC0415 only where the server runs on gevent

    return ThreadPool(maxsize=AT_ONCE)
