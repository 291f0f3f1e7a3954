"""What every template can call: times, addresses of assets, who is looking."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask, current_app, url_for
from flask_babel import format_decimal, get_locale, gettext

from webapp.clock import utcnow
from webapp.web.times import time_tag


def asset(path: str) -> str:
    """The address of a static file, with a piece of its checksum, so that browsers may keep it for a year."""
    folder = Path(current_app.static_folder or "")
    return url_for("static", filename=path, v=_checksum(folder / path, (folder / path).stat().st_mtime_ns))


@lru_cache(maxsize=256)
def _checksum(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def server_time() -> int:
    """The moment as pages compare it, in milliseconds since 1970: a computer's own clock may be days off."""
    return int(utcnow().timestamp() * 1000)


def sender_role(role: str) -> str:
    """A sender's role as candidates read it."""
    words: dict[str, str] = {
        "invigilator": gettext("Invigilator"),
        "chief_invigilator": gettext("Chief invigilator"),
        "planner": gettext("Planner"),
    }
    return words[role]


def init_app(app: Flask) -> None:
    """Give the templates their functions."""
    app.add_template_global(asset)
    app.add_template_global(time_tag)
    app.add_template_global(server_time)
    app.add_template_global(sender_role)
    app.add_template_global(get_locale)
    app.add_template_filter(format_decimal, "number")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 365 * 24 * 3600
