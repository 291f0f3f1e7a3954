"""Passwords: rules, generation, and argon2id hashes at an effort that fits where a password comes from.

Passwords that people choose get OWASP's parameters (19 MiB, 2 passes; some 20 to 40 ms). Generated ones have 60 random
bits, which nobody guesses from a hash, so that a cheap hash is enough and a roster of thousands is hashed in seconds.
Each hash has its own parameters in it, and is never made anew at sign-in.
"""

import hmac
import os
import secrets
import struct
import threading
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from webapp.config import runs_on_gevent
from webapp.text.characters import is_storable
from webapp.text.normalization import strip_invisible

CHOSEN = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
GENERATED = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
AT_ONCE = os.cpu_count() or 1
"""Passwords checked at the same time: more would not be faster, and each takes 19 MiB."""
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 characters, 5 bits each, without `l`, `1`, `o` and `0`, which look alike on paper."""
SHORTEST, LONGEST = 8, 1024
"""Characters of a password that somebody chooses."""
LISTS = Path(__file__).parent / "lists"
WORDS = (LISTS / "words.txt").read_text(encoding="ascii").split()
COMMON_PASSWORDS = frozenset((LISTS / "common-passwords.txt").read_text(encoding="utf-8").splitlines())
_slots = threading.BoundedSemaphore(AT_ONCE)


def generate_password() -> str:
    """A password of 60 random bits that can be read aloud and typed, such as `k7mq-92xf-tnb4`."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))


def passphrase(secret_key: str, seed: str) -> str:
    """The password of four words that belongs to `seed`, such as `acorn-twist-mute-panda`.

    The same seed gives the same password. Without the secret key nobody can compute it. Each word is one of 1,295:
    41 bits, for a password that its person may replace.
    """
    digest = hmac.digest(secret_key.encode(), f"passphrase {seed}".encode(), "sha256")
    return "-".join(WORDS[number % len(WORDS)] for number in struct.unpack(">4Q", digest))


def is_possible_password(password: str) -> bool:
    """Whether this can be anybody's password at all."""
    return 0 < len(password) <= LONGEST and is_storable(password)


def problem_with(password: str) -> str | None:
    """Why somebody cannot choose this password, to continue "The password …"; None if they can."""
    if not is_possible_password(password) or len(strip_invisible(password)) < SHORTEST:
        return f"must have {SHORTEST} to {LONGEST} characters"
    if _comparable(password).casefold() in COMMON_PASSWORDS:
        return "is one of the first that are guessed; choose another"
    return None


def hash_password(password: str) -> str:
    """The hash of a password that a person has chosen; takes tens of milliseconds."""
    return CHOSEN.hash(_comparable(password))


def hash_generated(password: str) -> str:
    """The hash of a password from `generate_password()`, never of one that a person has chosen."""
    return GENERATED.hash(_comparable(password))


def verify(stored: str | None, password: str) -> bool:
    """Whether a password belongs to a hash; None stands for an account that does not exist, or has no password.

    A wrong password takes the time of both efforts, whatever the account: the time reveals nothing. Under gevent the
    work is done on native threads, because it would stop all streams of the process.
    """
    if runs_on_gevent():
        return bool(_native_threads().apply(_verify, (stored, password)))
    with _slots:
        return _verify(stored, password)


@cache
def _native_threads() -> Any:
    from gevent.threadpool import ThreadPool  # noqa: PLC0415 only where the server runs on gevent

    return ThreadPool(maxsize=AT_ONCE)


def _verify(stored: str | None, password: str) -> bool:
    if stored is not None and matches(stored, password):
        return True
    effort = extract_parameters(stored).memory_cost if stored is not None else None
    for hasher in (CHOSEN, GENERATED):
        if hasher.memory_cost != effort:
            matches(_dummy_hash(hasher), password)
    return False


def matches(stored: str, password: str) -> bool:
    """Whether a password belongs to a hash, where nobody measures the time (imports)."""
    try:
        return CHOSEN.verify(stored, _comparable(password))  # with the parameters of the hash
    except VerifyMismatchError:
        return False


@cache
def _dummy_hash(hasher: PasswordHasher) -> str:
    return hasher.hash(secrets.token_bytes(16))


def _comparable(password: str) -> str:
    # keyboards send é as one character or as two, and nobody sees spaces at the ends
    return unicodedata.normalize("NFKC", strip_invisible(password))
