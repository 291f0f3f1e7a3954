"""Settings: read from the environment, each with its default, checked before anything starts."""

import re
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

PREFIX = "EXAMHALL_"
ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "webapp" / "translations"
SHORTEST_KEY = 32
FEWEST_DIFFERENT = 8
"""Different characters of a secret key, and different steps from one to the next: random ones have more."""
MAKE_KEY = "python3 -c 'import secrets; print(secrets.token_hex(32))'"


class BadSetting(Exception):
    """A setting with which the application cannot start; the text is one line for the operator."""


def runs_on_gevent() -> bool:
    """Whether this process's threads are greenlets."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def locales() -> list[str]:
    """The languages that the application speaks: English, and those with a catalogue."""
    return ["en", *sorted(path.parent.parent.name for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.mo"))]


def _secret_key(text: str) -> str:
    """Refuses weak keys: a person who guesses the key can sign in as anybody."""
    steps = {ord(later) - ord(earlier) for earlier, later in pairwise(text)}
    repeats = any(text.startswith(text[period:]) for period in range(1, len(text) // 2 + 1))
    if not text:
        problem = "not set"
    elif len(text) < SHORTEST_KEY:
        problem = f"must have at least {SHORTEST_KEY} characters"
    elif len(set(text)) < FEWEST_DIFFERENT or len(steps) < FEWEST_DIFFERENT or repeats:
        problem = "has too little variety"
    else:
        return text
    raise ValueError(f"{problem}. Make one with: {MAKE_KEY}")


def _database_url(text: str) -> str:
    """The address with SQLAlchemy's name of the driver."""
    address = re.sub(r"\Apostgres(ql)?://", "postgresql+psycopg://", text)
    if not address.startswith(("postgresql+psycopg://", "sqlite:///")):
        raise ValueError("must start with sqlite:/// or postgresql://")
    try:
        _ = urlsplit(text).port
    except ValueError:
        raise ValueError("not an address; characters such as : / @ in a password are written as %3A %2F %40") from None
    return address


def _boolean(text: str) -> bool:
    values = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in values:
        raise ValueError("must be 1 or 0")
    return values[text.lower()]


def _whole(least: int, most: int = 999_999_999) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
            raise ValueError(f"must be a whole number of at least {least}")
        if int(text) > most:
            raise ValueError(f"must be at most {most}")
        return int(text)

    return parse


def _locale(text: str) -> str:
    if text not in locales():
        raise ValueError(f"must be one of {', '.join(locales())}")
    return text


def _cookie_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,49}", text):
        raise ValueError("must be 1 to 50 letters, digits, hyphens or underscores, and begin with a letter")
    return text


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that an operator can set; the README lists the same names with the prefix.

    Each type is annotated with what reads it from text, and raises `ValueError` with what is wrong.
    """

    secret_key: Annotated[str, _secret_key] = field(repr=False)
    database_url: Annotated[str, _database_url] = field(repr=False)
    redis_url: Annotated[str | None, str] = field(default=None, repr=False)
    """Not checked: the application also works without Redis."""
    timezone: Annotated[ZoneInfo, ZoneInfo] = field(default=ZoneInfo("UTC"))
    max_recipients: Annotated[int, _whole(1)] = 1500
    streams_per_process: Annotated[int | None, _whole(0)] = None
    """None: 10,000 under gevent, else 0 (everyone polls)."""
    close_after_hours: Annotated[int, _whole(0, 87_600)] = 12
    """After a test's last own end it is closed; 0: never by itself."""
    receipts: Annotated[bool, _boolean] = False
    default_locale: Annotated[str, _locale] = "en"
    trusted_proxies: Annotated[int, _whole(0)] = 0
    metrics_token: Annotated[str | None, str] = field(default=None, repr=False)
    cookie_name: Annotated[str | None, _cookie_name] = None
    """None: one that follows from key and database (`security.cookie_name`)."""
    demo: Annotated[bool, _boolean] = False


def load(environ: Mapping[str, str], instance: Path = ROOT / "instance") -> Settings:
    """Read the settings from an environment.

    `instance` is the folder of the default database and of the demo's key. Raises `BadSetting` for the first setting
    that is not valid.
    """
    texts = {name: environ.get(PREFIX + name.upper(), "") for name in PARSERS}
    values = {name: _read(name, text) for name, text in texts.items() if text.strip()}
    try:
        if "secret_key" not in values:
            values["secret_key"] = _demo_key(instance) if values.get("demo") else _read("secret_key", "")
        if "database_url" not in values:
            instance.mkdir(parents=True, exist_ok=True)
            values["database_url"] = f"sqlite:///{instance / 'examhall.db'}"
    except OSError as error:
        raise BadSetting(
            f"The folder {instance} cannot be written ({error.strerror}); make it writable or set {PREFIX}DATABASE_URL."
        ) from error
    return Settings(**values)


PARSERS: dict[str, Callable[[str], Any]] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Settings, include_extras=True).items()
}


def _read(name: str, text: str) -> Any:
    try:
        return PARSERS[name](text if name == "secret_key" else text.strip())
    except (ValueError, KeyError, OSError) as error:
        # never print secrets, nor addresses with passwords
        shown = "" if name.endswith(("_key", "_url", "_token")) else f" (now: {text.strip()!r})"
        hint = str(error.args[0]) if isinstance(error, ValueError) and error.args else "not a known value"
        raise BadSetting(f"{PREFIX}{name.upper()}: {hint}{shown}") from error


def _demo_key(instance: Path) -> str:
    """The demo's key, made once so that sign-ins survive a restart."""
    path = instance / "secret_key"
    if not path.exists():
        instance.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()
