"""Settings: read from the environment, each with its default, checked before anything starts."""

import re
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

PREFIX = "EXAMHALL_"
ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = Path(__file__).resolve().parent / "translations"
SHORTEST_KEY = 32
FEWEST_DIFFERENT = 8
"""Different characters of a secret key, and different steps from one to the next: random ones have more."""
MAKE_KEY = "python3 -c 'import secrets; print(secrets.token_hex(32))'"


class BadSetting(Exception):
    """A setting with which the application cannot start; the text is one line for the operator."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that an operator can set; the README lists the same names with the prefix."""

    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    redis_url: str | None = field(default=None, repr=False)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    max_recipients: int = 1500
    streams_per_process: int | None = None
    """None: 10,000 under gevent, else 0 (everyone polls)."""
    close_after_hours: int = 12
    """After a test's last own end it is closed; 0: never by itself."""
    receipts: bool = False
    default_locale: str = "en"
    trusted_proxies: int = 0
    metrics_token: str | None = field(default=None, repr=False)
    cookie_name: str | None = None
    """None: one that follows from key and database (`security.cookie_name`)."""
    demo: bool = False


def load(environ: Mapping[str, str], instance: Path | None = None) -> Settings:
    """Read the settings from an environment.

    `instance` is the folder of the default database and of the demo's key. Raises `BadSetting` for the first setting
    that is not valid.
    """
    instance = instance or ROOT / "instance"
    texts = {name: environ.get(PREFIX + name.upper(), "").strip() for name in PARSERS}
    values = {name: _parse(name, text) for name, text in texts.items() if text}
    values["secret_key"] = _secret_key(environ, instance, values.get("demo", False))
    if "database_url" not in values:
        values["database_url"] = _default_database(instance)
    return Settings(**values)


def _parse(name: str, text: str) -> Any:
    try:
        return PARSERS[name](text)
    except (ValueError, KeyError, OSError) as error:
        # never print secrets, nor addresses with passwords
        shown = "" if name.endswith(("_key", "_url", "_token")) else f" (now: {text!r})"
        hint = str(error.args[0]) if isinstance(error, ValueError) and error.args else "not a known value"
        raise BadSetting(f"{PREFIX}{name.upper()}: {hint}{shown}") from error


def _secret_key(environ: Mapping[str, str], instance: Path, demo: bool) -> str:
    key = environ.get(PREFIX + "SECRET_KEY", "")
    if not key and demo:
        return _demo_key(instance)
    if problem := _weakness(key):
        raise BadSetting(f"{PREFIX}SECRET_KEY: {problem}. Make one with: {MAKE_KEY}")
    return key


def _weakness(key: str) -> str | None:
    """What is wrong with a secret key. Who guesses it can sign in as anybody."""
    if not key:
        return "not set"
    if len(key) < SHORTEST_KEY:
        return f"must have at least {SHORTEST_KEY} characters"
    steps = {ord(later) - ord(earlier) for earlier, later in pairwise(key)}
    repeats = any(key.startswith(key[period:]) for period in range(1, len(key) // 2 + 1))
    if len(set(key)) < FEWEST_DIFFERENT or len(steps) < FEWEST_DIFFERENT or repeats:
        return "has too little variety"
    return None


def _demo_key(instance: Path) -> str:
    """The demo's key, made once so that sign-ins survive a restart."""
    path = instance / "secret_key"
    try:
        if not path.exists():
            instance.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32))
        return path.read_text()
    except OSError as error:
        raise BadSetting(f"The folder {instance} cannot be written ({error.strerror}).") from error


def _default_database(instance: Path) -> str:
    try:
        instance.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(
            f"The folder {instance} cannot be written ({error.strerror}); make it writable or set {PREFIX}DATABASE_URL."
        ) from error
    return f"sqlite:///{instance / 'examhall.db'}"


def _whole(least: int, most: int = 999_999_999) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
            raise ValueError(f"must be a whole number of at least {least}")
        if int(text) > most:
            raise ValueError(f"must be at most {most}")
        return int(text)

    return parse


def _boolean(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in known:
        raise ValueError("must be 1 or 0")
    return known[text.lower()]


def _locale(text: str) -> str:
    if text not in locales():
        raise ValueError(f"must be one of {', '.join(locales())}")
    return text


def runs_on_gevent() -> bool:
    """Whether this process's threads are greenlets."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def locales() -> list[str]:
    """The languages that the application speaks: English, and those with a catalogue."""
    return ["en", *sorted(path.parent.parent.name for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.mo"))]


def _cookie_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,49}", text):
        raise ValueError("must be 1 to 50 letters, digits, hyphens or underscores, and begin with a letter")
    return text


def _database_url(text: str) -> str:
    for given, driver in (
        ("postgres://", "postgresql+psycopg://"),
        ("postgresql://", "postgresql+psycopg://"),
        ("postgresql+psycopg://", "postgresql+psycopg://"),
        ("sqlite:///", "sqlite:///"),
    ):
        if text.startswith(given):
            _check_port(text)
            return driver + text.removeprefix(given)
    raise ValueError("must start with sqlite:/// or postgresql://")


def _check_port(text: str) -> None:
    try:
        _ = urlsplit(text).port
    except ValueError:
        raise ValueError("not an address; characters such as : / @ in a password are written as %3A %2F %40") from None


PARSERS: dict[str, Callable[[str], Any]] = {
    "demo": _boolean,
    "database_url": _database_url,
    "redis_url": str,  # not checked: the application also works without Redis
    "timezone": ZoneInfo,
    "max_recipients": _whole(1),
    "streams_per_process": _whole(0),
    "close_after_hours": _whole(0, 87_600),
    "receipts": _boolean,
    "default_locale": _locale,
    "trusted_proxies": _whole(0),
    "metrics_token": str,
    "cookie_name": _cookie_name,
}
"""How the text of each setting but the secret key is read."""
